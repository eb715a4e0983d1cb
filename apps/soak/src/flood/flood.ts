import type { FloodKind } from './flood-frame.js';
import { runVirtualFlood, type VirtualFloodOptions, type VirtualFloodReport } from './virtual-flood.js';

/** Share of its goodput that a stream keeps. */
const LEAST_GOODPUT = 0.9;
/** A flood of so many segments is long. */
const LONG = 500_000;
/** Bytes by which the heap may have grown: what the report itself and the machine code take. */
const LARGEST_GROWTH = 16 << 20;

/** Microseconds: nobody had to repeat a segment more than once. */
const LONGEST_VISIT = 1_500_000;
/** New neighbours that may be asked for per second, and at once; three times each. */
const PROVOKED = 256;

/** Segments of the first flood, of SYNs; and of each of the others. */
export interface FloodOptions {
  readonly segments: number;
  readonly others: number;
  readonly perSecond: number;
  readonly seed: number;
}

/** Floods of all kinds in virtual time; returns how many did harm. */
export function soakFlood({ segments, others, perSecond, seed }: FloodOptions): number {
  const run = (kind: FloodKind, from: VirtualFloodOptions['from'], count: number): number => {
    // For a second at least.
    const report = runVirtualFlood({ kind, from, segments: count, perSecond: Math.min(perSecond, count), seed });
    print(kind, from, report);
    const problems = judge(kind, report);
    for (const problem of problems) console.log(`  FAILED: ${problem}`);
    return problems.length > 0 ? 1 : 0;
  };
  return (
    run('syn', 'gateway', segments) +
    run('syn', 'neighbours', others) +
    run('ack-closed', 'gateway', others) +
    run('ack-listening', 'gateway', others) +
    run('in-window', 'gateway', others) +
    run('mixed', 'gateway', others)
  );
}

function judge(kind: FloodKind, report: VirtualFloodReport): string[] {
  const problems: string[] = [];
  const { before, during, after } = report.goodput;
  // In a second or two each stream alone goes up and down as congestion control probes; in ten it does not matter.
  const ways = report.sent >= LONG ? [[0], [1]] : [[0, 1]];
  for (const way of ways) {
    const sum = (rates: readonly number[]): number => way.reduce((all, i) => all + rates[i]!, 0);
    if (sum(during) < LEAST_GOODPUT * sum(before)) problems.push('streams got slower');
    if (sum(after) < LEAST_GOODPUT * sum(before)) problems.push('streams stay slow');
  }
  if (report.answered < report.visitors) problems.push('visitors were not answered');
  if (report.neighboursAnswered < report.neighbours) problems.push('visitors on the flooded network were not answered');
  if (report.slowestMicroseconds > LONGEST_VISIT) problems.push('visitors had to wait');
  if (report.arpRequests > 3 * PROVOKED * (1 + report.seconds) + 100) problems.push('too many ARP requests');
  const growth = report.memory.during.heap + report.memory.during.arrayBuffers;
  if (growth - report.memory.before.heap - report.memory.before.arrayBuffers > LARGEST_GROWTH) {
    problems.push('memory has grown');
  }
  if (report.halfOpenAfter > 0) problems.push(`${report.halfOpenAfter} half-open connections are left`);
  if (kind === 'in-window' && report.challenges === 0) problems.push('no forgery reached the connection');
  if (kind !== 'syn' && kind !== 'mixed' && report.answerBytes > report.sentBytes) {
    problems.push('more was answered than was sent');
  }
  return problems;
}

function print(kind: FloodKind, from: string, report: VirtualFloodReport): void {
  const { goodput, memory } = report;
  const rates = (way: 0 | 1): string =>
    [goodput.before, goodput.during, goodput.after].map((each) => each[way].toFixed(1)).join(' → ');
  const megabytes = (of: 'heap' | 'arrayBuffers' | 'resident'): string =>
    [memory.before, memory.during, memory.after].map((each) => (each[of] / 2 ** 20).toFixed(1)).join(' → ');
  console.log(
    `flood of ${report.sent} × ${kind}, sources: ${from}; ${report.realSeconds.toFixed(0)} s; before → during → after:`,
  );
  console.log(`  goodput to the host ${rates(0)}, from it ${rates(1)} Mbit/s`);
  console.log(
    `  memory: heap ${megabytes('heap')}, array buffers ${megabytes('arrayBuffers')}, resident ` +
      `${megabytes('resident')} MiB; at most ${report.peakHalfOpen} half-open, ${report.peakConnections} connections, ` +
      `${report.peakPackets} packets in use; ${report.halfOpenAfter} half-open in the end`,
  );
  console.log(
    `  visitors answered: ${report.answered} of ${report.visitors}, on the flooded network ` +
      `${report.neighboursAnswered} of ${report.neighbours}, the last after ` +
      `${(report.slowestMicroseconds / 1000).toFixed(0)} ms; ${report.cookiesAccepted} by cookies`,
  );
  console.log(
    `  cookies sent ${report.cookiesSent}, challenge acknowledgements ${report.challenges}; answers ${report.answers} (${report.resets} resets), ` +
      `${(report.answerBytes / report.sentBytes).toFixed(2)} bytes for each byte; ARP requests ${report.arpRequests}, ` +
      `${report.neighbourEntries} neighbours known`,
  );
}
