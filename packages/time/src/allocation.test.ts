import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { ManualClock } from './clock.js';
import { type TimerHandler, TimerWheel } from './timer-wheel.js';
import { TokenBucket } from './token-bucket.js';

it('the wheel and the bucket allocate nothing once optimised', () => {
  const clock = new ManualClock(0x7fff_0000);
  const wheel = new TimerWheel({ capacity: 256, now: clock.now() });
  const bucket = new TokenBucket({ ratePerSecond: 3333, burst: 10, now: clock.now() });
  class Periodic implements TimerHandler {
    fired = 0;
    onTimer(timer: number, argument: number, now: number): void {
      this.fired = (this.fired + 1) | 0;
      wheel.arm(timer, argument, now);
    }
  }
  const handler = new Periodic();
  for (let i = 0; i < 256; i++) wheel.arm(wheel.create(handler, 100 + i * 977), 100, clock.now());
  let granted = 0;
  const work = (times: number) => {
    for (let i = 0; i < times; i++) {
      const now = clock.advance(333);
      wheel.advance(now, 64);
      wheel.arm(i & 255, 50_000, now);
      wheel.cancel((i + 7) & 127);
      wheel.nextExpiry(now);
      if (bucket.take(now)) granted++;
    }
  };
  const fired = handler.fired;
  const bytes = steadyStateBytes(() => work(20_000));
  expect(handler.fired).toBeGreaterThan(fired);
  expect(granted).toBeGreaterThan(0);
  // The measurement's own objects take a few hundred bytes; one number per round would be 320,000.
  expect(bytes).toBeLessThan(10_000);
});
