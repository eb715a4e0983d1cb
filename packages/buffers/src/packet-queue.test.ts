import fc from 'fast-check';
import { expect, it } from 'vitest';
import type { Packet } from './packet.js';
import { PacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';
import { PacketQueue } from './packet-queue.js';

const memory = PacketMemory.create({ frames: 32, debug: true });
const pool = PacketPool.create(memory, 32);

it('is first in, first out, like an array, for any sequence of operations', () => {
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom('push', 'push', 'shift', 'peek', 'clear'), { maxLength: 200 }),
      (operations) => {
        const queue = new PacketQueue();
        const model: Packet[] = [];
        for (const operation of operations) {
          if (operation === 'push') {
            const packet = pool.take();
            if (packet === null) continue;
            queue.push(packet);
            model.push(packet);
          } else if (operation === 'shift') {
            const packet = queue.shift();
            expect(packet).toBe(model.shift() ?? null);
            expect(packet?.nextInQueue ?? null).toBeNull();
            packet?.release();
          } else if (operation === 'peek') {
            expect(queue.peek()).toBe(model[0] ?? null);
          } else {
            expect(queue.clear()).toBe(model.length);
            model.length = 0;
          }
          expect(queue.length).toBe(model.length);
        }
        queue.clear();
        pool.assertNoLeaks();
      },
    ),
  );
});

it('takes a packet again that left it', () => {
  const queue = new PacketQueue();
  const [first, second] = [pool.take()!, pool.take()!];
  queue.push(first);
  queue.push(second);
  queue.push(queue.shift()!);
  expect([queue.shift(), queue.shift(), queue.shift()]).toEqual([second, first, null]);
  first.release();
  second.release();
});

it('clear releases whole chains', () => {
  const queue = new PacketQueue();
  const packet = pool.take()!;
  packet.append(pool.take()!);
  queue.push(packet);
  expect(queue.clear()).toBe(1);
  expect(pool.available).toBe(32);
});
