import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { Doorbell } from '@prism-net/rings';
import { expect, it, vi } from 'vitest';
import { eventually } from './link-contract.testkit.js';
import { createSharedMemoryLink, layoutOf } from './shared-memory-layout.js';
import { openSharedMemoryLink } from './shared-memory-link.js';

const CAPACITY = 4;

function setUp() {
  const memory = PacketMemory.create({ frames: 64 });
  const ends = createSharedMemoryLink(memory, { capacity: CAPACITY });
  const pool = PacketPool.create(memory, 32);
  const left = openSharedMemoryLink(memory, ends.left, pool);
  const right = openSharedMemoryLink(memory, ends.right, PacketPool.create(memory, 32));
  const frames = (count: number): Packet[] =>
    Array.from({ length: count }, () => {
      const packet = pool.take()!;
      packet.length = 60;
      return packet;
    });
  const receive = (): number => {
    const burst: Packet[] = [];
    const count = right.receive(burst, 32);
    for (const packet of burst) packet.release();
    return count;
  };
  return { memory, ends, pool, left, right, frames, receive };
}

it('an answer between the request for room and the sleep does not lose the wake-up', async () => {
  const { left, right, frames, receive } = setUp();
  // The receiver has made room at a time when nobody waited for it: it owes an answer.
  left.transmit(frames(CAPACITY), 0, CAPACITY);
  expect(receive()).toBe(CAPACITY);
  left.transmit(frames(CAPACITY), 0, CAPACITY);
  expect(left.transmit(frames(1), 0, 1)).toBe(0);
  const wake = vi.fn();
  const waitAsync = Doorbell.prototype.waitAsync;
  const spy = vi.spyOn(Doorbell.prototype, 'waitAsync').mockImplementationOnce(function (this: Doorbell, isEmpty) {
    right.receive([], 0); // answers, and rings a bell at which nobody sleeps yet
    return waitAsync.call(this, isEmpty);
  });
  expect(left.arm(wake)).toBe(true);
  expect(spy).toHaveBeenCalled();
  spy.mockRestore();
  await new Promise((resolve) => setTimeout(resolve, 5));
  expect(wake).not.toHaveBeenCalled();
  expect(receive()).toBe(CAPACITY);
  expect(await eventually(() => wake.mock.calls.length === 1)).toBe(true);
});

it('a peer that leaves its ring destroyed behind does no harm to the sender', () => {
  const { memory, ends, pool, left, frames } = setUp();
  left.transmit(frames(2), 0, 2);
  const { transmitRing, peerClosed } = layoutOf(ends.left);
  memory.words.fill(0x1234, transmitRing / 4, transmitRing / 4 + 8);
  Atomics.store(memory.words, peerClosed, 1);
  expect(left.transmit(frames(2), 0, 2)).toBe(2);
  expect(pool.outstanding).toBe(0);
  left.close();
});
