import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { hash4 } from './hash.js';
import { KeyedTable } from './keyed-table.js';
import { createHashKey, SeededRandom } from './random.js';
import { sipHash24 } from './sip-hash.js';
import { SlotList } from './slot-list.js';

it('hashes, tables, lists and the seeded generator allocate nothing once optimised', () => {
  const random = new SeededRandom(1);
  const table = new KeyedTable({ capacity: 64, keyWords: 4, key: createHashKey(random) });
  const list = new SlotList(64);
  const key = new Int32Array([1, 2, 3, 4]);
  const out = new Int32Array(2);
  const work = (times: number) => {
    for (let i = 0; i < times; i++) {
      const a = random.nextInt32() & 127;
      sipHash24(key, key, 4, out);
      const slot = list.allocate();
      if (slot >= 0) table.insert(a, -1, hash4(1, 2, a, a, a, a), 3, slot);
      else list.free(list.oldest);
      list.touch(random.nextBelow(64));
      table.find(a, -1, a, 3);
      table.remove(a ^ 1, -1, hash4(1, 2, a ^ 1, a ^ 1, a ^ 1, a ^ 1), 3);
    }
  };
  const bytes = steadyStateBytes(() => work(20_000));
  // The measurement's own objects take a few hundred bytes; one number per round would be 320,000.
  expect(bytes).toBeLessThan(10_000);
});
