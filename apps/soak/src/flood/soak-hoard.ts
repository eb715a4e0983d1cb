import { type HoardOptions, type HoardReport, runHoard } from './hoard.js';
import { HOARD_KINDS } from './hoarder.js';
import { course, Table } from './table.js';

/** Share of its goodput that a stream keeps. */
const LEAST_GOODPUT = 0.9;

/** Hoards of all kinds in virtual time; returns how many did harm. */
export function soakHoard({
  connections,
  seconds,
  seed,
}: Pick<HoardOptions, 'connections' | 'seconds' | 'seed'>): number {
  const frames = 4096;
  console.log(
    `${connections} hoarders against ${frames} packets, in virtual time; three figures: before → during → after`,
  );
  const table = new Table(TITLES, WIDTHS);
  let failures = 0;
  for (const kind of [...HOARD_KINDS, 'mixed'] as const) {
    const report = runHoard({ kind, connections, frames, seconds, seed });
    table.print(cells(kind, report));
    const { before, during, after } = report.goodput;
    const isHarmed = [0, 1].some((way) => during[way]! < LEAST_GOODPUT * before[way]!);
    // The newcomers shared the cable with the streams, and each way's share is another one after that, hoard or no hoard.
    const isHurt = after[0] + after[1] < LEAST_GOODPUT * (before[0] + before[1]);
    const isLockedOut = report.newcomers.some((rate) => rate < 1);
    if (isHarmed) console.log('  FAILED: the streams got slower');
    if (isHurt) console.log('  FAILED: the streams stayed slower');
    if (isLockedOut) console.log('  FAILED: newcomers get nothing');
    if (isHarmed || isHurt || isLockedOut) failures++;
  }
  return failures;
}

const TITLES = [
  'hoard',
  'Mbit/s to the host',
  'from it',
  'newcomers Mbit/s',
  'left',
  'reset',
  'packets kept',
  'at most',
  'took s',
] as const;
const WIDTHS = [14, 19, 19, 16, 5, 5] as const;

function cells(kind: string, report: HoardReport): string[] {
  const { before, during, after } = report.goodput;
  const rates = (way: 0 | 1): string => course([before[way], during[way], after[way]]);
  return [
    kind,
    rates(0),
    rates(1),
    report.newcomers.map((rate) => rate.toFixed(1)).join(', '),
    String(report.established),
    String(report.resets),
    String(report.kept),
    String(report.peakPackets),
    report.realSeconds.toFixed(1),
  ];
}
