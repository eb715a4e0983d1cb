import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { KeyedTable } from './keyed-table.js';
import { createHashKey, SeededRandom } from './random.js';

const key = createHashKey(new SeededRandom(7));
const edges = fc.constantFrom(0, 1, -1, 0x7fff_ffff, -0x8000_0000, 2, 3, 4, 5, 6, 7);

const steps = fc.array(
  fc.record({
    kind: fc.constantFrom('insert' as const, 'insert' as const, 'remove' as const, 'find' as const, 'clear' as const),
    words: fc.tuple(edges, fc.constantFrom(0, -1), fc.constantFrom(0, 9), fc.constantFrom(0, -9)),
    value: fc.nat(0x7fff_ffff),
  }),
  { maxLength: 300 },
);

describe('KeyedTable against a Map', () => {
  it('finds, replaces, refuses when full and removes without losing any other key', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(1, 2, 5, 16, 40),
        fc.constantFrom(1 as const, 2 as const, 3 as const, 4 as const),
        fc.integer(),
        steps,
        (capacity, keyWords, seed, sequence) => {
          const table = new KeyedTable({ capacity, keyWords, key: createHashKey(new SeededRandom(seed)) });
          const model = new Map<string, { words: number[]; value: number }>();
          let clears = 0;
          for (const { kind, words: all, value } of sequence) {
            const words = all.map((word, index) => (index < keyWords ? word : 0));
            const [a, b, c, d] = words as [number, number, number, number];
            const name = words.join();
            const known = model.get(name)?.value ?? -1;
            if (kind === 'insert') {
              const fits = known >= 0 || model.size < capacity;
              expect(table.insert(a, b, c, d, value)).toBe(fits);
              if (fits) model.set(name, { words, value });
            } else if (kind === 'remove') {
              expect(table.remove(a, b, c, d)).toBe(known);
              model.delete(name);
            } else if (kind === 'find') {
              expect(table.find(a, b, c, d)).toBe(known);
            } else if (++clears % 8 === 0) {
              table.clear();
              model.clear();
            }
            expect(table.size).toBe(model.size);
            for (const { words: w, value: v } of model.values()) {
              if (table.find(w[0]!, w[1]!, w[2]!, w[3]!) !== v) expect.fail(`lost ${w}`);
            }
          }
        },
      ),
      { numRuns: 400 },
    );
  });
});

describe('KeyedTable', () => {
  it('stays in step with a Map through 200,000 changes at full load', () => {
    const random = new SeededRandom(99);
    const table = new KeyedTable({ capacity: 1000, keyWords: 2, key });
    const model = new Map<number, number>();
    for (let i = 0; i < 200_000; i++) {
      const a = random.nextBelow(1500);
      const value = random.nextBelow(1 << 30);
      if (random.nextBelow(3) > 0) {
        const fits = model.has(a) || model.size < 1000;
        if (table.insert(a, -a, 0, 0, value) !== fits) expect.fail(`insert ${i}`);
        if (fits) model.set(a, value);
      } else {
        if (table.remove(a, -a, 0, 0) !== (model.get(a) ?? -1)) expect.fail(`remove ${i}`);
        model.delete(a);
      }
      const b = random.nextBelow(1500);
      if (table.find(b, -b, 0, 0) !== (model.get(b) ?? -1)) expect.fail(`find ${i}`);
    }
    expect(table.size).toBe(model.size);
    expect(table.size).toBeGreaterThan(900);
  });

  it('refuses negative values, which could not be told from "not there"', () => {
    const table = new KeyedTable({ capacity: 4, keyWords: 1, key });
    expect(table.insert(1, 0, 0, 0, -1)).toBe(false);
    expect(table.size).toBe(0);
    expect(table.insert(1, 0, 0, 0, 0)).toBe(true);
    expect(table.find(1, 0, 0, 0)).toBe(0);
  });

  it('searches few slots for 20,000 keys crafted to collide under an unkeyed multiplicative hash', () => {
    const slots = 1 << 16;
    // Keys whose products with the golden ratio (Knuth's multiplicative hash) all begin with the same 16 bits: its
    // inverse modulo 2^32 finds them. And keys with equal low bits, for tables that take those.
    const inverse = 0x144cbc89;
    expect(Math.imul(0x9e3779b9, inverse)).toBe(1);
    const crafted = [
      Array.from({ length: 20_000 }, (_, i) => Math.imul((0x1234 << 16) | i, inverse)),
      Array.from({ length: 20_000 }, (_, i) => i << 12),
      Array.from({ length: 20_000 }, (_, i) => i),
    ];
    const homes = new Set(crafted[0]!.map((word) => Math.imul(word, 0x9e3779b9) >>> 16));
    expect(homes.size).toBe(1);
    for (const words of crafted) {
      const table = new KeyedTable({ capacity: slots / 2, keyWords: 3, key });
      for (const word of words) expect(table.insert(word, 443, 6, 0, 1)).toBe(true);
      let total = 0;
      let longest = 0;
      for (const word of words) {
        const length = table.probeLength(word, 443, 6, 0);
        total += length;
        longest = Math.max(longest, length);
      }
      // Knuth: (1 + 1 / (1 - load)) / 2 = 1.22 on average at a load of 20,000 / 65,536.
      expect(total / words.length).toBeLessThan(1.4);
      expect(longest).toBeLessThan(40);
    }
  });

  it('refuses capacities and key sizes that cannot be', () => {
    const refused = expect.objectContaining({ code: 'EINVAL' });
    for (const capacity of [0, -1, 1.5, 2 ** 26]) {
      expect(() => new KeyedTable({ capacity, keyWords: 1, key })).toThrow(refused);
    }
    expect(() => new KeyedTable({ capacity: 1, keyWords: 5 as 4, key })).toThrow(refused);
  });
});
