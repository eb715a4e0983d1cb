import { type HoardOptions, type HoardReport, runHoard } from './hoard.js';
import { HOARD_KINDS } from './hoarder.js';

/** Share of its goodput that a stream keeps. */
const LEAST_GOODPUT = 0.9;

/** Hoards of all kinds in virtual time; returns how many did harm. */
export function soakHoard({
  connections,
  seconds,
  seed,
}: Pick<HoardOptions, 'connections' | 'seconds' | 'seed'>): number {
  let failures = 0;
  for (const kind of [...HOARD_KINDS, 'mixed'] as const) {
    const frames = 4096;
    const report = runHoard({ kind, connections, frames, seconds, seed });
    print(kind, connections, frames, report);
    const { before, during, after } = report.goodput;
    const isHarmed = [0, 1].some(
      (way) => during[way]! + after[way]! < 2 * LEAST_GOODPUT * before[way]! || during[way]! < before[way]! * 0.8,
    );
    const isLockedOut = report.newcomers.some((rate) => rate < 1);
    if (isHarmed) console.log('  FAILED: the streams got slower');
    if (isLockedOut) console.log('  FAILED: newcomers get nothing');
    if (isHarmed || isLockedOut) failures++;
  }
  return failures;
}

function print(kind: string, connections: number, frames: number, report: HoardReport): void {
  const { goodput } = report;
  const rates = (way: 0 | 1): string =>
    [goodput.before, goodput.during, goodput.after].map((each) => each[way].toFixed(1)).join(' → ');
  console.log(`hoard of ${connections} × ${kind} against ${frames} packets; ${report.realSeconds.toFixed(0)} s:`);
  console.log(`  goodput to the host ${rates(0)}, from it ${rates(1)} Mbit/s (before → during → after)`);
  console.log(
    `  ${report.established} hoarders in the end, ${report.resets} were reset; they hold ${report.kept} packets, at most ` +
      `${report.peakPackets} were in use; streams that came later got ${report.newcomers.map((rate) => rate.toFixed(1)).join(' and ')} Mbit/s`,
  );
}
