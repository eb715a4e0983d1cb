import { ChecksumState, type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { SpscRing } from '@prism-net/rings';
import { describe, expect, it } from 'vitest';
import {
  describeLinkContract,
  drain,
  eventually,
  type LinkPair,
  makeFrame,
  readFrame,
} from './link-contract.testkit.js';
import {
  createSharedMemoryLink,
  Descriptor,
  layoutOf,
  type SharedMemoryLinkEnd,
  type SharedMemoryLinkOptions,
  sharedMemoryLinkBytes,
} from './shared-memory-layout.js';
import { openSharedMemoryLink, type SharedMemoryLink, sharedMemoryBell } from './shared-memory-link.js';

interface SharedPair extends LinkPair {
  readonly left: SharedMemoryLink;
  readonly right: SharedMemoryLink;
  readonly ends: { readonly left: SharedMemoryLinkEnd; readonly right: SharedMemoryLinkEnd };
  readonly memory: PacketMemory;
  /** Lets both ends exchange frames until none moves. */
  settle(): void;
}

const FRAMES = 96;

/** Both ends in one thread, each with a PacketMemory object of its own as in two threads. */
function makePair(options: SharedMemoryLinkOptions = {}, frames = FRAMES): SharedPair {
  const memory = PacketMemory.create({
    frames: 2 * frames + 8,
    controlBytes: sharedMemoryLinkBytes(options.capacity),
    debug: true,
  });
  const attached = PacketMemory.attach(memory.share());
  const ends = createSharedMemoryLink(memory, options);
  const leftPool = PacketPool.create(memory, frames, { name: 'left' });
  const rightPool = new PacketPool(attached, memory.reserveFrames(frames), { name: 'right' });
  const left = openSharedMemoryLink(memory, ends.left, leftPool);
  const right = openSharedMemoryLink(attached, ends.right, rightPool);
  const settle = (): void => {
    for (let i = 0; i < 8; i++) for (const link of [left, right]) link.receive([], 0);
  };
  return {
    left,
    right,
    ends,
    memory,
    leftPool,
    rightPool,
    settle,
    backPressure: true,
    assertNothingLost() {
      settle();
      for (const pool of [leftPool, rightPool, left.remotePool, right.remotePool]) pool.assertNoLeaks();
      expect([leftPool.available, leftPool.lent]).toEqual([frames, 0]);
      expect([rightPool.available, rightPool.lent]).toEqual([frames, 0]);
      expect([left.remotePool.available, right.remotePool.available]).toEqual([0, 0]);
    },
  };
}

describeLinkContract('shared-memory link', () => makePair({ capacity: 32 }));

/** The ring the left end reads, as a broken peer might write to it. */
function hostileRing(pair: SharedPair): SpscRing {
  const { buffer } = pair.memory;
  const byteOffset = layoutOf(pair.ends.left).receiveRing;
  return new SpscRing({ buffer, byteOffset, capacity: pair.ends.left.capacity, wordsPerItem: Descriptor.WORDS });
}

function put(ring: SpscRing, frame: number, offset: number, length: number, flags: number): void {
  const at = ring.reserve();
  ring.words.set([frame, offset, length, flags], at);
  ring.commit();
}

describe('shared-memory link', () => {
  it('copies nothing, neither on the way out nor in an echo in place', () => {
    const pair = makePair();
    const burst = [makeFrame(pair.leftPool, pair.left, pair.right, 5)];
    const { offset } = burst[0]!;
    pair.left.transmit(burst, 0, 1);
    expect(pair.right.receive(burst, 1)).toBe(1);
    expect(burst[0]!.offset).toBe(offset);
    expect(burst[0]!.pool).toBe(pair.right.remotePool);
    pair.right.transmit(burst, 0, 1);
    expect(pair.left.receive(burst, 1)).toBe(1);
    expect(burst[0]!.pool).toBe(pair.leftPool);
    expect(readFrame(burst[0]!)).toBe(5);
    burst[0]!.release();
    expect([pair.memory.copies[0], burst[0]!.memory.copies[0]]).toEqual([1, 1]); // readFrame's own copy, for the test
    pair.assertNothingLost();
  });

  it('is opened by one user an end: a second one hears EBUSY', () => {
    const memory = PacketMemory.create({ frames: 8, controlBytes: sharedMemoryLinkBytes() });
    const { left, right } = createSharedMemoryLink(memory);
    const [one, other] = [PacketPool.create(memory, 4), PacketPool.create(memory, 4)];
    const link = openSharedMemoryLink(memory, left, one);
    expect(link.pool).toBe(one);
    expect(() => openSharedMemoryLink(memory, left, other)).toThrow(expect.objectContaining({ code: 'EBUSY' }));
    openSharedMemoryLink(memory, right, other).close();
    link.close();
  });

  it('copies packets of other pools into its own frames', () => {
    const pair = makePair();
    const other = PacketPool.create(pair.memory, 4);
    const elsewhere = PacketPool.create(PacketMemory.create({ frames: 4, debug: true }), 4);
    const burst = [makeFrame(other, pair.left, pair.right, 1), makeFrame(elsewhere, pair.left, pair.right, 2)];
    expect(pair.left.transmit(burst, 0, 2)).toBe(2);
    for (const pool of [other, elsewhere]) pool.assertNoLeaks();
    expect(drain(pair.right)).toEqual([1, 2]);
    pair.assertNothingLost();
  });

  it('pushes back when there is no frame to copy to, and reports when there is one again', async () => {
    const pair = makePair({}, 2);
    const other = PacketPool.create(pair.memory, 4);
    const burst = [1, 2, 3].map((number) => makeFrame(other, pair.left, pair.right, number));
    expect(pair.left.transmit(burst, 0, 3)).toBe(2);
    let wakes = 0;
    expect(pair.left.arm(() => wakes++)).toBe(true);
    expect(drain(pair.right)).toEqual([1, 2]);
    expect(await eventually(() => wakes === 1)).toBe(true);
    expect(pair.left.transmit(burst, 2, 1)).toBe(1);
    expect(drain(pair.right)).toEqual([3]);
    pair.assertNothingLost();
  });

  it('wakes an end whose pool is exhausted when frames come back', async () => {
    const pair = makePair({}, 4);
    const burst = [1, 2, 3, 4].map((number) => makeFrame(pair.leftPool, pair.left, pair.right, number));
    expect(pair.left.transmit(burst, 0, 4)).toBe(4);
    expect(pair.leftPool.take()).toBeNull();
    let wakes = 0;
    expect(pair.left.arm(() => wakes++)).toBe(true);
    expect(drain(pair.right)).toHaveLength(4);
    expect(await eventually(() => wakes === 1)).toBe(true);
    pair.settle();
    expect(pair.leftPool.available).toBe(4);
  });

  it('sends all segments of a packet or none', () => {
    const pair = makePair({ capacity: 4 });
    const chain = (number: number): Packet => {
      const packet = makeFrame(pair.leftPool, pair.left, pair.right, number, 80);
      const tail = packet.copyTo(pair.leftPool)!;
      tail.consume(40);
      packet.length = 40;
      const last = tail.copyTo(pair.leftPool)!;
      tail.length = 20;
      last.consume(20);
      tail.append(last);
      packet.append(tail);
      return packet;
    };
    const burst = [chain(1), chain(2)];
    expect(pair.left.transmit(burst, 0, 2)).toBe(1);
    expect(drain(pair.right)).toEqual([1]);
    expect(pair.left.transmit(burst, 1, 1)).toBe(1);
    expect(drain(pair.right)).toEqual([2]);
    pair.assertNothingLost();
  });

  it('gathers a packet of more segments than the ring holds', () => {
    const pair = makePair({ capacity: 4 });
    const packet = makeFrame(pair.leftPool, pair.left, pair.right, 3, 66);
    const bytes = packet.toBytes();
    packet.length = 30;
    for (let at = 30; at < 66; at += 6) {
      const segment = pair.leftPool.take()!;
      segment.memory.write(segment.offset, bytes, at, 6);
      segment.length = 6;
      packet.append(segment);
    }
    expect(pair.left.transmit([packet], 0, 1)).toBe(1);
    expect(drain(pair.right)).toEqual([3]);
    pair.assertNothingLost();
  });

  it('carries the state of checksums and virtual segments when both were asked for', () => {
    const pair = makePair({ checksumOffload: true, segmentation: 4000 });
    const packet = makeFrame(pair.leftPool, pair.left, pair.right, 1, 1800);
    packet.checksumState = ChecksumState.PARTIAL;
    packet.gsoSize = 1000;
    const unsegmented = makeFrame(pair.leftPool, pair.left, pair.right, 2, 1800);
    expect(pair.left.transmit([packet, unsegmented], 0, 2)).toBe(2);
    expect(pair.left.statistics.dropped).toBe(1);
    const burst: Packet[] = [];
    expect(pair.right.receive(burst, 2)).toBe(1);
    expect(burst[0]).toMatchObject({ gsoSize: 1000, checksumState: ChecksumState.PARTIAL, length: 1800 });
    burst[0]!.release();
    pair.assertNothingLost();
  });

  it('drops and counts what a broken peer writes, and gives good frames back', () => {
    const pair = makePair({ capacity: 32 });
    const ring = hostileRing(pair);
    const { packetOffset, frameSize } = pair.memory.layout;
    const frame = pair.rightPool.region.firstFrame;
    const base = packetOffset + frame * frameSize;
    const here = pair.leftPool.take()!;
    const bad: [number, number, number, number][] = [
      [-1, base, 60, 0],
      [2 ** 30, base, 60, 0],
      [frame, base - 1, 60, 0],
      [frame, base, frameSize + 1, 0],
      [frame, base + 1, frameSize, 0],
      [frame, base, -1, 0],
      [frame, -(2 ** 31), 2 ** 31 - 1, 0],
      [here.frame, here.offset, 60, 0], // one of ours that is in use
      [pair.leftPool.region.firstFrame + 5, packetOffset, 60, 0], // one of ours that is in its pool
      [frame, base, 60, Descriptor.MORE], // a chain that ends in the middle
    ];
    for (const [index, descriptor] of bad.entries()) {
      put(ring, ...descriptor);
      expect(pair.left.receive([], 8)).toBe(0);
      expect(pair.left.statistics.dropped).toBe(index + 1);
      expect(pair.left.arm(() => {})).toBe(true);
    }
    expect([pair.left.remotePool.outstanding, pair.left.remotePool.available]).toEqual([0, 0]);
    expect([pair.leftPool.outstanding, pair.leftPool.available]).toEqual([1, FRAMES - 1]);
    here.release();
  });

  it('drops a frame that arrives a second time while it is here', () => {
    const pair = makePair();
    pair.right.transmit([makeFrame(pair.rightPool, pair.right, pair.left, 1)], 0, 1);
    const burst: Packet[] = [];
    expect(pair.left.receive(burst, 8)).toBe(1);
    const { frame, offset } = burst[0]!;
    const ring = hostileRing(pair);
    put(ring, frame, offset, 60, 0);
    expect(pair.left.receive([], 8)).toBe(0);
    burst[0]!.release(); // released, not given back yet
    put(ring, frame, offset, 60, 0);
    const taken: Packet[] = [];
    // Receiving gives the frame back first; then it may arrive again.
    expect(pair.left.receive(taken, 8)).toBe(1);
    taken[0]!.release();
    expect(pair.left.statistics.dropped).toBe(1);
    expect(pair.left.remotePool.statistics.doubleReleases).toBe(0);
  });

  it('drops a chain without end without holding on to it', () => {
    const pair = makePair({ capacity: 64 });
    const ring = hostileRing(pair);
    const { packetOffset, frameSize } = pair.memory.layout;
    const { firstFrame } = pair.rightPool.region;
    for (let i = 0; i < 64; i++) {
      put(ring, firstFrame + i, packetOffset + (firstFrame + i) * frameSize, 60, Descriptor.MORE);
    }
    expect(pair.left.receive([], 8)).toBe(0);
    expect(pair.left.statistics.dropped).toBe(1);
    expect(pair.left.remotePool.outstanding).toBe(0);
    put(ring, firstFrame + 90, packetOffset + (firstFrame + 90) * frameSize, 60, 0);
    const burst: Packet[] = [];
    expect(pair.left.receive(burst, 8)).toBe(1);
    burst[0]!.release();
  });

  it('ignores and counts frames that come back without having been away', () => {
    const pair = makePair();
    const { buffer } = pair.memory;
    const { returnedRing } = layoutOf(pair.ends.left);
    const ring = new SpscRing({ buffer, byteOffset: returnedRing, capacity: pair.ends.left.capacity });
    for (const frame of [0, 5, pair.rightPool.region.firstFrame, 2 ** 30]) ring.enqueue(frame);
    expect(pair.left.receive([], 8)).toBe(0);
    expect(pair.left.statistics.dropped).toBe(4);
    expect(pair.leftPool.available).toBe(FRAMES);
  });

  it('survives any words in the rings and their counters', () => {
    const pair = makePair({ capacity: 16 });
    const { words } = pair.memory;
    let seed = 12_345;
    const random = (): number => (seed = (Math.imul(seed, 1_103_515_245) + 12_345) | 0);
    const layout = layoutOf(pair.ends.left);
    const burst: Packet[] = [];
    for (let round = 0; round < 3000; round++) {
      for (const offset of [layout.receiveRing, layout.returnedRing]) {
        words[offset / 4] = random(); // the tail counter
        for (let i = 64; i < 64 + 16; i++) words[offset / 4 + i] = random() >> ((random() >>> 28) & 31);
      }
      words[layout.transmitRing / 4 + 32] = random(); // the head counter
      const count = pair.left.receive(burst, 8);
      expect(count).toBeLessThanOrEqual(8);
      for (let i = 0; i < count; i++) burst[i]!.release();
      const packet = pair.leftPool.take();
      if (packet !== null && pair.left.transmit([packet], 0, 1) === 0) packet.release();
      pair.left.arm(() => {});
    }
    const { available, lent, outstanding } = pair.leftPool;
    expect(available + lent + outstanding).toBe(FRAMES);
    expect(outstanding).toBe(0);
  });

  it('sleeps until the time is over, and not at all when packets wait', () => {
    const pair = makePair();
    const before = performance.now();
    expect(pair.right.sleep(20)).toBe(false);
    expect(performance.now() - before).toBeGreaterThan(15);
    pair.left.transmit([makeFrame(pair.leftPool, pair.left, pair.right, 1)], 0, 1);
    expect(pair.right.sleep(10_000)).toBe(true);
    expect(drain(pair.right)).toEqual([1]);
  });

  it('does not sleep while the thread has other work, and can be woken for it', async () => {
    const pair = makePair();
    expect(pair.right.sleep(10_000, () => false)).toBe(true);
    // Afterwards arm looks at the link alone.
    let wakes = 0;
    expect(pair.right.arm(() => wakes++)).toBe(true);
    pair.left.transmit([makeFrame(pair.leftPool, pair.left, pair.right, 1)], 0, 1);
    expect(await eventually(() => wakes === 1)).toBe(true);
    drain(pair.right);
    const bell = sharedMemoryBell(pair.memory, pair.ends.right);
    let looks = 0;
    // As another thread would, between the announcement of the sleep and the last look.
    const ringOnce = (): boolean => {
      if (looks++ === 0) bell.ring();
      return true;
    };
    expect(pair.right.sleep(10_000, ringOnce)).toBe(true);
  });

  it('takes back frames that were on their way when the other end closed', () => {
    const pair = makePair();
    const burst = [1, 2].map((number) => makeFrame(pair.leftPool, pair.left, pair.right, number));
    pair.left.transmit(burst, 0, 1);
    pair.right.close();
    // As if it had been sent between the peer's last look at the ring and its closing.
    const { transmitRing } = layoutOf(pair.ends.left);
    const { buffer } = pair.memory;
    const ring = new SpscRing({ buffer, byteOffset: transmitRing, capacity: 1024, wordsPerItem: Descriptor.WORDS });
    put(ring, burst[1]!.frame, burst[1]!.offset, 60, 0);
    pair.leftPool.lend(burst[1]!);
    expect(pair.left.transmit([makeFrame(pair.leftPool, pair.left, pair.right, 3)], 0, 1)).toBe(1);
    pair.settle();
    expect(pair.leftPool.outstanding).toBe(0);
  });

  it('refuses a pool of another memory, and a control region that is too small', () => {
    const memory = PacketMemory.create({ frames: 8, controlBytes: 1024 });
    expect(() => createSharedMemoryLink(memory)).toThrow(expect.objectContaining({ code: 'ENOMEM' }));
    const pair = makePair();
    const pool = PacketPool.create(memory, 8);
    expect(() => openSharedMemoryLink(pair.memory, pair.ends.left, pool)).toThrow(/EINVAL.*not of the packet memory/);
  });
});
