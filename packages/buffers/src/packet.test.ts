import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ChecksumState, HEADROOM, type Packet, PacketFlag, TimestampSource } from './packet.js';
import { PacketMemory } from './packet-memory.js';
import { PacketPool } from './packet-pool.js';

const FRAME = 512;
const ROOM = FRAME - HEADROOM;

function createPool(frames = 16): PacketPool {
  return PacketPool.create(PacketMemory.create({ frames, frameSize: FRAME, debug: true }), frames);
}

function fill(packet: Packet, bytes: Uint8Array): Packet {
  packet.memory.bytes.set(bytes, packet.offset);
  packet.length = bytes.length;
  return packet;
}

/** A packet whose segments hold these bytes, each starting at another alignment. */
function chain(pool: PacketPool, segments: readonly Uint8Array[]): Packet {
  const [head, ...rest] = segments.map((bytes, index) => {
    const packet = pool.take()!;
    packet.offset += index % 5;
    return fill(packet, bytes);
  });
  for (const segment of rest) head!.append(segment);
  return head!;
}

function flat(segments: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(segments.flatMap((segment) => [...segment]));
}

const segmentsOfBytes = fc.array(fc.uint8Array({ maxLength: 100 }), { minLength: 1, maxLength: 6 });

describe('headers', () => {
  it('a fresh packet is empty, with its headroom on a cache line', () => {
    const pool = createPool();
    const packet = pool.take()!;
    expect([packet.length, packet.headroom, packet.tailroom]).toEqual([0, HEADROOM, ROOM]);
    expect(HEADROOM % 64).toBe(0);
    expect(packet.offset).toBe(packet.base + HEADROOM);
    expect(packet.base).toBe(pool.memory.layout.packetOffset + packet.frame * FRAME);
  });

  it('are pushed and consumed without moving a byte of the payload', () => {
    const packet = fill(createPool().take()!, Uint8Array.of(1, 2, 3));
    const payload = packet.offset;
    expect(packet.push(8)).toBe(payload - 8);
    expect(packet.push(20)).toBe(packet.offset);
    expect([packet.offset, packet.length, packet.headroom]).toEqual([payload - 28, 31, HEADROOM - 28]);
    packet.view.setUint32(packet.offset, 0x4500_001f);
    packet.consume(20);
    packet.consume(8);
    expect([packet.offset, packet.length, packet.end]).toEqual([payload, 3, payload + 3]);
    expect([...packet.toBytes()]).toEqual([1, 2, 3]);
    expect(packet.headroom + packet.length + packet.tailroom).toBe(FRAME);
    expect(packet.memory.copies[0]).toBe(1); // toBytes
  });
});

describe('chains', () => {
  it('read, sum and measure like the flat bytes, odd segments included', () => {
    const pool = createPool();
    fc.assert(
      fc.property(segmentsOfBytes, fc.nat(0x7fff_ffff), (segments, initial) => {
        const packet = chain(pool, segments);
        const bytes = flat(segments);
        expect(packet.totalLength).toBe(bytes.length);
        expect(packet.toBytes()).toEqual(bytes);
        const whole = fill(pool.take()!, bytes.slice(0, ROOM));
        if (bytes.length <= ROOM) expect(packet.sum(initial)).toBe(whole.sum(initial));
        whole.release();
        packet.release();
        pool.assertNoLeaks();
      }),
    );
  });

  it('sums odd segments of one byte each', () => {
    const pool = createPool();
    const packet = chain(
      pool,
      [0x12, 0x34, 0x56, 0x78, 0x9a].map((byte) => Uint8Array.of(byte)),
    );
    expect(packet.sum(0)).toBe(((0x1234 + 0x5678 + 0x9a00) % 0x1_0000) + 1);
  });

  it('are trimmed to any length; segments beyond go back to the pool', () => {
    const pool = createPool();
    fc.assert(
      fc.property(segmentsOfBytes, fc.nat(700), (segments, length) => {
        const packet = chain(pool, segments);
        const bytes = flat(segments);
        packet.trim(length);
        expect(packet.toBytes()).toEqual(bytes.slice(0, length));
        let kept = 0;
        for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) kept++;
        expect(pool.outstanding).toBe(kept);
        let needed = 1;
        for (let at = segments[0]!.length; needed < segments.length && at < length; needed++)
          at += segments[needed]!.length;
        expect(kept).toBe(needed);
        packet.release();
        pool.assertNoLeaks();
      }),
    );
  });

  it('grow at their end', () => {
    const pool = createPool();
    const head = chain(pool, [Uint8Array.of(1), Uint8Array.of(2)]);
    head.append(chain(pool, [Uint8Array.of(3), Uint8Array.of(4)]));
    expect([...head.toBytes()]).toEqual([1, 2, 3, 4]);
    head.release();
    pool.assertNoLeaks();
  });
});

describe('copyTo', () => {
  it('copies any chain into as many frames as it needs, in the same memory or another', () => {
    const pool = createPool(32);
    const elsewhere = createPool(32);
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: ROOM - 5 }), { minLength: 1, maxLength: 6 }), (segments) => {
        const packet = chain(pool, segments);
        for (const target of [pool, elsewhere]) {
          const copy = packet.copyTo(target)!;
          expect(copy).not.toBe(packet);
          expect(copy.toBytes()).toEqual(flat(segments));
          expect(copy.offset & 3).toBe(packet.offset & 3);
          expect(target.outstanding).toBe(
            Math.max(1, Math.ceil(copy.totalLength / ROOM)) + (target === pool ? segments.length : 0),
          );
          copy.release();
        }
        packet.release();
        pool.assertNoLeaks();
        elsewhere.assertNoLeaks();
      }),
    );
  });

  it('keeps the alignment of the data', () => {
    const pool = createPool();
    for (let shift = 0; shift < 8; shift++) {
      const packet = pool.take()!;
      packet.offset += shift;
      const copy = packet.copyTo(pool)!;
      expect(copy.offset & 3).toBe(shift & 3);
      copy.release();
      packet.release();
    }
  });

  it('carries the metadata', () => {
    const pool = createPool();
    const metadata = {
      flags: PacketFlag.LINK_MULTICAST,
      checksumState: ChecksumState.VERIFIED,
      gsoSize: 1448,
      rssHash: 77,
      interfaceIndex: 3,
      packetType: 0x0800,
      timestampSource: TimestampSource.HARDWARE,
      timestampSeconds: 12,
      timestampNanoseconds: 34,
    };
    const packet = Object.assign(fill(pool.take()!, Uint8Array.of(1)), metadata);
    expect(packet.copyTo(pool)).toMatchObject(metadata);
  });

  it('leaves nothing behind when the pool runs out half-way', () => {
    const pool = createPool();
    const small = createPool(2);
    const packet = chain(pool, [new Uint8Array(300), new Uint8Array(300), new Uint8Array(300)]);
    expect(packet.copyTo(small)).toBeNull();
    small.assertNoLeaks();
    expect(small.take()?.copyTo(small)?.copyTo(small)).toBeNull();
  });
});

describe('shared packets', () => {
  it('stay whole until the last owner has released them', () => {
    const pool = createPool();
    const packet = chain(pool, [Uint8Array.of(1, 2), Uint8Array.of(3), Uint8Array.of(4)]);
    packet.retain();
    packet.release();
    expect(pool.outstanding).toBe(3);
    expect([...packet.toBytes()]).toEqual([1, 2, 3, 4]);
    packet.release();
    pool.assertNoLeaks();
  });

  it('a segment that somebody else keeps outlives the chain it was part of', () => {
    const pool = createPool();
    const packet = chain(pool, [Uint8Array.of(1), Uint8Array.of(2), Uint8Array.of(3)]);
    const kept = packet.nextSegment!;
    kept.retain();
    packet.release();
    expect(pool.outstanding).toBe(2);
    expect([...kept.toBytes()]).toEqual([2, 3]);
    kept.release();
    pool.assertNoLeaks();
  });
});
