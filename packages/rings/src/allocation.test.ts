import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { Doorbell } from './doorbell.js';
import { MpmcRing } from './mpmc-ring.js';
import { SpscRing } from './spsc-ring.js';

it('rings and bells allocate nothing once optimised, at the wrap of their counters either', () => {
  const start = 0x7fff_ffff - 150_000;
  const buffer = new SharedArrayBuffer(4096);
  const spsc = new SpscRing({ buffer, byteOffset: 0, capacity: 64, start });
  const mpmc = new MpmcRing({ buffer, byteOffset: 1024, capacity: 64, start });
  const records = new SpscRing({ buffer, byteOffset: 2048, capacity: 8, wordsPerItem: 4, start });
  const bell = new Doorbell({ buffer, byteOffset: 4032 });
  const burst = new Int32Array(8);
  let sum = 0;
  const work = (times: number) => {
    for (let i = 0; i < times; i++) {
      spsc.enqueue(i);
      spsc.enqueueBurst(burst, 0, 8);
      mpmc.enqueue(i);
      mpmc.enqueueBurst(burst, 0, 8);
      const at = records.reserve();
      records.words[at] = i;
      records.commit();
      bell.ring();
      sum = (sum + spsc.dequeue() + spsc.dequeueBurst(burst, 0, 8) + spsc.dequeue()) | 0;
      sum = (sum + mpmc.dequeue() + mpmc.dequeueBurst(burst, 0, 8) + mpmc.dequeue()) | 0;
      sum = (sum + records.words[records.peek()]!) | 0;
      records.consume();
    }
  };
  const bytes = steadyStateBytes(() => work(20_000));
  expect(sum).not.toBe(0);
  expect(spsc.length).toBe(0);
  // The measurement's own objects take a few hundred bytes; one number per round would be 320,000.
  expect(bytes).toBeLessThan(10_000);
});
