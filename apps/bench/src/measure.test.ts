import { describe, expect, it } from 'vitest';
import { median, nsPerOperation, quantile, summarise, timerCostNs } from './measure.js';

describe('median', () => {
  it('is the middle value, whatever the order', () => {
    expect(median([9, 1, 5])).toBe(5);
    expect(median([7])).toBe(7);
    // By number, not by text.
    expect(median([100, 9, 20])).toBe(20);
  });

  it('is the mean of the two in the middle', () => {
    expect(median([4, 1, 3, 2])).toBe(2.5);
  });

  it('leaves the values as they were', () => {
    const values = [3, 1, 2];
    median(values);
    expect(values).toEqual([3, 1, 2]);
  });
});

describe('quantile', () => {
  const hundred = Float64Array.from({ length: 100 }, (_, i) => 100 - i);

  it('is the value by nearest rank', () => {
    expect(quantile(hundred, 0.5)).toBe(50);
    expect(quantile(hundred, 0.99)).toBe(99);
    expect(quantile(hundred, 0.999)).toBe(100);
    expect(quantile(hundred, 0)).toBe(1);
    expect(quantile(hundred, 1)).toBe(100);
    expect(quantile([7], 0.99)).toBe(7);
  });

  it('is no number without samples', () => {
    expect(quantile([], 0.5)).toBeNaN();
  });
});

describe('summarise', () => {
  it('takes the median and the spread of each figure over the runs', () => {
    const runs = [
      { a: 1, b: -5 },
      { a: 3, b: -6 },
      { a: 2, b: -1 },
    ];
    expect(summarise(runs)).toEqual({
      medians: { a: 2, b: -5 },
      spread: { a: { min: 1, max: 3 }, b: { min: -6, max: -1 } },
    });
    expect(summarise([])).toEqual({ medians: {}, spread: {} });
  });
});

describe('timing', () => {
  it('divides by the number of operations', () => {
    let asked = 0;
    const spin = (count: number): void => {
      asked = count;
      for (const until = performance.now() + 20; performance.now() < until; );
    };
    const ns = nsPerOperation(spin, 1000);
    expect(asked).toBe(1000);
    expect(ns).toBeGreaterThanOrEqual(20_000);
    expect(ns).toBeLessThan(2_000_000);
  });

  it('knows what the timer costs', () => {
    const cost = timerCostNs();
    expect(cost).toBeGreaterThan(0);
    expect(cost).toBeLessThan(100_000);
  });
});
