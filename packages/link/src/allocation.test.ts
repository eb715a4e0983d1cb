import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { steadyStateBytes } from '@prism-net/measure';
import { ManualClock } from '@prism-net/time';
import { expect, it } from 'vitest';
import { impair } from './impaired-link.js';
import type { Link } from './link.js';
import { createLoopbackLink } from './loopback-link.js';
import { createPipe } from './pipe-link.js';
import { Segmenter } from './segmentation.js';
import { virtualSegment } from './segmentation.testkit.js';
import { createSharedMemoryLink, sharedMemoryLinkBytes } from './shared-memory-layout.js';
import { openSharedMemoryLink } from './shared-memory-link.js';
import { createSwitch } from './switch-link.js';

const memory = PacketMemory.create({ frames: 256, controlBytes: sharedMemoryLinkBytes() });
const pool = PacketPool.create(memory, 128);
const clock = new ManualClock();

function sharedMemoryPair(): [Link, Link] {
  const ends = createSharedMemoryLink(memory);
  const peerPool = PacketPool.create(memory, 64);
  return [openSharedMemoryLink(memory, ends.left, pool), openSharedMemoryLink(memory, ends.right, peerPool)];
}

function impairedPair(): [Link, Link] {
  const [left, right] = createPipe();
  const transmit = { loss: 0.01, corrupt: 0.1, duplicate: 0.1, jitterMicroseconds: 3, rateBitsPerSecond: 1e9 };
  return [impair(left, { seed: 1, clock, pool, transmit }), right];
}

const loopback = createLoopbackLink();

it.each<[string, [Link, Link]]>([
  ['pipe', createPipe()],
  ['loopback', [loopback, loopback]],
  ['shared-memory link', sharedMemoryPair()],
  ['switch', createSwitch({ ports: 2, pool, clock }).ports as [Link, Link]],
  ['impaired link', impairedPair()],
])('%s: a packet through it allocates nothing once optimised', (_, [left, right]) => {
  const burst: Packet[] = [];
  const work = (bursts: number): void => {
    for (let i = 0; i < bursts; i++) {
      for (let k = 0; k < 16; k++) {
        const packet = pool.take()!;
        packet.length = 60;
        burst[k] = packet;
      }
      left.transmit(burst, 0, 16);
      clock.advance(20);
      for (;;) {
        const count = right.receive(burst, 16);
        if (count === 0) break;
        for (let k = 0; k < count; k++) burst[k]!.release();
      }
      left.receive(burst, 0); // own frames come back, delayed ones leave
    }
  };
  const bytes = steadyStateBytes(() => work(1000));
  // The measurement's own objects take a few hundred bytes; one number per packet would be 256,000.
  expect(bytes).toBeLessThan(10_000);
});

it.each([
  ['in its own frames', 1400],
  ['by copying', 1000],
])('segmenter: a virtual segment cut %s allocates nothing once optimised', (_, gsoSize) => {
  const segmenter = new Segmenter(pool);
  const pattern = virtualSegment(pool, { payload: 16 * 1400, tcpOptions: 12 }, 1400, 0);
  const work = (rounds: number): void => {
    for (let i = 0; i < rounds; i++) {
      const packet = pool.take()!;
      memory.kernels.copy(packet.offset, pattern.offset, pattern.length);
      packet.length = pattern.length;
      packet.gsoSize = gsoSize;
      packet.checksumState = ChecksumState.PARTIAL;
      let last = packet;
      for (let k = 0; k < 16; k++) {
        const next = pool.take()!;
        next.length = 1400;
        last.nextSegment = next;
        last = next;
      }
      segmenter.segment(packet, 1500, false);
      for (let k = 0; k < segmenter.count; k++) segmenter.segments[k]!.release();
    }
  };
  const bytes = steadyStateBytes(() => work(1000));
  pattern.release();
  expect(bytes).toBeLessThan(10_000);
  const { virtualSegments, wireSegments, copied, exhausted } = segmenter.statistics;
  expect(copied).toBe(gsoSize === 1000 ? virtualSegments : 0);
  expect(wireSegments).toBe(virtualSegments * Math.ceil((16 * 1400) / gsoSize));
  expect(exhausted).toBe(0);
});
