import { steadyStateBytes } from '@prism-net/measure';
import { expect, it } from 'vitest';
import { finishSum, updateChecksum16 } from './checksum.js';
import { PacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';
import { PacketQueue } from './packet-queue.js';

const ROUNDS = 100_000;

it('the life of a packet allocates nothing: take, push, consume, queue, sum, retain, release', () => {
  const memory = PacketMemory.create({ frames: 64 });
  const pool = PacketPool.create(memory, 64);
  const queue = new PacketQueue();
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < ROUNDS; i = (i + 1) | 0) {
      const packet = pool.take()!;
      packet.length = 64;
      packet.push(42);
      packet.view.setInt32(packet.offset, i);
      const checksum = finishSum(packet.sum(0));
      packet.view.setUint16(packet.offset, updateChecksum16(checksum, 0, i & 0xffff));
      packet.consume(42);
      packet.retain();
      queue.push(packet);
      queue.shift()!.release();
      packet.release();
    }
  });
  pool.assertNoLeaks();
  expect(bytes).toBeLessThan(8192);
});

it('lending, adopting, chaining and copying packets allocates nothing', () => {
  const memory = PacketMemory.create({ frames: 64, frameSize: 512 });
  const pool = PacketPool.create(memory, 64);
  const payload = new Uint8Array(120);
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < ROUNDS; i = (i + 1) | 0) {
      const packet = pool.take()!;
      memory.write(packet.offset, payload, i & 63, 40);
      packet.length = 40;
      pool.lend(packet);
      if (!pool.reclaim(packet.frame)) return;
      const arrived = pool.take()!;
      pool.lend(arrived);
      const adopted = pool.adopt(arrived.frame, arrived.base, 40)!;
      adopted.append(pool.take()!);
      const copy = adopted.copyTo(pool)!;
      adopted.trim(10);
      adopted.release();
      memory.read(copy.offset, payload, 0, 40);
      copy.release();
    }
  });
  pool.assertNoLeaks();
  expect(bytes).toBeLessThan(8192);
});
