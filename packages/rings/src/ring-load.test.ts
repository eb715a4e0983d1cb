import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { describe, expect, it } from 'vitest';
import { MpmcRing } from './mpmc-ring.js';
import type { BellLoad, Load, LoadResult, runLoad, runRinger, runSleeper } from './ring-load.test.worker.js';
import { SpscRing } from './spsc-ring.js';

const program = new URL('../dist/ring-load.test.worker.js', import.meta.url);

type Programs = { runLoad: typeof runLoad; runSleeper: typeof runSleeper; runRinger: typeof runRinger };

const bootstrap = `
  const { parentPort, workerData } = require('node:worker_threads');
  import(workerData.program).then((module) => parentPort.postMessage(module[workerData.name](workerData.load)));
`;

function inThread<Name extends keyof Programs>(
  name: Name,
  load: Parameters<Programs[Name]>[0],
): Promise<ReturnType<Programs[Name]>> {
  if (!existsSync(fileURLToPath(program))) throw new Error('build the package first: threads run from dist');
  return new Promise((resolve, reject) => {
    const worker = new Worker(bootstrap, { eval: true, workerData: { program: program.href, name, load } });
    worker.once('message', resolve);
    worker.once('error', reject);
  });
}

const ITEMS = 10_000_000;
const BITS = 23;

function sumBelow(count: number): number {
  return (count * (count - 1)) / 2;
}

/** The sum of 0 … count - 1 where each number is taken modulo 2^23. */
function wrappedSum(count: number): number {
  const lap = 2 ** BITS;
  const laps = Math.floor(count / lap);
  return laps * sumBelow(lap) + sumBelow(count - laps * lap);
}

function load(part: Pick<Load, 'kind' | 'side' | 'mode' | 'buffer' | 'count'> & Partial<Load>): Load {
  return { byteOffset: 0, capacity: 1024, producer: 0, producers: 1, taken: new SharedArrayBuffer(4), ...part };
}

describe('SPSC ring between two threads', () => {
  for (const mode of ['single', 'burst', 'records'] as const) {
    it(`carries 10^7 items (${mode}) in order, none lost, none doubled, across the wrap of the counters`, async () => {
      const wordsPerItem = mode === 'records' ? 5 : 1;
      const buffer = new SharedArrayBuffer(SpscRing.byteLength(1024, wordsPerItem));
      const start = (0x7fff_ffff - ITEMS / 2) | 0;
      const ring = new SpscRing({ buffer, byteOffset: 0, capacity: 1024, wordsPerItem, start });
      const [, taken] = await Promise.all([
        inThread('runLoad', load({ kind: 'spsc', side: 'produce', mode, buffer, count: ITEMS })),
        inThread('runLoad', load({ kind: 'spsc', side: 'consume', mode, buffer, count: ITEMS })),
      ]);
      expect(taken.faults).toBe(0);
      expect(taken.counts).toEqual([ITEMS]);
      expect(taken.sums).toEqual([wrappedSum(ITEMS)]);
      expect(ring.length).toBe(0);
      expect(ring.statistics()).toMatchObject({ enqueued: ITEMS, dequeued: ITEMS });
    });
  }
});

describe('MPMC ring between two producers and two consumers', () => {
  for (const mode of ['single', 'burst'] as const) {
    it(`carries 10^7 items (${mode}), none lost, none doubled, each producer's in order`, async () => {
      const buffer = new SharedArrayBuffer(MpmcRing.byteLength(1024));
      const ring = new MpmcRing({ buffer, byteOffset: 0, capacity: 1024, start: (0x7fff_ffff - ITEMS / 2) | 0 });
      const taken = new SharedArrayBuffer(4);
      const common = { kind: 'mpmc', mode, buffer, taken, producers: 2 } as const;
      const each = ITEMS / 2;
      const results = await Promise.all([
        inThread('runLoad', load({ ...common, side: 'consume', count: ITEMS })),
        inThread('runLoad', load({ ...common, side: 'consume', count: ITEMS })),
        inThread('runLoad', load({ ...common, side: 'produce', count: each, producer: 0 })),
        inThread('runLoad', load({ ...common, side: 'produce', count: each, producer: 1 })),
      ]);
      const consumers: LoadResult[] = results.slice(0, 2);
      expect(consumers.map((consumer) => consumer.faults)).toEqual([0, 0]);
      for (const producer of [0, 1]) {
        expect(consumers[0]!.counts[producer]! + consumers[1]!.counts[producer]!).toBe(each);
        expect(consumers[0]!.sums[producer]! + consumers[1]!.sums[producer]!).toBe(sumBelow(each));
      }
      expect(ring.length).toBe(0);
      expect(ring.dequeue()).toBe(-1);
      expect(ring.statistics()).toMatchObject({ enqueued: ITEMS, dequeued: ITEMS });
    });
  }
});

describe('doorbell between two threads', () => {
  it('loses no wake-up in 10^4 sleeps', async () => {
    const bell: BellLoad = {
      buffer: new SharedArrayBuffer(128 + SpscRing.byteLength(16)),
      bellOffset: 0,
      ringOffset: 128,
      count: 15_000,
      taken: new SharedArrayBuffer(4),
    };
    const [sleeper] = await Promise.all([inThread('runSleeper', bell), inThread('runRinger', bell)]);
    expect(sleeper.lost).toBe(0);
    expect(sleeper.sleeps).toBeGreaterThan(10_000);
  });
});
