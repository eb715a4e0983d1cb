import { soakFaultSchedules } from '@prism-net/sim';

const REPORT_EVERY = 1000;

/** Runs the fault schedules of the seeds from `firstSeed` on; returns how many failed. */
export function soakSchedules(firstSeed: number, seeds: number): number {
  const start = performance.now();
  let done = 0;
  const { passed, failed, bytes, steps, microseconds } = soakFaultSchedules({
    firstSeed,
    seeds,
    onRun: () => {
      if (++done % REPORT_EVERY === 0) console.log(`${done} schedules`);
    },
    onFailure: (_seed, error) => console.log(`${error.message}\n`),
  });
  const last = firstSeed + seeds - 1;
  console.log(`fault schedules ${firstSeed} to ${last}: ${passed} passed, ${failed.length} failed`);
  const virtual = `${(microseconds / 3.6e9).toFixed(1)} hours of virtual time`;
  const real = `${((performance.now() - start) / 1000).toFixed(0)} s`;
  console.log(`  ${bytes} bytes delivered, ${steps} steps, ${virtual} in ${real}`);
  if (failed.length > 0) console.log(`  failed: ${failed.join(', ')}`);
  return failed.length;
}
