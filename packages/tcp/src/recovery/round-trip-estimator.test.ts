import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RoundTripEstimator } from './round-trip-estimator.js';

const make = (minimum = 1): RoundTripEstimator => new RoundTripEstimator(minimum, 1_000_000, 60_000_000, 1000);

describe('RoundTripEstimator (RFC 6298)', () => {
  it('begins with the initial timeout, then SRTT = R, RTTVAR = R/2, RTO = SRTT + 4 RTTVAR', () => {
    const estimator = make();
    expect(estimator.timeout).toBe(1_000_000);
    expect(estimator.hasSample).toBe(false);
    estimator.sample(80_000, 0);
    expect([estimator.smoothed, estimator.variation, estimator.timeout]).toEqual([80_000, 40_000, 240_000]);
  });

  // RFC 9293 §3.8.1, MUST-18.
  it('follows the formulas of §2.3 to the microsecond for any samples', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 50_000_000 }), { minLength: 1, maxLength: 200 }), (samples) => {
        const estimator = make();
        let smoothed = samples[0]!;
        let variation = samples[0]! / 2;
        samples.forEach((r, i) => {
          estimator.sample(r, i);
          if (i > 0) {
            variation = 0.75 * variation + 0.25 * Math.abs(smoothed - r);
            smoothed = 0.875 * smoothed + 0.125 * r;
          }
          // The shifts round down, and the error of RTTVAR is four times that of SRTT.
          expect(Math.abs(estimator.smoothed - smoothed)).toBeLessThanOrEqual(2);
          expect(Math.abs(estimator.variation - variation)).toBeLessThanOrEqual(6);
        });
        const timeout = estimator.smoothed + Math.max(1000, 4 * estimator.variation);
        expect(Math.abs(estimator.timeout - Math.min(timeout, 60_000_000))).toBeLessThanOrEqual(4);
      }),
    );
  });

  it('adds at least the clock granularity, and keeps to minimum and maximum', () => {
    const estimator = make();
    for (let i = 0; i < 100; i++) estimator.sample(5000, i);
    expect(estimator.timeout).toBe(6000);
    const floor = make(200_000);
    floor.sample(100, 0);
    expect(floor.timeout).toBe(200_000);
    estimator.sample(119_000_000, 0);
    expect(estimator.timeout).toBe(60_000_000);
  });

  it('backs off to the maximum, and a measurement ends that', () => {
    const estimator = make();
    estimator.sample(1_000_000, 0);
    for (let i = 0; i < 20; i++) estimator.backOff();
    expect(estimator.timeout).toBe(60_000_000);
    estimator.measure(1_000_000, 1_000_000, false, 0);
    expect([estimator.timeout, estimator.backoffs]).toEqual([3_000_000, 0]);
    estimator.backOff();
    estimator.sample(1_000_000, 0);
    expect([estimator.timeout, estimator.backoffs]).toEqual([2_500_000, 0]);
  });

  it('takes one sample per round trip, and the greatest deviation of the round', () => {
    const estimator = make();
    estimator.sample(100_000, 0);
    for (let i = 0; i < 50; i++) estimator.measure(100_000, 100_000, false, 0);
    expect(estimator.variation).toBe(50_000);
    estimator.measure(200_000, 200_000, false, 0);
    estimator.measure(100_000, 100_000, true, 0);
    expect(estimator.smoothed).toBe(100_000);
    expect(estimator.variation).toBe(0.75 * 50_000 + 0.25 * 100_000);
  });

  it('survives round trips of zero and of hours', () => {
    const estimator = make();
    estimator.sample(0, 0);
    expect(estimator.smoothed).toBe(1);
    for (let i = 0; i < 100; i++) estimator.sample(0x7fff_ffff, i);
    expect(estimator.smoothed).toBeGreaterThan(119_000_000);
    expect(estimator.smoothed).toBeLessThanOrEqual(120_000_000);
    expect(estimator.timeout).toBe(60_000_000);
  });
});

describe('the minimum', () => {
  it('is the shortest of the last minutes, and forgets what is older than 300 s', () => {
    const estimator = make();
    let now = 0x7fff_0000;
    estimator.sample(50_000, now);
    estimator.sample(20_000, now);
    estimator.sample(90_000, now);
    expect(estimator.minimum).toBe(20_000);
    for (let seconds = 0; seconds < 140; seconds++) estimator.sample(60_000, (now = (now + 1_000_000) | 0));
    expect(estimator.minimum).toBe(20_000);
    for (let seconds = 0; seconds < 170; seconds++) estimator.sample(60_000, (now = (now + 1_000_000) | 0));
    expect(estimator.minimum).toBe(60_000);
  });

  it('begins anew after a silence longer than instants can tell', () => {
    const estimator = make();
    estimator.sample(50, 0);
    estimator.sample(7000, -0x4000_0000);
    expect(estimator.minimum).toBe(7000);
    estimator.sample(9000, 0x3000_0000);
    expect(estimator.minimum).toBe(9000);
  });
});
