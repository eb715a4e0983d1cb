import { describe, expect, it } from 'vitest';
import { HEADROOM, type Packet } from './packet.js';
import { PacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';

const FRAMES = 8;

function createPool(options: { debug?: boolean; startsEmpty?: boolean; before?: number } = {}): PacketPool {
  const { debug = false, startsEmpty = false, before = 3 } = options;
  const memory = PacketMemory.create({ frames: FRAMES + before + 2, frameSize: 512, debug });
  if (before > 0) memory.reserveFrames(before);
  return PacketPool.create(memory, FRAMES, { name: 'test', startsEmpty });
}

function takeAll(pool: PacketPool): Packet[] {
  const packets: Packet[] = [];
  for (let packet = pool.take(); packet !== null; packet = pool.take()) packets.push(packet);
  return packets;
}

/** Every frame can be taken once, and none twice. */
function expectIntactFreeList(pool: PacketPool): void {
  const { available } = pool;
  const packets = takeAll(pool);
  expect(packets).toHaveLength(available);
  expect(new Set(packets).size).toBe(available);
  for (const packet of packets) packet.release();
}

describe('taking and giving back', () => {
  it('hands out each frame of its region once, then null, and counts that', () => {
    const pool = createPool();
    const packets = takeAll(pool);
    expect(packets.map((packet) => packet.frame)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    expect([pool.available, pool.outstanding, pool.peak, pool.statistics.exhausted]).toEqual([0, FRAMES, FRAMES, 1]);
    packets[5]!.release();
    expect(pool.take()).toBe(packets[5]);
  });

  it('gives the frame released last first: it is still in the cache', () => {
    const pool = createPool();
    const [a, b, c] = [pool.take()!, pool.take()!, pool.take()!];
    b.release();
    a.release();
    c.release();
    expect([pool.take(), pool.take(), pool.take()]).toEqual([c, a, b]);
  });

  it('remembers the peak', () => {
    const pool = createPool();
    for (const packet of [pool.take()!, pool.take()!, pool.take()!]) packet.release();
    pool.take();
    expect([pool.outstanding, pool.peak]).toEqual([1, 3]);
  });

  it('gives out packets without memory of their former life', () => {
    const pool = createPool();
    const packet = pool.take()!;
    const fresh = { ...packet };
    Object.assign(packet, { flags: 15, checksumState: 2, gsoSize: 9, rssHash: 9, timestampSource: 2, length: 99 });
    packet.push(40);
    packet.append(pool.take()!);
    packet.release();
    expect(pool.available).toBe(FRAMES);
    pool.take();
    const again = pool.take() === packet ? packet : pool.take()!;
    const { offset, length, flags, checksumState, gsoSize, rssHash, timestampSource, nextSegment, references } = fresh;
    expect(again.offset - again.base).toBe(offset - fresh.base);
    expect(again).toMatchObject({
      length,
      flags,
      checksumState,
      gsoSize,
      rssHash,
      timestampSource,
      nextSegment,
      references,
    });
  });

  it('counts the generation up, odd when out and even when in', () => {
    const pool = createPool();
    const packet = pool.take()!;
    expect(packet.generation).toBe(1);
    packet.release();
    expect(packet.generation).toBe(2);
    pool.take();
    pool.lend(packet);
    expect(packet.generation).toBe(4);
    pool.reclaim(packet.frame);
    expect(packet.generation).toBe(4);
  });

  it('needs a region that lies in the memory', () => {
    const memory = PacketMemory.create({ frames: 8 });
    for (const [firstFrame, frames] of [
      [-1, 2],
      [7, 2],
      [0, 9],
      [0.5, 1],
      [0, Number.NaN],
    ] as const) {
      const create = () => new PacketPool(memory, { firstFrame, frames });
      expect(create).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
    expect(() => new PacketPool(memory, { firstFrame: 7, frames: 1 })).not.toThrow();
  });
});

describe('outside debug mode', () => {
  it('a double release is ignored and counted, and the free list stays whole', () => {
    const pool = createPool();
    const packet = pool.take()!;
    pool.take();
    packet.release();
    packet.release();
    packet.release();
    expect([pool.available, pool.outstanding, pool.statistics.doubleReleases]).toEqual([FRAMES - 1, 1, 2]);
    expectIntactFreeList(pool);
  });

  it('so is whatever else somebody does to a packet that is not his', () => {
    const pool = createPool();
    const packet = pool.take()!;
    packet.release();
    packet.retain();
    packet.release();
    pool.lend(packet);
    expect([pool.available, pool.outstanding, pool.lent, pool.statistics.doubleReleases]).toEqual([FRAMES, 0, 0, 3]);
    expect(pool.reclaim(packet.frame)).toBe(false);
    expectIntactFreeList(pool);
    const lent = pool.take()!;
    pool.lend(lent);
    pool.lend(lent);
    lent.release();
    expect([pool.available, pool.lent, pool.statistics.doubleReleases]).toEqual([FRAMES - 1, 1, 5]);
  });

  it('leaks are found, though not where they were taken', () => {
    const pool = createPool();
    pool.take();
    expect(() => pool.assertNoLeaks()).toThrow(
      /test: 1 packets were not released\nframe 3 .*turn on debug to see where/,
    );
  });
});

function firstRelease(packet: Packet): void {
  packet.release();
}

function secondRelease(packet: Packet): void {
  packet.release();
}

function forgetful(pool: PacketPool): void {
  pool.take()!.retain();
}

describe('in debug mode', () => {
  it('a double release throws, naming both places', () => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    firstRelease(packet);
    expect(() => secondRelease(packet)).toThrow(/test: frame 3 was released .*\n.*firstRelease.*again.*secondRelease/s);
    expectIntactFreeList(pool);
  });

  it('a release or lending of a lent packet throws, naming where it was lent', () => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    pool.lend(packet);
    expect(() => packet.release()).toThrow(
      /frame 3 was released by somebody who does not own it\n.*\n.*packet-pool\.test/,
    );
    expect(() => pool.lend(packet)).toThrow(/frame 3 was lent by somebody/);
    expect(() => packet.retain()).toThrow(/frame 3 was retained by somebody/);
    expect([pool.available, pool.outstanding, pool.lent]).toEqual([FRAMES - 1, 0, 1]);
  });

  it.each(['release', 'lend'] as const)('use after %s throws: the offset is one no DataView accepts', (how) => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    packet.length = 100;
    if (how === 'release') packet.release();
    else pool.lend(packet);
    expect(packet.length).toBe(0);
    expect(() => packet.view.getUint8(packet.offset)).toThrow(RangeError);
    expect(() => packet.view.setUint32(packet.push(20), 1)).toThrow(RangeError);
    expect(() => packet.view.setUint32(packet.offset + 1500, 1)).toThrow(RangeError);
  });

  it('a write after release is found when the frame is taken next, with the place of the release', () => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    const { offset } = packet;
    firstRelease(packet);
    packet.view.setUint8(offset + 5, 1);
    const message = new RegExp(`frame 3 was written at byte ${HEADROOM + 5} after its release .*firstRelease`, 's');
    expect(() => pool.take()).toThrow(message);
  });

  it('a write after release is found when the frame is sent home', () => {
    const pool = createPool({ debug: true, startsEmpty: true });
    const { base } = new PacketPool(pool.memory, pool.region).take()!;
    const packet = pool.adopt(3, base, 10)!;
    packet.release();
    pool.memory.bytes[base + 511] = 0;
    expect(() => pool.takeReleasedFrame()).toThrow(/frame 3 was written at byte 511 after its release/);
  });

  it('what a peer wrote into a lent frame is no write after release; what is written after its return is', () => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    pool.lend(packet);
    pool.memory.bytes[packet.base + 7] = 1;
    pool.reclaim(packet.frame);
    expect(pool.take()).toBe(packet);
    pool.lend(packet);
    pool.reclaim(packet.frame);
    pool.memory.bytes[packet.base + 8] = 1;
    expect(() => pool.take()).toThrow(/frame 3 was written at byte 8 after its release/);
  });

  it('the leak report names the frames, their references and where they were taken', () => {
    const pool = createPool({ debug: true });
    pool.take()!.release();
    pool.assertNoLeaks();
    forgetful(pool);
    expect(() => pool.assertNoLeaks()).toThrow(
      /test: 1 packets were not released\nframe 3 \(2 references\) taken .*forgetful/s,
    );
  });
});

describe('frames that come and go', () => {
  it('are lent and reclaimed', () => {
    const pool = createPool();
    const packet = pool.take()!;
    pool.lend(packet);
    expect([pool.available, pool.outstanding, pool.lent]).toEqual([FRAMES - 1, 0, 1]);
    expect(pool.reclaim(packet.frame)).toBe(true);
    expect([pool.available, pool.outstanding, pool.lent]).toEqual([FRAMES, 0, 0]);
    expectIntactFreeList(pool);
  });

  it('come back as data (an echo in place)', () => {
    const pool = createPool();
    const packet = pool.take()!;
    pool.lend(packet);
    expect(pool.adopt(packet.frame, packet.base + 64, 100)).toBe(packet);
    expect([packet.offset - packet.base, packet.length, packet.references, pool.lent]).toEqual([64, 100, 1, 0]);
    expect(pool.reclaim(packet.frame)).toBe(false);
    packet.release();
    expectIntactFreeList(pool);
  });

  it('of a device are adopted, released and sent home', () => {
    const pool = createPool({ startsEmpty: true });
    expect([pool.take(), pool.takeReleasedFrame(), pool.lent]).toEqual([null, -1, FRAMES]);
    const base = pool.memory.layout.packetOffset + 5 * 512;
    const packet = pool.adopt(5, base + 256, 60)!;
    expect(packet).toMatchObject({ frame: 5, base, offset: base + 256, length: 60, references: 1 });
    expect(pool.adopt(5, base + 256, 60)).toBeNull();
    expect(pool.takeReleasedFrame()).toBe(-1);
    packet.release();
    expect(pool.adopt(5, base + 256, 60)).toBeNull();
    expect(pool.takeReleasedFrame()).toBe(5);
    expect(pool.takeReleasedFrame()).toBe(-1);
    expect([pool.available, pool.outstanding, pool.lent]).toEqual([0, 0, FRAMES]);
    expect(pool.adopt(5, base, 0)).toBe(packet);
  });
});

describe('what a peer says', () => {
  const pool = createPool();
  const packet = pool.take()!;
  const { frame, base } = packet;
  pool.lend(packet);
  const out = pool.take()!;
  const wrongFrames = [
    -1,
    0,
    2,
    11,
    13,
    2 ** 31 - 1,
    -(2 ** 31),
    2 ** 32 + frame,
    frame + 0.5,
    Number.NaN,
    Number.POSITIVE_INFINITY,
  ];
  const wrongRanges: [string, number, number][] = [
    ['before the frame', base - 1, 10],
    ['beyond the frame', base + 512, 1],
    ['one byte too long', base + 1, 512],
    ['longer than the frame', base, 513],
    ['of negative length', base + 100, -1],
    ['of the most negative length', base + 100, -(2 ** 31)],
    ['of the largest length', base, 2 ** 31 - 1],
    ['whose end wraps', 2 ** 31 - 1, 2 ** 31 - 1],
    ['at a negative offset', -1, 10],
    ['at no number', Number.NaN, 10],
    ['of no length', base, Number.NaN],
    ['at a fraction', base + 0.5, 10],
    ['of a fraction', base, 1.5],
    ['in a neighbour frame', base + 512, 10],
    ['at 2^32 more', base + 2 ** 32, 10],
  ];

  it.each(wrongFrames)('frame %d is neither adopted nor reclaimed', (wrong) => {
    expect(pool.adopt(wrong, base, 10)).toBeNull();
    expect(pool.reclaim(wrong)).toBe(false);
  });

  it.each(wrongRanges)('data %s is not adopted', (_, offset, length) => {
    expect(pool.adopt(frame, offset, length)).toBeNull();
  });

  it('frames that are out or free are neither adopted nor reclaimed', () => {
    for (const wrong of [out.frame, out.frame + 1]) {
      const offset = pool.memory.layout.packetOffset + wrong * 512;
      expect(pool.adopt(wrong, offset, 10)).toBeNull();
      expect(pool.reclaim(wrong)).toBe(false);
    }
  });

  it('leaves the pool as it was', () => {
    expect([pool.available, pool.outstanding, pool.lent]).toEqual([FRAMES - 2, 1, 1]);
    expect(pool.adopt(frame, base, 512)).toBe(packet);
    packet.release();
    out.release();
    expectIntactFreeList(pool);
  });

  it('an empty range at either end of the frame is one', () => {
    const own = createPool();
    const traveller = own.take()!;
    for (const offset of [traveller.base, traveller.base + 512]) {
      own.lend(traveller);
      expect(own.adopt(traveller.frame, offset, 0)).toBe(traveller);
    }
  });
});

describe('a view', () => {
  it('shows a part of a packet, and keeps its frame until both are released', () => {
    const pool = createPool({ debug: true });
    const packet = pool.take()!;
    packet.length = 100;
    packet.view.setUint8(packet.offset + 40, 7);
    const view = pool.view(packet, packet.offset + 40, 20)!;
    expect(view.toBytes()).toEqual(Uint8Array.of(7, ...new Array(19).fill(packet.view.getUint8(packet.offset + 41))));
    // Nobody owns the frame alone: whoever wants to write copies.
    expect([packet.references, view.references]).toEqual([2, 2]);
    packet.release();
    expect(pool.outstanding).toBe(1);
    expect(view.toBytes()[0]).toBe(7);
    view.release();
    expect(pool.outstanding).toBe(0);
    expect(() => view.release()).toThrow('was released by somebody who does not own it');
    expectIntactFreeList(pool);
  });

  it('is refused of what is shared already, of another view, and of a packet of another pool', () => {
    const pool = createPool();
    const packet = pool.take()!;
    const view = pool.view(packet, packet.offset, 1)!;
    expect(pool.view(packet, packet.offset, 1)).toBeNull();
    expect(pool.view(view, view.offset, 1)).toBeNull();
    const stranger = createPool().take()!;
    expect(pool.view(stranger, stranger.offset, 1)).toBeNull();
    view.release();
    expect(packet.references).toBe(1);
    expect(pool.view(packet, packet.offset, 1)).toBe(view);
  });

  it('in a chain is released with it, and what follows it too', () => {
    const pool = createPool();
    const [first, shown, last] = [pool.take()!, pool.take()!, pool.take()!];
    const view = pool.view(shown, shown.offset, 10)!;
    first.append(view);
    view.nextSegment = last;
    first.release();
    expect([pool.outstanding, shown.references]).toEqual([1, 1]);
    shown.release();
    expectIntactFreeList(pool);
  });
});
