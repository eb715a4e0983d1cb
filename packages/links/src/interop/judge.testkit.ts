import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

export interface Verdict {
  /** Frames that were judged. */
  readonly frames: number;
  /** 'frame 7: Bad checksum …' for each that is not as it should be. */
  readonly faults: readonly string[];
}

/** Destination unreachable, time exceeded, parameter problem: those quote what they are about. */
const ICMP_ERROR = 'icmp.type in {3, 11, 12}';

/**
 * What tshark thinks of the frames from one MAC address in a capture: not one may be malformed, have a wrong checksum
 * or any other remark of severity error. `transportChecksums` false: sums of TCP and UDP are not looked at, those of IP
 * and ICMP are. For links that hand them to the kernel incomplete (CHECKSUM_PARTIAL), which then never completes them
 * as no wire is involved: that they are right is shown by offloads switched off, and by data that arrive.
 */
export async function judge(file: string, mac: string, transportChecksums: boolean): Promise<Verdict> {
  const check = String(transportChecksums).toUpperCase();
  const preferences = [
    'ip.check_checksum:TRUE',
    `tcp.check_checksum:${check}`,
    `udp.check_checksum:${check}`,
    // A capture on the way in has one direction of each conversation: analysis of the other's ACKs means nothing.
    'tcp.analyze_sequence_numbers:FALSE',
    'tcp.desegment_tcp_streams:FALSE',
  ].flatMap((preference) => ['-o', preference]);
  // What the payload is like is not Prism's doing: random bytes pass for the oddest protocols.
  const payloads = ['-d', 'tcp.port==1-65535,echo', '-d', 'udp.port==1-65535,echo'];
  const own = `eth.src == ${mac}`;
  // An error quotes the kernel's own packet as it came: with the sum that no wire has made the kernel complete.
  const quoted = `(${ICMP_ERROR} && icmp.checksum.status == "Good" && ip.checksum.status == "Good" && !_ws.malformed)`;
  const wrong = `(_ws.malformed || _ws.expert.severity == "Error" || ip.checksum.status == "Bad") && !${quoted}`;
  const read = async (filter: string, field: string): Promise<string[]> => {
    const args = [
      '-r',
      file,
      ...preferences,
      ...payloads,
      '-Y',
      filter,
      '-T',
      'fields',
      '-e',
      'frame.number',
      '-e',
      field,
    ];
    const { stdout } = await run('tshark', args, { maxBuffer: 256 * 1024 * 1024 });
    return stdout.split('\n').filter(Boolean);
  };
  const frames = await read(own, 'frame.len');
  const faults = await read(`${own} && ${wrong}`, '_ws.expert.message');
  return { frames: frames.length, faults: faults.map((line) => `frame ${line.replace('\t', ': ')}`) };
}
