import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as seq from './sequence.js';

const CIRCLE = 2 ** 32;
const HALF = 2 ** 31;

/** Where a wrong comparison shows: around 0, 2^31 and 2^32, as int32. */
const edges = [0, HALF, CIRCLE].flatMap((edge) => [-2, -1, 0, 1, 2].map((step) => (edge + step) | 0));
const number = fc.oneof(fc.constantFrom(...edges), fc.integer());
/** How far two numbers that may be compared lie apart. */
const distance = fc.oneof(fc.constantFrom(0, 1, 2, HALF - 2, HALF - 1), fc.nat(HALF - 1));
/** The distance from `from` forward to `to`, 0 to 2^32 - 1, by the definition. */
const forward = (from: number, to: number) => (((to - from) % CIRCLE) + CIRCLE) % CIRCLE;

function expectOrder(earlier: number, gap: number) {
  const later = (earlier + gap) | 0;
  const apart = gap > 0;
  expect(seq.difference(later, earlier)).toBe(gap);
  expect(seq.isLess(earlier, later)).toBe(apart);
  expect(seq.isLess(later, earlier)).toBe(false);
  expect(seq.isLessOrEqual(earlier, later)).toBe(true);
  expect(seq.isLessOrEqual(later, earlier)).toBe(!apart);
  expect(seq.isGreater(later, earlier)).toBe(apart);
  expect(seq.isGreater(earlier, later)).toBe(false);
  expect(seq.isGreaterOrEqual(later, earlier)).toBe(true);
  expect(seq.isGreaterOrEqual(earlier, later)).toBe(!apart);
  expect(seq.maximum(earlier, later)).toBe(later);
  expect(seq.maximum(later, earlier)).toBe(later);
  expect(seq.minimum(earlier, later)).toBe(earlier);
  expect(seq.minimum(later, earlier)).toBe(earlier);
}

describe('sequence numbers', () => {
  it('wrap at 2^31 and at 2^32', () => {
    expect(seq.add(0x7fff_ffff, 1)).toBe(-HALF);
    expect(seq.add(0xffff_ffff | 0, 1)).toBe(0);
    expect(seq.add(0, -1)).toBe(0xffff_ffff | 0);
    expect(seq.isLess(0x7fff_ffff, 0x8000_0000 | 0)).toBe(true);
    expect(seq.isLess(0xffff_ffff | 0, 0)).toBe(true);
    expect(seq.difference(2, 0xffff_ffff | 0)).toBe(3);
  });

  it('are ordered by the shortest way from one to the other, wherever the two lie', () => {
    fc.assert(fc.property(number, distance, expectOrder), { numRuns: 2000 });
  });

  it('are ordered at every edge of int32 and uint32, next to it and half the circle away', () => {
    for (const edge of edges) for (const gap of [0, 1, 2, 3, HALF - 2, HALF - 1]) expectOrder(edge, gap);
  });

  it('exactly 2^31 apart are each less than the other, as RFC 1982 §3.2 leaves undefined', () => {
    for (const edge of edges) {
      const opposite = (edge + HALF) | 0;
      expect([seq.isLess(edge, opposite), seq.isLess(opposite, edge)]).toEqual([true, true]);
      expect([seq.isLessOrEqual(edge, opposite), seq.isGreaterOrEqual(edge, opposite)]).toEqual([false, false]);
    }
  });

  it('add and difference are arithmetic modulo 2^32', () => {
    fc.assert(
      fc.property(number, fc.integer(), (start, count) => {
        const moved = seq.add(start, count);
        expect(moved).toBe(Number(BigInt.asIntN(32, BigInt(start) + BigInt(count))));
        expect(seq.difference(moved, start)).toBe(count);
      }),
    );
  });

  it('lie in a range when they are met on the way from its low end to its high end', () => {
    fc.assert(
      fc.property(number, number, number, (low, x, high) => {
        expect(seq.isBetween(low, x, high)).toBe(forward(low, x) < forward(low, high));
      }),
      { numRuns: 2000 },
    );
    for (const low of edges) {
      for (const x of edges) {
        for (const high of edges) expect(seq.isBetween(low, x, high)).toBe(forward(low, x) < forward(low, high));
      }
    }
  });

  it('lie in no empty range, and in all but one of the largest', () => {
    for (const edge of edges) {
      expect(seq.isBetween(edge, edge, edge)).toBe(false);
      expect(seq.isBetween(edge, edge, (edge - 1) | 0)).toBe(true);
      expect(seq.isBetween(edge, (edge - 2) | 0, (edge - 1) | 0)).toBe(true);
      expect(seq.isBetween(edge, (edge - 1) | 0, (edge - 1) | 0)).toBe(false);
    }
  });

  it('stay in order over more than 4 GiB from the last number of the circle', () => {
    const start = 0xffff_ffff | 0;
    let position = start;
    let total = 0;
    for (; total < CIRCLE + 2 ** 20; total += 64_997) {
      const next = seq.add(position, 64_997);
      const isAhead = seq.isLess(position, next) && !seq.isLess(next, position);
      if (!isAhead || !seq.isBetween(position, next, seq.add(next, 1))) expect.fail(`${next} is not after ${position}`);
      position = next;
    }
    expect(forward(start, position)).toBe(total % CIRCLE);
  });
});
