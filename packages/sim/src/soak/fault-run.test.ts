import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { describeFaultSchedule } from '../faults/describe.js';
import { drawFaultSchedule } from '../faults/fault-schedule.js';
import { soakCommand } from './command.js';
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

describe('the soak command', () => {
  const run = (...parameters: string[]) => {
    const lines: string[] = [];
    const status = soakCommand(parameters, {
      print: (line) => lines.push(line),
      createDigest: () => createHash('sha256'),
    });
    return { status, text: lines.join('\n') };
  };

  it('runs schedules and long streams, and says what it did', () => {
    const { status, text } = run('--seeds', '3', '--first', '7', '--bulk', '50000');
    expect(status).toBe(0);
    expect(text).toContain('fault schedules 7 to 9: 3 passed, 0 failed');
    expect(text.match(/SHA-256 [0-9a-f]{64}/g)).toHaveLength(32);
    expect(text).toMatch(/sequence numbers wrapped\nall passed$/);
  });

  it('explains itself, and what it does not understand', () => {
    expect(run('--help').text).toMatch(/^soak \[--seeds N]/);
    expect(() => run('--sedes', '3')).toThrow(/soak EINVAL: there is no option --sedes/);
    expect(() => run('--seeds', 'many')).toThrow(/--seeds must be a whole number/);
  });
});
