import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { StreamContent } from './content.js';
import { RangeSet } from './range-set.js';

describe('stream content', () => {
  const content = new StreamContent(5);
  const whole = new Uint8Array(4096);
  content.fill(whole, 0, whole.length, 0);

  it('is the same however it is cut', () => {
    fc.assert(
      fc.property(fc.nat(4000), fc.nat(96), fc.nat(7), (position, length, at) => {
        const part = new Uint8Array(at + length);
        content.fill(part, at, length, position);
        expect(part.subarray(at)).toEqual(whole.subarray(position, position + length));
        expect(content.match(part, at, length, position)).toBe(length);
      }),
    );
  });

  it('tells where other bytes differ', () => {
    fc.assert(
      fc.property(fc.nat(3000), fc.integer({ min: 1, max: 1000 }), fc.nat(999), (position, length, at) => {
        const part = whole.slice(position, position + length);
        const wrong = at % length;
        part[wrong]! ^= 0x10;
        expect(content.match(part, 0, length, position)).toBe(wrong);
      }),
    );
  });

  it('looks wrong at any other position, and under any other seed', () => {
    for (let shift = 1; shift < 2000; shift++) expect(content.match(whole, 0, 64, shift)).toBeLessThan(8);
    expect(new StreamContent(6).match(whole, 0, 64, 0)).toBeLessThan(8);
    const far = new Uint8Array(64);
    content.fill(far, 0, 64, 2 ** 33 + 1);
    expect(content.match(far, 0, 64, 2 ** 33 + 1)).toBe(64);
  });
});

describe('range set', () => {
  it('covers what was added, and nothing else', () => {
    const range = fc.tuple(fc.nat(60), fc.nat(12)).map(([start, length]) => [start, start + length] as const);
    fc.assert(
      fc.property(fc.array(range, { maxLength: 30 }), fc.array(range, { maxLength: 30 }), (added, asked) => {
        const set = new RangeSet();
        const model = new Set<number>();
        for (const [start, end] of added) {
          set.add(start, end);
          for (let i = start; i < end; i++) model.add(i);
        }
        for (const [start, end] of asked) {
          let expected = true;
          for (let i = start; i < end; i++) expected &&= model.has(i);
          expect(set.covers(start, end)).toBe(expected);
        }
        let prefix = 0;
        while (model.has(prefix)) prefix++;
        expect(set.prefix).toBe(prefix);
        for (const [i, [start]] of set.ranges.entries())
          if (i > 0) expect(start).toBeGreaterThan(set.ranges[i - 1]![1]);
      }),
    );
  });
});
