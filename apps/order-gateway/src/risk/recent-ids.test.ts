import { createHashKey, hash2, SeededRandom } from '@prism-net/tables';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RecentIds } from './recent-ids.js';

const key = createHashKey(new SeededRandom(1));

/** The rule, obviously: the last `window` ids that were new, in a list. */
class NaiveRecentIds {
  readonly #ids: string[] = [];
  readonly #window: number;

  constructor(window: number) {
    this.#window = window;
  }

  add(low: number, high: number): boolean {
    const id = `${high}:${low}`;
    if (this.#ids.includes(id)) return false;
    if (this.#ids.length === this.#window) this.#ids.shift();
    this.#ids.push(id);
    return true;
  }
}

describe('recent ids', () => {
  it('agree with a plain list for any ids and any window', () => {
    const id = fc.tuple(fc.integer({ min: -20, max: 20 }), fc.constantFrom(0, -1, 1));
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 40 }), fc.array(id, { maxLength: 400 }), (window, sequence) => {
        const recent = new RecentIds(window, key);
        const naive = new NaiveRecentIds(window);
        for (const [low, high] of sequence) expect(recent.add(low, high)).toBe(naive.add(low, high));
      }),
      { numRuns: 300 },
    );
  });

  it('hold for millions of ids: each is found while it is in the window and forgotten exactly after it', () => {
    const window = 1000;
    const recent = new RecentIds(window, key);
    let wrong = 0;
    for (let id = 0; id < 2_000_000; id++) {
      if (!recent.add(id, 5)) wrong++;
      if (id % 7 === 0 && recent.add(id - Math.min(id, window - 1), 5)) wrong++;
      if (id % 1001 === 0 && recent.size !== Math.min(id + 1, window)) wrong++;
    }
    expect(wrong).toBe(0);
    // The id just outside the window is new again.
    expect(recent.add(2_000_000 - window - 1, 5)).toBe(true);
    expect(recent.add(2_000_000 - window + 1, 5)).toBe(false);
  });

  it('tell ids apart that differ in one word only', () => {
    const recent = new RecentIds(8, key);
    expect([recent.add(1, 2), recent.add(2, 1), recent.add(1, 1), recent.add(-1, -1)]).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect([recent.add(1, 2), recent.add(2, 1), recent.add(1, 1), recent.add(-1, -1)]).toEqual([
      false,
      false,
      false,
      false,
    ]);
  });

  it('are not slowed by ids that collide in a table whose key the sender knows', () => {
    const size = 4096;
    const known = new RecentIds(size, key);
    // Ids whose hash under the known key falls in one hundredth of the table.
    const chosen: number[] = [];

    for (let id = 0; chosen.length < 1000; id++) {
      if ((hash2(key.k0, key.k1, id, 0) & (2 * size - 1)) < 80) chosen.push(id);
    }
    const secret = new RecentIds(size, createHashKey(new SeededRandom(2)));
    for (const id of chosen) {
      known.add(id, 0);
      secret.add(id, 0);
    }
    const longest = (ids: RecentIds) => Math.max(...chosen.map((id) => ids.probeLength(id, 0)));
    expect(longest(known)).toBeGreaterThan(400);
    expect(longest(secret)).toBeLessThan(40);
  });

  it('refuse a window that is no sensible size', () => {
    for (const window of [0, -1, 1.5, 2 ** 25, Number.NaN]) expect(() => new RecentIds(window, key)).toThrow(/window/);
  });
});
