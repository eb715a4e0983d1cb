import type { NetworkLab } from '@prism-net/netlab';

export interface ReplayOptions {
  /** Frames a second; undefined: as fast as it goes. */
  readonly rate?: number;
  /** Times the corpus is played; 0: until the seconds are over. */
  readonly loops: number;
  readonly seconds?: number;
}

export interface ReplayReport {
  readonly sent: number;
  readonly bytes: number;
  /** Frames the kernel refused to send: shorter than a header, or longer than the cable takes. */
  readonly refused: number;
  readonly seconds: number;
}

/** Plays a capture into a device with tcpreplay. @throws Error with what tcpreplay said. */
export async function replay(
  lab: NetworkLab,
  namespace: string,
  device: string,
  file: string,
  options: ReplayOptions,
): Promise<ReplayReport> {
  const { rate, loops, seconds } = options;
  const command = ['tcpreplay', '--intf1', device, '--preload-pcap', '--no-flow-stats', `--loop=${loops}`];
  command.push(rate === undefined ? '--topspeed' : `--pps=${rate}`);
  if (seconds !== undefined) command.push(`--duration=${seconds}`);
  const child = lab.spawn(namespace, [...command, file], { stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  let errors = '';
  child.stdout!.on('data', (text: Buffer) => {
    output += text.toString();
  });
  // One line for each frame that the kernel refuses: the last ones tell.
  child.stderr!.on('data', (text: Buffer) => {
    errors = (errors + text.toString()).slice(-2000);
  });
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  const actual = /Actual: (\d+) packets \((\d+) bytes\) sent in ([\d.]+) seconds/.exec(output);
  if (code !== 0 || actual === null) throw new Error(`tcpreplay failed (status ${code}): ${errors.trim()}`);
  return {
    sent: Number(actual[1]),
    bytes: Number(actual[2]),
    seconds: Number(actual[3]),
    refused: Number(/Failed packets:\s+(\d+)/.exec(output)?.[1] ?? 0),
  };
}
