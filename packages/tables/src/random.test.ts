import { describe, expect, it } from 'vitest';
import { CryptoRandom, createHashKey, nextBelow, type RandomSource, SeededRandom } from './random.js';

describe('SeededRandom', () => {
  it('repeats itself from its seed and differs between seeds', () => {
    const draw = (seed: number) => {
      const random = new SeededRandom(seed);
      return Array.from({ length: 8 }, () => random.nextInt32());
    };
    expect(draw(1)).toEqual(draw(1));
    expect(new Set([0, 1, 2, -1, 0x7fff_ffff].map((seed) => draw(seed).join())).size).toBe(5);
    for (const word of draw(5)) expect(word | 0).toBe(word);
  });

  it('is xoshiro128** as its authors define it', () => {
    const random = SeededRandom.fromState(1, 2, 3, 4);
    // Its first outputs.
    const expected = [11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597];
    expect(expected.map(() => random.nextInt32() >>> 0)).toEqual(expected);
  });

  it('spreads numbers evenly', () => {
    const random = new SeededRandom(3);
    const buckets = new Array<number>(10).fill(0);
    for (let i = 0; i < 100_000; i++) buckets[random.nextBelow(10)]! += 1;
    // Five standard deviations of a binomial count with mean 10,000.
    for (const count of buckets) expect(Math.abs(count - 10_000)).toBeLessThan(475);
    let sum = 0;
    for (let i = 0; i < 100_000; i++) {
      const unit = random.nextUnit();
      if (unit < 0 || unit >= 1) expect.fail(`${unit}`);
      sum += unit;
    }
    expect(sum / 100_000).toBeCloseTo(0.5, 2);
  });
});

describe('nextBelow', () => {
  it('draws again where the rest would favour small numbers', () => {
    const words = [-1, -2, 5];
    const source: RandomSource = { nextInt32: () => words.shift()! };
    // 2^32 = 3 × 1431655765 + 1: only the largest word is refused.
    expect(nextBelow(source, 3)).toBe(0xffff_fffe % 3);
    expect(words).toEqual([5]);
    expect(nextBelow({ nextInt32: () => -1 }, 1)).toBe(0);
    expect(nextBelow({ nextInt32: () => -1 }, 2 ** 31)).toBe(2 ** 31 - 1);
  });
});

describe('CryptoRandom', () => {
  it('yields int32 of every kind without repeating a block', () => {
    const random = new CryptoRandom();
    const words = Array.from({ length: 5000 }, () => random.nextInt32());
    for (const word of words) if ((word | 0) !== word) expect.fail(`${word}`);
    // 5000 words of 32 bits: three equal pairs already have a chance below one in 10^8.
    expect(new Set(words).size).toBeGreaterThan(4997);
    expect(words.filter((word) => word < 0).length).toBeGreaterThan(2000);
    expect(random.nextBelow(1)).toBe(0);
  });

  it('makes a different key for each table', () => {
    const random = new CryptoRandom();
    expect(createHashKey(random)).not.toEqual(createHashKey(random));
  });
});
