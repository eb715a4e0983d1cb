import { describe, expect, it } from 'vitest';
import { Judge } from './judge.js';
import { Histogram, jainIndex } from './statistics.js';
import { WindowWatch } from './window-watch.js';

describe('figures', () => {
  it("Jain's index is 1 for equal shares and 1/n when one has all", () => {
    expect(jainIndex([3, 3, 3, 3])).toBe(1);
    expect(jainIndex([8, 0, 0, 0])).toBe(0.25);
    expect(jainIndex([])).toBe(1);
  });

  it('a histogram knows mean, percentiles and the largest, beyond its first size too', () => {
    const histogram = new Histogram();
    for (let value = 0; value < 100; value++) histogram.add(value);
    expect([histogram.mean, histogram.percentile(0.95), histogram.maximum]).toEqual([49.5, 94, 99]);
    histogram.add(5000);
    expect(histogram.percentile(1)).toBe(5000);
  });

  it('the verdict is the worst, and what is no number fails', () => {
    const judge = new Judge();
    judge.atLeast('use', 0.9, 0.5, 0.8);
    expect(judge.verdict).toBe('pass');
    judge.atMost('loss', 0.05, 0.1, 0.02);
    expect([judge.verdict, judge.reason]).toEqual(['note', 'loss 5 %, more than 2 %']);
    judge.atLeast('use', Number.NaN, 0.5);
    expect([judge.verdict, judge.reason]).toEqual(['FAIL', 'use NaN, less than 50 %']);
  });
});

describe('WindowWatch', () => {
  it('tells what left beyond the window, but for limited transmit and a probe', () => {
    const watch = new WindowWatch();
    watch.look(10_000, 1000, 9000, true, true, 0);
    watch.look(10_000, 1000, 12_000, true, true, 10);
    expect([watch.excess, watch.isExceeded]).toEqual([2, false]);
    watch.look(10_000, 1000, 16_000, true, true, 20);
    expect([watch.excess, watch.isExceeded]).toEqual([6, true]);
  });

  it('says nothing of a window that fell below what is out already, nor of repairs', () => {
    const watch = new WindowWatch();
    watch.look(20_000, 1000, 20_000, true, true, 0);
    watch.look(10_000, 1000, 20_000, true, false, 10);
    watch.look(10_000, 1000, 19_000, true, true, 20);
    watch.look(10_000, 1000, 40_000, false, true, 30);
    expect(watch.excess).toBe(0);
  });

  it('keeps the first window that was no size', () => {
    const watch = new WindowWatch();
    for (const window of [5000, Number.NaN, 0.5]) watch.look(window, 1000, 0, true, false, 0);
    expect(watch.invalid).toBeNaN();
  });

  it('keeps the first threshold and pace that were none; 0 is no pace, and before there is a segment size all is well', () => {
    const watch = new WindowWatch();
    watch.check(0, 0, Number.NaN, Number.NaN);
    watch.check(5000, 1000, 2000, 0);
    expect(watch.faults).toEqual([]);
    watch.check(5000, 1000, Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY);
    watch.check(5000.5, 1000, -1, -1);
    expect(watch.faults).toEqual([
      'the window was 5000.5, which is no size',
      'the slow start threshold was -Infinity, which is no size',
      'the pacing rate was Infinity, which is no rate',
    ]);
  });

  it('weighs the mean window by time', () => {
    const watch = new WindowWatch();
    watch.look(1000, 1000, 0, true, false, 0);
    watch.look(3000, 1000, 0, true, false, 30);
    expect(watch.mean(40)).toBe(1500);
  });
});
