import { describe, expect, it } from 'vitest';
import { AcknowledgementSample } from '../acknowledgement-sample.js';
import { AckAggregation } from './ack-aggregation.js';
import { BandwidthFilter } from './bandwidth-filter.js';
import { MinimumRoundTrip } from './minimum-round-trip.js';
import { RateSample } from './rate-sample.js';
import { RoundCounter } from './round-counter.js';

function rate(bytesPerSecond: number, isLimited = false): RateSample {
  const sample = new RateSample();
  sample.rate = bytesPerSecond;
  sample.isLimited = isLimited;
  return sample;
}

describe('the bandwidth filter', () => {
  it('has the maximum of this cycle and the one before', () => {
    const filter = new BandwidthFilter();
    const maxima = [];
    for (const value of [500, 900, 300, 200]) {
      filter.update(rate(value));
      maxima.push(filter.maximum);
      filter.advance();
    }
    expect(maxima).toEqual([500, 900, 900, 300]);
  });

  it('takes what the application limited only where it was more', () => {
    const filter = new BandwidthFilter();
    filter.update(rate(500));
    filter.update(rate(400, true));
    expect(filter.maximum).toBe(500);
    filter.update(rate(600, true));
    expect(filter.maximum).toBe(600);
  });

  it('forgets nothing in cycles without samples', () => {
    const filter = new BandwidthFilter();
    filter.update(rate(500));
    for (let i = 0; i < 5; i++) filter.advance();
    expect(filter.maximum).toBe(500);
  });
});

describe('the shortest round trip', () => {
  it.each([0, 0x7fff_ffff - 7_000_000, -7_000_000])(
    'is that of the last 10 s, and stale after 5, from %i on',
    (origin) => {
      const filter = new MinimumRoundTrip();
      const at = (seconds: number, roundTrip: number): void => filter.update(roundTrip, (origin + seconds * 1e6) | 0);
      filter.reset(origin);
      at(0, 20_000);
      at(1, 15_000);
      at(5.9, 30_000);
      expect([filter.value, filter.isStale]).toEqual([15_000, false]);
      at(6.1, 30_000);
      expect([filter.value, filter.isStale]).toEqual([15_000, true]);
      at(6.2, 29_000);
      expect([filter.value, filter.isStale]).toEqual([15_000, false]);
      at(11.1, 40_000);
      expect(filter.value).toBe(29_000);
    },
  );

  it('is stale after a pause of hours', () => {
    const filter = new MinimumRoundTrip();
    filter.reset(0);
    filter.update(15_000, 0);
    // 40 minutes: the difference is negative.
    filter.update(30_000, 2_400_000_000 | 0);
    expect([filter.isStale, filter.value]).toEqual([true, 30_000]);
  });

  it('ignores an acknowledgement without a round trip; one of 0 µs counts as 1', () => {
    const filter = new MinimumRoundTrip();
    filter.reset(0);
    filter.update(-1, 1000);
    expect(filter.value).toBe(0);
    filter.update(0, 2000);
    expect(filter.value).toBe(1);
  });
});

describe('rounds', () => {
  it('end with what was sent after they began, across 2^32 bytes', () => {
    const rounds = new RoundCounter();
    const sample = new AcknowledgementSample();
    sample.inFlightAtSend = 1000;
    const starts = [
      [-3000, -4000],
      [-2000, -4000],
      [-1000, -3001],
      [0, -3000],
      [1000, -1],
      [2000, 0],
    ].map(([total, prior]) => {
      sample.deliveredTotal = total!;
      sample.priorDelivered = prior!;
      return rounds.update(sample);
    });
    expect(starts).toEqual([true, false, false, true, false, true]);
    expect(rounds.count).toBe(3);
  });

  it('do not end with an acknowledgement of nothing', () => {
    const rounds = new RoundCounter();
    expect(rounds.update(new AcknowledgementSample())).toBe(false);
  });
});

describe('heaps of acknowledgements', () => {
  it('are measured against the bandwidth: what comes on top of it is extra', () => {
    const filter = new BandwidthFilter();
    filter.bandwidth = 1_000_000;
    const heaps = new AckAggregation();
    heaps.reset(0);
    heaps.update(filter, 1000, 100_000, false, true, 1000);
    // 20,000 bytes within 10 ms, in which 10,000 were to be expected.
    heaps.update(filter, 20_000, 100_000, false, true, 11_000);
    expect(heaps.extra).toBe(20_000);
    heaps.update(filter, 20_000, 100_000, false, true, 12_000);
    expect(heaps.extra).toBe(39_000);
    heaps.update(filter, 90_000, 50_000, false, true, 13_000);
    expect(heaps.extra).toBe(50_000);
    // Forgotten after ten rounds.
    for (let i = 0; i < 10; i++) heaps.update(filter, 0, 100_000, true, true, 2_000_000 + i);
    expect(heaps.extra).toBe(0);
  });
});

describe('rates', () => {
  it('of what was sent in ProbeRTT count as limited by the application', () => {
    const taken = new RateSample();
    const sample = new AcknowledgementSample();
    sample.interval = 1000;
    sample.intervalBytes = 5000;
    sample.inFlightAtSend = 5000;
    sample.deliveredTotal = 10_000;
    sample.inFlightNow = 4000;
    taken.take(sample);
    expect([taken.rate, taken.isLimited]).toEqual([5_000_000, false]);
    taken.limit(sample);
    const limited = [9000, 14_000, 14_001, 14_000].map((prior) => {
      sample.priorDelivered = prior;
      taken.take(sample);
      return taken.isLimited;
    });
    expect(limited).toEqual([true, true, false, false]);
  });
});
