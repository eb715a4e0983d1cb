import { describe, expect, it } from 'vitest';
import { describeFaultSchedule } from '../faults/describe.js';
import { drawFaultSchedule } from '../faults/fault-schedule.js';
import { runFaultSchedule, soakFaultSchedules } from './fault-run.js';

/** PRISM_SEED repeats one seed. */
const ONE = process.env['PRISM_SEED'];
/** The share of the tests; `npm run soak` runs ten thousand. */
const SEEDS = 250;

describe('TCP under fault schedules', () => {
  it('delivers every byte and ends as planned, without a hang, a leak or a broken invariant', () => {
    if (ONE !== undefined) {
      console.log(describeFaultSchedule(drawFaultSchedule(Number(ONE))));
      console.log(runFaultSchedule(Number(ONE)));
      return;
    }
    const { passed, bytes } = soakFaultSchedules({ firstSeed: 0, seeds: SEEDS });
    expect(passed).toBe(SEEDS);
    expect(bytes).toBeGreaterThan(SEEDS * 50_000);
  });

  it('a seed that fails is named with its schedule, and the others go on', () => {
    const messages: string[] = [];
    const report = soakFaultSchedules({
      firstSeed: 5,
      seeds: 3,
      onRun: ({ seed }) => {
        if (seed === 6) throw new Error('a bug');
      },
      onFailure: (seed, error) => messages.push(`${seed}: ${error.message}`),
    });
    expect(report).toMatchObject({ passed: 2, failed: [6] });
    expect(messages).toEqual(['6: a bug']);
  });
});
