import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, type Link } from '@prism-net/link';
import { describe, expect, it } from 'vitest';
import { Lane, type LaneOptions } from './lane.js';

const LENGTH = 1000;
/** A frame of {@link LENGTH} every millisecond. */
const BITS_PER_SECOND = 8e6;

function setUp(options: Partial<LaneOptions> = {}) {
  const pool = PacketPool.create(PacketMemory.create({ frames: 256, frameSize: 2048, debug: true }), 256);
  const [sender, from] = createPipe();
  const [to, receiver] = createPipe();
  const lane = new Lane(from, to, {
    bitsPerSecond: BITS_PER_SECOND,
    delayMicroseconds: 5000,
    queueBytes: 4 * LENGTH,
    isLost: () => false,
    onDelivered: () => {},
    ...options,
  });
  const burst: Packet[] = [];
  return {
    pool,
    lane,
    send(count: number): void {
      for (let i = 0; i < count; i++) {
        const packet = pool.take()!;
        packet.length = LENGTH;
        expect(sender.transmit([packet], 0, 1)).toBe(1);
      }
    },
    arrived(): number {
      const count = drain(receiver, burst);
      return count;
    },
  };
}

function drain(link: Link, burst: Packet[]): number {
  const count = link.receive(burst, 64);
  for (let i = 0; i < count; i++) burst[i]!.release();
  return count;
}

describe('a lane', () => {
  it('sends one frame after the other at its rate, each after the delay, however seldom it is polled', () => {
    const { lane, send, arrived, pool } = setUp();
    send(3);
    expect(lane.poll(0)).toBe(true);
    for (const [time, count] of [
      [5999, 0],
      [6000, 1],
      [7999, 1],
      [20_000, 1],
      [30_000, 0],
    ] as const) {
      lane.poll(time);
      expect([time, arrived()]).toEqual([time, count]);
    }
    pool.assertNoLeaks();
  });

  it('drops what its queue does not hold, and only that', () => {
    const { lane, send, arrived, pool } = setUp();
    send(7);
    lane.poll(0);
    expect(lane.overflowed).toBe(3);
    // Two are through by then.
    send(3);
    lane.poll(2000);
    expect(lane.overflowed).toBe(4);
    lane.poll(1e6);
    expect([arrived(), lane.forwarded]).toEqual([6, 6]);
    pool.assertNoLeaks();
  });

  it('loses what it is told to before it comes to the queue, and gives back what is on its way', () => {
    let number = 0;
    const { lane, send, pool } = setUp({ isLost: () => number++ % 2 === 0 });
    send(8);
    lane.poll(0);
    expect([lane.lost, lane.overflowed]).toEqual([4, 0]);
    lane.clear();
    pool.assertNoLeaks();
  });

  it('delivers all frames after the delay when it has no rate', () => {
    const { lane, send, arrived } = setUp({ bitsPerSecond: 0, queueBytes: Number.POSITIVE_INFINITY });
    send(20);
    lane.poll(100);
    lane.poll(5100);
    expect(arrived()).toBe(20);
  });
});
