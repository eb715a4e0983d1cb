import { expect, it } from 'vitest';
import { TimeOfDay } from './time-of-day.js';

it('the time of day goes on with a clock of 32 bits, over its wraps and those of the low word', () => {
  const start = 34_200_000_000_123;
  let clock = 2 ** 31 - 5;
  const time = new TimeOfDay(start, clock);
  const value = () => time.high * 2 ** 32 + (time.low >>> 0);
  expect(value()).toBe(start);
  let passed = 0;
  for (const step of [1, 10, 4_000_000_000, 3_999_999_999, 0, 2 ** 31, 4_294_967_295]) {
    passed += step;
    clock = (clock + step) | 0;
    time.advance(clock);
    expect(value()).toBe(start + passed);
  }
});
