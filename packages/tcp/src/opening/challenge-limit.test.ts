import { SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowedChallenge, ChallengeLimit } from './challenge-limit.js';
import { instant, int32, MINUTE, SECOND, TURN } from './opening.testkit.js';

function limitAt(now: number): ChallengeLimit {
  const limit = new ChallengeLimit();
  limit.reset(instant(now));
  return limit;
}

describe('ChallengeLimit (RFC 5961 §7)', () => {
  it('allows a burst of three, then one per 500 to 632 ms', () => {
    const limit = limitAt(0);
    const random = new SeededRandom(1);
    let burst = 0;
    while (limit.allow(0, random.nextInt32())) burst++;
    expect(burst).toBe(3);
    let allowed = 0;
    for (let at = 0; at <= 100 * SECOND; at += 1000) if (limit.allow(at, random.nextInt32())) allowed++;
    expect(allowed).toBeGreaterThan(100 / 0.632);
    expect(allowed).toBeLessThan(100 / 0.5);
    expect(limit.suppressed).toBe(1 + 100_001 - allowed);
  });

  it('never allows more than a burst and one per 500 ms, however the questions come, also as the clock wraps', () => {
    const pauses = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3 * SECOND })), { maxLength: 300 });
    fc.assert(
      fc.property(int32, pauses, (start, times) => {
        const limit = limitAt(start);
        let passed = 0;
        let allowed = 0;
        for (const pause of times) {
          passed += pause;
          if (limit.allow(instant(start + passed), pause)) allowed++;
          expect(allowed).toBeLessThanOrEqual(3.6 + passed / (SECOND / 2));
        }
      }),
    );
  });

  it('allows a whole burst again after any quiet time from 2 s to 71 minutes', () => {
    for (let quiet = 2 * SECOND; quiet < 71 * MINUTE; quiet += 17 * SECOND) {
      const limit = limitAt(TURN - 5 * SECOND);
      const before = instant(TURN - 5 * SECOND);
      while (limit.allow(before, -1));
      const after = instant(TURN - 5 * SECOND + quiet);
      expect([limit.allow(after, 0), limit.allow(after, 0), limit.allow(after, 0), limit.allow(after, 0)]).toEqual([
        true,
        true,
        true,
        false,
      ]);
    }
  });

  it('draws the moment of the next answer over 131 ms', () => {
    const random = new SeededRandom(2);
    const moments = Array.from({ length: 2000 }, () => {
      const limit = limitAt(0);
      for (let answer = 0; answer < 3; answer++) limit.allow(0, random.nextInt32());
      let low = 0;
      for (let step = 1 << 21; step > 0; step >>= 1) {
        const probe = limitAt(0);
        probe.readyAt = limit.readyAt;
        if (!probe.allow(low + step, 0)) low += step;
      }
      return low;
    });
    expect(Math.max(...moments) - Math.min(...moments)).toBeGreaterThan(131_000);
    expect(new Set(moments).size).toBeGreaterThan(1900);
  });

  it('is the function over one field', () => {
    fc.assert(
      fc.property(int32, fc.array(fc.tuple(fc.integer({ min: 0, max: SECOND }), int32)), (start, questions) => {
        const limit = limitAt(start);
        let field = start;
        let now = start;
        for (const [pause, jitter] of questions) {
          now = instant(now + pause);
          const next = allowedChallenge(field, now, jitter);
          expect(limit.allow(now, jitter)).toBe(next !== field);
          field = next;
        }
      }),
    );
  });
});
