import { Worker } from 'node:worker_threads';
import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import {
  BURST,
  EchoResult,
  EchoState,
  type EchoTask,
  isAnsweredAnew,
  readNumbered,
  writeNumbered,
} from './shared-memory-echo.fixture.js';
import { createSharedMemoryLink, sharedMemoryLinkBytes } from './shared-memory-layout.js';
import { openSharedMemoryLink } from './shared-memory-link.js';

const FRAMES = 512;

/** Workers run plain JavaScript: the built fixture. */
function startWorker(task: EchoTask): Worker {
  const fixture = new URL('../dist/shared-memory-echo.fixture.js', import.meta.url).href;
  const start = `import(${JSON.stringify(fixture)}).then((m) => m.runEcho(require('node:worker_threads').workerData));`;
  return new Worker(start, { eval: true, workerData: task });
}

function settings(capacity: number) {
  const memory = PacketMemory.create({
    frames: 2 * FRAMES,
    frameSize: 512,
    controlBytes: sharedMemoryLinkBytes(capacity) + 256,
  });
  const ends = createSharedMemoryLink(memory, { capacity });
  const pool = PacketPool.create(memory, FRAMES);
  const region = memory.reserveFrames(FRAMES);
  const resultOffset = memory.reserveControl(EchoResult.WORDS * 4);
  const result = new Int32Array(memory.buffer, resultOffset, EchoResult.WORDS);
  const link = openSharedMemoryLink(memory, ends.left, pool);
  const task = (packets: number): EchoTask => ({
    shared: memory.share(),
    end: ends.right,
    region,
    packets,
    resultOffset,
  });
  return { memory, pool, link, result, task };
}

describe('shared-memory link between two threads', () => {
  it.each([
    [1_000_000, 'a roomy ring', 1024],
    [200_000, 'a ring that is full most of the time', 16],
  ])(
    'loses, doubles, reorders and damages nothing in %d packets through %s, and every frame comes home',
    async (packets, _, capacity) => {
      const { memory, pool, link, result, task } = settings(capacity);
      const worker = startWorker(task(packets));
      const failure = new Promise<never>((_resolve, reject) => worker.on('error', reject));
      const finished = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
      const burst: Packet[] = [];
      const received: Packet[] = [];
      let pending = 0; // packets of the burst that the link has not taken yet
      let next = 0;
      let expected = 0;
      let bad = 0;
      let idle = 0;
      while (expected < packets && idle < 20_000) {
        while (pending < BURST && next < packets) {
          const packet = writeNumbered(pool, next);
          if (packet === null) break;
          burst[pending++] = packet;
          next++;
        }
        const taken = link.transmit(burst, 0, pending);
        burst.copyWithin(0, taken, pending);
        pending -= taken;
        const count = link.receive(received, BURST);
        for (let i = 0; i < count; i++) {
          const packet = received[i]!;
          if (readNumbered(packet) !== expected) bad++;
          if ((packet.pool === pool) === isAnsweredAnew(expected)) bad++;
          packet.release();
          expected++;
        }
        if (taken + count > 0) idle = 0;
        else {
          idle++;
          link.sleep(1);
          // The worker needs the event loop to start, and its errors to arrive.
          if (idle % 16 === 1) await new Promise((resolve) => setImmediate(resolve));
        }
      }
      expect({ expected, bad, dropped: link.statistics.dropped }).toEqual({ expected: packets, bad: 0, dropped: 0 });
      while (result[EchoResult.STATE] !== EchoState.FINISHED) {
        link.receive(received, 0);
        link.sleep(1);
      }
      await Promise.race([finished, failure]);
      link.receive(received, 0);
      expect([pool.available, pool.lent, pool.outstanding]).toEqual([FRAMES, 0, 0]);
      expect([link.remotePool.available, link.remotePool.outstanding]).toEqual([0, 0]);
      expect(result[EchoResult.ECHOED]).toBe(packets);
      expect([result[EchoResult.BAD], result[EchoResult.DROPPED]]).toEqual([0, 0]);
      const workerPool = [result[EchoResult.AVAILABLE], result[EchoResult.LENT], result[EchoResult.OUTSTANDING]];
      expect(workerPool).toEqual([FRAMES, 0, 0]);
      expect([memory.copies[0], result[EchoResult.COPIES]]).toEqual([0, 0]);
    },
  );

  it('wakes this thread by its event loop when the worker answers', async () => {
    const { pool, link, task } = settings(64);
    const worker = startWorker(task(50));
    const finished = new Promise<void>((resolve) => worker.on('exit', () => resolve()));
    const received: Packet[] = [];
    for (let number = 0; number < 50; number++) {
      const woken = new Promise<void>((resolve) => {
        expect(link.arm(resolve)).toBe(true);
      });
      expect(link.transmit([writeNumbered(pool, number)!], 0, 1)).toBe(1);
      await woken;
      expect(link.receive(received, 8)).toBe(1);
      expect(readNumbered(received[0]!)).toBe(number);
      received[0]!.release();
      link.receive(received, 8);
    }
    while (pool.available < FRAMES) {
      link.receive(received, 0);
      link.sleep(1);
    }
    await finished;
  });
});
