import type { ChildProcess } from 'node:child_process';
import type { BenchLab, Endpoint } from './bench-lab.js';
import { endOf, outputOf } from './command-output.js';
import type { Contestant } from './contest.js';
import { sleep } from './peer-channel.js';
import { PORT } from './peer-job.js';

/** An iperf3 server, the kernel's end of a test at its best; serves one test after another. */
export async function startIperf3Server(lab: BenchLab, at: Endpoint): Promise<ChildProcess> {
  const server = lab.command(at, ['iperf3', '--server', '--port', String(PORT)]);
  server.stdout?.resume();
  server.stderr?.resume();
  await sleep(0.2);
  return server;
}

/** iperf3 at both ends: what the kernel does without JavaScript. `length` bytes a write; undefined: 128 KiB. */
export function iperf3Tcp(lab: BenchLab, length?: number): Contestant {
  return {
    parts: 1,
    measure: async ({ seconds }) => {
      const end = await iperf3(lab, seconds, length === undefined ? [] : ['--length', String(length)]);
      return { gbitPerSecond: end.sum_received.bits_per_second / 1e9 };
    },
  };
}

/** Datagrams as fast as they go; counted at the receiver. */
export async function iperf3Udp(lab: BenchLab, length: number, seconds: number): Promise<UdpRate> {
  const { sum } = await iperf3(lab, seconds, ['--udp', '--bitrate', '0', '--length', String(length)]);
  const received = sum.packets - sum.lost_packets;
  return { packetsPerSecond: received / sum.seconds, gbitPerSecond: (received * length * 8) / sum.seconds / 1e9 };
}

interface UdpRate {
  readonly packetsPerSecond: number;
  readonly gbitPerSecond: number;
}

interface EndOfTest {
  readonly sum_received: { readonly bits_per_second: number };
  readonly sum: { readonly packets: number; readonly lost_packets: number; readonly seconds: number };
}

async function iperf3(lab: BenchLab, seconds: number, more: readonly string[]): Promise<EndOfTest> {
  const server = await startIperf3Server(lab, lab.kernel('server'));
  const target = ['--client', lab.kernel('server').address, '--port', String(PORT)];
  const time = ['--time', String(Math.max(1, Math.round(seconds)))];
  try {
    const client = lab.command(lab.kernel('client'), ['iperf3', ...target, ...time, '--json', ...more]);
    return (JSON.parse(await outputOf(client)) as { end: EndOfTest }).end;
  } finally {
    await endOf(server);
  }
}
