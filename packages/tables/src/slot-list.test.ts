import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SlotList } from './slot-list.js';

const steps = fc.array(
  fc.record({ kind: fc.constantFrom('allocate', 'allocate', 'free', 'touch'), slot: fc.integer({ min: -1, max: 9 }) }),
  { maxLength: 200 },
);

describe('SlotList against an array', () => {
  it('keeps the order of last use, hands out each index once and ignores indices that are not allocated', () => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3, 8), steps, (capacity, sequence) => {
        const list = new SlotList(capacity);
        let model: number[] = []; // oldest first
        for (const { kind, slot } of sequence) {
          if (kind === 'allocate') {
            const got = list.allocate();
            if (model.length === capacity) expect(got).toBe(-1);
            else {
              expect(got).toBeGreaterThanOrEqual(0);
              expect(got).toBeLessThan(capacity);
              expect(model).not.toContain(got);
              model.push(got);
            }
          } else if (kind === 'free') {
            list.free(slot);
            model = model.filter((entry) => entry !== slot);
          } else {
            list.touch(slot);
            if (model.includes(slot)) model = [...model.filter((entry) => entry !== slot), slot];
          }
          const order: number[] = [];
          for (let at = list.oldest; at !== -1 && order.length <= capacity; at = list.next(at)) order.push(at);
          expect(order).toEqual(model);
          expect(list.size).toBe(model.length);
          expect(list.isAllocated(slot)).toBe(model.includes(slot));
        }
      }),
      { numRuns: 500 },
    );
  });

  it('refuses a capacity that cannot be', () => {
    for (const capacity of [0, -1, 1.5]) {
      expect(() => new SlotList(capacity)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });
});
