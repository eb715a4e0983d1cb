import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { instant, int32, MINUTE, SECOND } from './opening.testkit.js';
import { TickCounter } from './tick-counter.js';

describe('TickCounter', () => {
  it('counts whole ticks since its first reading over any number of turns of the clock', () => {
    const pause = fc.oneof(
      fc.integer({ min: 0, max: 10 }),
      fc.integer({ min: 0, max: SECOND }),
      fc.integer({ min: 0, max: 70 * MINUTE }),
    );
    fc.assert(
      fc.property(
        int32,
        fc.constantFrom(1, 4, 1000, 64 * SECOND),
        fc.array(pause, { maxLength: 60 }),
        (start, tick, pauses) => {
          const counter = new TickCounter(tick);
          expect(counter.read(start)).toBe(0);
          let passed = 0;
          for (const microseconds of pauses) {
            passed += microseconds;
            expect(counter.read(instant(start + passed))).toBe(Math.floor(passed / tick) | 0);
          }
        },
      ),
    );
  });

  it('stands still when a reading is older than the last', () => {
    const counter = new TickCounter(4);
    counter.read(0);
    expect(counter.read(SECOND)).toBe(250_000);
    expect(counter.read(SECOND - 5)).toBe(250_000);
    expect(counter.read(1)).toBe(250_000);
    expect(counter.read(SECOND + 4)).toBe(250_001);
  });

  it('runs on, short by whole turns, after a pause of more than one', () => {
    const counter = new TickCounter(4);
    counter.read(0);
    expect(counter.read(instant(2 ** 32 * 3 + 400))).toBe(100);
  });
});
