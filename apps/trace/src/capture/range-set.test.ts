import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RangeSet } from './range-set.js';

describe('RangeSet', () => {
  it('holds what a set of numbers holds', () => {
    const range = fc.tuple(fc.nat(60), fc.integer({ min: -2, max: 12 }));
    const step = fc.record({ range, isRemoval: fc.boolean() });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const {
          range: [start, length],
          isRemoval,
        } of steps) {
          if (isRemoval && length > 8) {
            set.removeBelow(start);
            for (const number of [...model]) if (number < start) model.delete(number);
          } else {
            const before = model.size;
            for (let number = start; number < start + length; number++) model.add(number);
            expect(set.add(start, start + length)).toBe(model.size - before);
          }
          expect(set.total).toBe(model.size);
          const inside = [...model].filter((number) => number >= 20 && number < 33).length;
          expect(set.overlap(20, 33)).toBe(inside);
        }
      }),
    );
  });

  it('forgets the lowest range when there are too many', () => {
    const set = new RangeSet(3);
    for (const start of [0, 10, 20, 30]) set.add(start, start + 5);
    expect(set.total).toBe(15);
    expect(set.overlap(0, 10)).toBe(0);
    expect(set.overlap(10, 40)).toBe(15);
  });
});
