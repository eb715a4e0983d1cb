import { Worker } from 'node:worker_threads';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency-histogram.js';

function filled(values: Iterable<number>): LatencyHistogram {
  const histogram = new LatencyHistogram();
  for (const value of values) histogram.record(value | 0);
  return histogram;
}

const anyLatency = fc.oneof(
  fc.integer({ min: 0, max: 300 }),
  fc.integer({ min: 0, max: 100_000 }),
  fc.integer({ min: 0, max: 2 ** 32 - 1 }),
);

describe('latency histogram', () => {
  it('has buckets that follow each other without a gap up to 2^32, each within 1.6 %', () => {
    expect(LatencyHistogram.lowerBound(0)).toBe(0);
    for (let bucket = 0; bucket < LatencyHistogram.buckets; bucket++) {
      const low = LatencyHistogram.lowerBound(bucket);
      const high = LatencyHistogram.upperBound(bucket);
      expect(LatencyHistogram.lowerBound(bucket + 1)).toBe(high + 1);
      expect(high - low).toBeLessThanOrEqual(low / 64);
    }
    expect(LatencyHistogram.upperBound(LatencyHistogram.buckets - 1)).toBe(2 ** 32 - 1);
  });

  it('counts every value in the bucket whose bounds hold it', () => {
    fc.assert(
      fc.property(anyLatency, (value) => {
        const histogram = filled([value]);
        const bucket = Array.from({ length: LatencyHistogram.buckets }, (_, n) => n).find((n) => histogram.countAt(n));
        expect(LatencyHistogram.lowerBound(bucket!)).toBeLessThanOrEqual(value);
        expect(LatencyHistogram.upperBound(bucket!)).toBeGreaterThanOrEqual(value);
        expect([histogram.count, histogram.minimum, histogram.maximum, histogram.mean]).toEqual([
          1,
          value,
          value,
          value,
        ]);
      }),
      { numRuns: 500 },
    );
  });

  it('gives percentiles within 1.6 % above those of the sorted values', () => {
    fc.assert(
      fc.property(fc.array(anyLatency, { minLength: 1, maxLength: 300 }), (values) => {
        const histogram = filled(values);
        const sorted = [...values].sort((a, b) => a - b);
        for (const percent of [0, 10, 50, 90, 99, 99.9, 100]) {
          const exact = sorted[Math.max(0, Math.ceil((values.length * percent) / 100) - 1)]!;
          const found = histogram.percentile(percent);
          expect(found).toBeGreaterThanOrEqual(exact);
          expect(found).toBeLessThanOrEqual(exact + exact / 64);
        }
        expect(histogram.percentile(100)).toBe(sorted.at(-1));
      }),
    );
  });

  it('merges to what recording everything in one would have given', () => {
    fc.assert(
      fc.property(fc.array(anyLatency), fc.array(anyLatency), (some, others) => {
        const merged = filled(some);
        merged.merge(filled(others));
        const whole = filled([...some, ...others]);
        for (let bucket = 0; bucket < LatencyHistogram.buckets; bucket++) {
          if (merged.countAt(bucket) !== whole.countAt(bucket)) throw new Error(`bucket ${bucket}`);
        }
        expect([merged.count, merged.minimum, merged.maximum]).toEqual([whole.count, whole.minimum, whole.maximum]);
        expect(merged.mean).toBeCloseTo(whole.mean, 5);
      }),
      { numRuns: 30 },
    );
  });

  it('is all zero when empty, and again after reset', () => {
    const histogram = new LatencyHistogram();
    const figures = () => [
      histogram.count,
      histogram.minimum,
      histogram.maximum,
      histogram.mean,
      histogram.percentile(50),
    ];
    expect(figures()).toEqual([0, 0, 0, 0, 0]);
    histogram.record(0);
    expect(figures()).toEqual([1, 0, 0, 0, 0]);
    histogram.record(9);
    histogram.reset();
    expect(figures()).toEqual([0, 0, 0, 0, 0]);
  });

  it('is seen by another thread through shared memory', async () => {
    const buffer = new SharedArrayBuffer(16 + LatencyHistogram.byteLength);
    const histogram = new LatencyHistogram(buffer, 16);
    histogram.record(1000);
    // The other thread needs no code of ours: it doubles every word it finds.
    const source = `const { workerData } = require('node:worker_threads');
      const words = new Float64Array(workerData, 16);
      for (let n = 4; n < words.length; n++) words[n] *= 2;`;
    const worker = new Worker(source, { eval: true, workerData: buffer });
    await new Promise((resolve, reject) => worker.once('exit', resolve).once('error', reject));
    expect(histogram.count).toBe(2);
    expect(new LatencyHistogram(buffer, 16).percentile(50)).toBe(1000);
  });
});
