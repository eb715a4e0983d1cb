import { DEFAULT_SETTINGS } from '@prism-net/tcp';
import type { FloodKind } from './flood-frame.js';
import { course, Table } from './table.js';
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
/** Resets per second, and at once. */
const RESETS = DEFAULT_SETTINGS.resetsPerSecond;

/** Segments of the first flood, of SYNs; and of each of the others. */
export interface FloodOptions {
  readonly segments: number;
  readonly others: number;
  readonly perSecond: number;
  readonly seed: number;
}

/** Floods of all kinds in virtual time; returns how many did harm. */
export function soakFlood({ segments, others, perSecond, seed }: FloodOptions): number {
  console.log('floods in virtual time; three figures: before → during → after; the others at most, or in all');
  const table = new Table(TITLES, WIDTHS);
  const run = (kind: FloodKind, from: VirtualFloodOptions['from'], count: number): number => {
    // For a second at least.
    const report = runVirtualFlood({ kind, from, segments: count, perSecond: Math.min(perSecond, count), seed });
    table.print(cells(kind, from, report));
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
  if (report.resets > 1.2 * RESETS * (1 + report.seconds)) problems.push('too many resets');
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

const TITLES = [
  'flood',
  'segments',
  'Mbit/s to the host',
  'from it',
  'heap MiB',
  'visitors',
  'neighbours',
  'slowest ms',
  'half-open',
  'connections',
  'packets',
  'cookies',
  'challenges',
  'resets',
  'answered',
  'ARP',
  'took s',
] as const;
const WIDTHS = [28, 8, 18, 18, 18, 7] as const;

function cells(kind: FloodKind, from: string, report: VirtualFloodReport): string[] {
  const { before, during, after } = report.goodput;
  const rates = (way: 0 | 1): string => course([before[way], during[way], after[way]]);
  const { memory } = report;
  return [
    `${kind}, ${from === 'gateway' ? 'from anywhere' : 'from neighbours'}`,
    String(report.sent),
    rates(0),
    rates(1),
    course([memory.before, memory.during, memory.after].map((each) => each.heap / 2 ** 20)),
    `${report.answered}/${report.visitors}`,
    `${report.neighboursAnswered}/${report.neighbours}`,
    (report.slowestMicroseconds / 1000).toFixed(0),
    String(report.peakHalfOpen),
    String(report.peakConnections),
    String(report.peakPackets),
    String(report.cookiesSent),
    String(report.challenges),
    String(report.resets),
    `${((100 * report.answerBytes) / report.sentBytes).toFixed(0)} %`,
    String(report.arpRequests),
    report.realSeconds.toFixed(1),
  ];
}
