import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TokenBucket } from './token-bucket.js';

describe('TokenBucket', () => {
  it('grants the burst at once and then the rate', () => {
    const bucket = new TokenBucket({ ratePerSecond: 10, burst: 3, now: 0 });
    expect([1, 2, 3, 4].map(() => bucket.take(0))).toEqual([true, true, true, false]);
    expect(bucket.take(99_999)).toBe(false);
    expect(bucket.take(100_000)).toBe(true);
    expect(bucket.take(100_000)).toBe(false);
  });

  it('holds no more than the burst however long it was idle', () => {
    const bucket = new TokenBucket({ ratePerSecond: 1000, burst: 5, now: 0 });
    for (let i = 0; i < 5; i++) bucket.take(0);
    const later = 3_000_000_000 | 0; // 50 minutes: beyond 2^31 µs
    expect([1, 2, 3, 4, 5, 6].map(() => bucket.take(later))).toEqual([true, true, true, true, true, false]);
  });

  it('does not count time twice when it is shown a stale instant', () => {
    const bucket = new TokenBucket({ ratePerSecond: 1, burst: 1, now: 0 });
    expect(bucket.take(0)).toBe(true);
    for (let i = 0; i < 100; i++) {
      expect(bucket.take(900_000)).toBe(false);
      expect(bucket.take(100_000)).toBe(false);
    }
    expect(bucket.take(1_000_000)).toBe(true);
  });

  it('never refills at rate 0', () => {
    const bucket = new TokenBucket({ ratePerSecond: 0, burst: 1, now: 0 });
    expect(bucket.take(0)).toBe(true);
    expect(bucket.take(2_000_000_000)).toBe(false);
  });

  it('refuses rates and bursts that cannot be', () => {
    const code = 'EINVAL';
    expect(() => new TokenBucket({ ratePerSecond: -1, burst: 1, now: 0 })).toThrow(expect.objectContaining({ code }));
    expect(() => new TokenBucket({ ratePerSecond: 1, burst: 0, now: 0 })).toThrow(expect.objectContaining({ code }));
    expect(() => new TokenBucket({ ratePerSecond: Number.NaN, burst: 1, now: 0 })).toThrow(
      expect.objectContaining({ code }),
    );
  });

  it('agrees with exact arithmetic in unbounded time, across every wrap of the clock', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 2_000_000 }),
        fc.integer({ min: 1, max: 10_000 }),
        fc.constantFrom(0, 0x7fff_fff0, -0x100),
        fc.array(fc.oneof(fc.nat(50), fc.nat(100_000), fc.nat(4_000_000_000)), { maxLength: 300 }),
        (rate, burst, start, pauses) => {
          const bucket = new TokenBucket({ ratePerSecond: rate, burst, now: start });
          let time = 0n;
          const full = BigInt(burst) * 1_000_000n;
          let credit = full;
          for (const pause of pauses) {
            time += BigInt(pause);
            credit += BigInt(pause) * BigInt(rate);
            if (credit > full) credit = full;
            const expected = credit >= 1_000_000n;
            if (expected) credit -= 1_000_000n;
            expect(bucket.take(Number(BigInt.asIntN(32, time + BigInt(start))))).toBe(expected);
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
