import { DropReason, tcp } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { Segment } from './segment.js';
import { flagBits, pattern } from './segments.testkit.js';
import { createPool } from './tcp.testkit.js';

const pool = createPool(64);
afterEach(() => pool.assertNoLeaks());

/** A packet with a header and text over frames of these lengths; the first frame holds the header too. */
function packetOf(lengths: readonly number[], flags = '.') {
  const first = pool.take()!;
  tcp.write(first.view, first.offset, 1000, 80, -5, 77, 20, flagBits(flags), 500);
  first.length = 20;
  let frame = first;
  let at = 0;
  for (const [i, length] of lengths.entries()) {
    if (i > 0) {
      frame.nextSegment = pool.take()!;
      frame = frame.nextSegment;
    }
    frame.memory.write(frame.end, pattern(at, length), 0, length);
    frame.length += length;
    at += length;
  }
  return first;
}

describe('a segment', () => {
  it('is read from its header once; the data of the packet is the text', () => {
    const segment = new Segment();
    const packet = packetOf([100, 50], 'FP.');
    expect(segment.parse(packet)).toBe(DropReason.NONE);
    expect(segment).toMatchObject({
      sourcePort: 1000,
      destinationPort: 80,
      sequence: -5,
      acknowledgement: 77,
      window: 500,
      length: 150,
      frames: 1,
    });
    expect(segment.sequenceLength).toBe(151);
    expect([segment.has(tcp.Flag.FIN), segment.has(tcp.Flag.SYN)]).toEqual([true, false]);
    packet.memory.write(packet.offset - 20, new Uint8Array(20), 0, 20);
    expect(segment.sequence).toBe(-5);
    expect(segment.takePacket()).toBe(packet);
    expect(segment.packet).toBeNull();
    expect(packet.toBytes()).toEqual(pattern(0, 150));
    packet.release();
  });

  it('that is none leaves the packet as it was', () => {
    const segment = new Segment();
    const packet = pool.take()!;
    packet.length = 19;
    expect(segment.parse(packet)).toBe(DropReason.TCP_TRUNCATED);
    expect([packet.length, segment.packet]).toEqual([19, null]);
    packet.release();
  });

  it('counts SYN and FIN in sequence space (SEG.LEN)', () => {
    const segment = new Segment();
    for (const [flags, length] of [
      ['S', 1],
      ['F.', 1],
      ['FS', 2],
      ['R', 0],
    ] as const) {
      segment.parse(packetOf([], flags));
      expect(segment.sequenceLength).toBe(length);
      segment.takePacket().release();
    }
  });

  it('is cut in front and behind, over any frames, and gives back those that nothing is left of', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 5 });
    fc.assert(
      fc.property(lengths, fc.nat(300), fc.nat(300), (frames, a, b) => {
        const total = frames.reduce((sum, each) => sum + each, 0);
        const front = total === 0 ? 0 : a % (total + 1);
        const kept = total === front ? 0 : b % (total - front + 1);
        const segment = new Segment();
        segment.parse(packetOf(frames));
        segment.trimFront(front);
        expect([segment.sequence, segment.length]).toEqual([front - 5, total - front]);
        segment.trimEnd(kept);
        expect(segment.length).toBe(kept);
        const packet = segment.takePacket();
        expect(packet.toBytes()).toEqual(pattern(front, kept));
        packet.release();
        expect(pool.outstanding).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});
