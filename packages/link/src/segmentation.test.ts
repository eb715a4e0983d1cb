import { ChecksumState, HEADROOM, type Packet, PacketFlag, PacketMemory, PacketPool } from '@prism-net/buffers';
import { DropReason, ethernet, ipv4, tcp } from '@prism-net/wire';
import fc from 'fast-check';
import { afterEach, describe, expect, it } from 'vitest';
import { MAXIMUM_WIRE_SEGMENTS, Segmenter } from './segmentation.js';
import {
  chainOf,
  frameOf,
  headersOf,
  piecesOf,
  referenceSegments,
  type SegmentFields,
  virtualSegment,
} from './segmentation.testkit.js';

const { Flag } = tcp;
const MTU = 65_535;
const FRAME_SIZE = 4096;

const memory = PacketMemory.create({ frames: 512, frameSize: FRAME_SIZE, debug: true });
const pool = PacketPool.create(memory, 256);
const otherPool = PacketPool.create(memory, 192);
const smallPool = PacketPool.create(memory, 8);
const foreignPool = PacketPool.create(PacketMemory.create({ frames: 160, frameSize: FRAME_SIZE, debug: true }), 160);
const segmenter = new Segmenter(otherPool);

afterEach(() => {
  for (const each of [pool, otherPool, smallPool, foreignPool]) each.assertNoLeaks();
});

/** Cuts the packet and returns the bytes of the parts, after a look at what is known about each. */
function cut(packet: Packet, leavesChecksum = false, with_ = segmenter, mtu = MTU): Uint8Array[] {
  const { flags } = packet;
  expect(with_.segment(packet, mtu, leavesChecksum)).toBe(DropReason.NONE);
  expect(with_.lost).toBe(0);
  return taken(with_, leavesChecksum, flags);
}

function taken(from: Segmenter, leavesChecksum = false, flags = 0): Uint8Array[] {
  return from.segments.slice(0, from.count).map((each) => {
    const bytes = each.toBytes();
    const isTagged = ethernet.etherType(each.view, each.offset) === ethernet.EtherType.VLAN;
    const network = each.offset + (isTagged ? 18 : 14);
    const isIpv4 = each.view.getUint8(network) >>> 4 === 4;
    expect(each).toMatchObject({
      references: 1,
      gsoSize: 0,
      flags,
      checksumState: leavesChecksum ? ChecksumState.PARTIAL : ChecksumState.UNKNOWN,
      linkOffset: each.offset,
      networkOffset: network,
      transportOffset: network + (isIpv4 ? ipv4.headerLength(each.view, network) : 40),
    });
    each.release();
    return bytes;
  });
}

const flagSets = fc
  .subarray([Flag.FIN, Flag.PSH, Flag.ACK, Flag.URG, Flag.ECE, Flag.CWR])
  .map((set) => set.reduce((sum, flag) => sum | flag, 0));
const words = fc.integer({ min: 0, max: 10 }).map((count) => count * 4);

const segments = (maximumSize: number): fc.Arbitrary<{ fields: SegmentFields; gsoSize: number }> =>
  fc
    .record({
      vlan: fc.option(fc.integer({ min: 1, max: 4094 }), { nil: undefined }),
      ipv6: fc.boolean(),
      ipOptions: words,
      tcpOptions: words,
      identification: fc.integer({ min: 0, max: 0xffff }),
      dontFragment: fc.boolean(),
      sequence: fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 }),
      flags: flagSets,
      urgentPointer: fc.oneof(fc.integer({ min: 0, max: 3000 }), fc.constant(0xffff)),
      gsoSize: fc.integer({ min: 1, max: maximumSize }),
      pieces: fc.integer({ min: 0, max: 12 }),
      rest: fc.nat(),
    })
    .map(({ gsoSize, pieces, rest, vlan, ...more }) => {
      const payload = Math.min(pieces * gsoSize + (rest % gsoSize), 65_000);
      return { fields: { ...more, ...(vlan === undefined ? {} : { vlan }), payload }, gsoSize };
    });

describe('a virtual segment as TCP makes it', () => {
  it('becomes, byte for byte, the segments of the reference, without a copy and in its own frames', () => {
    fc.assert(
      fc.property(segments(FRAME_SIZE - HEADROOM - 150), fc.boolean(), ({ fields, gsoSize }, leavesChecksum) => {
        const copies = memory.copies[0]!;
        const packet = virtualSegment(pool, fields, gsoSize);
        const built = memory.copies[0]!;
        expect(segmenter.segment(packet, MTU, leavesChecksum)).toBe(DropReason.NONE);
        expect(memory.copies[0]! - built).toBe(0);
        expect(built - copies).toBeGreaterThan(0);
        expect(otherPool.outstanding).toBe(0);
        const sizes = piecesOf(fields.payload, gsoSize);
        expect(taken(segmenter, leavesChecksum)).toEqual(referenceSegments(fields, sizes, leavesChecksum));
      }),
      { numRuns: 60 },
    );
  });

  it('may have less in its first frame: what was sent before, or all of it', () => {
    fc.assert(
      fc.property(segments(1460), fc.nat(), fc.boolean(), ({ fields, gsoSize }, some, leavesChecksum) => {
        const inFirst = some % (Math.min(gsoSize, fields.payload) + 1);
        const packet = virtualSegment(pool, fields, gsoSize, inFirst);
        const rest = piecesOf(fields.payload - inFirst, gsoSize);
        // What one segment can hold is one.
        let sizes = [inFirst, ...rest];
        if (fields.payload <= gsoSize) sizes = [fields.payload];
        else if (inFirst === 0) sizes = rest;
        const copies = memory.copies[0]!;
        expect(segmenter.segment(packet, MTU, leavesChecksum)).toBe(DropReason.NONE);
        expect(memory.copies[0]).toBe(copies);
        expect(taken(segmenter, leavesChecksum)).toEqual(referenceSegments(fields, sizes, leavesChecksum));
      }),
      { numRuns: 60 },
    );
  });

  it('may have several frames for each of its parts', () => {
    fc.assert(
      fc.property(
        segments(5000),
        fc.integer({ min: 500, max: 2000 }),
        fc.boolean(),
        (sample, capacity, leavesChecksum) => {
          const { fields, gsoSize } = sample;
          const sizes = piecesOf(fields.payload, gsoSize);
          const lengths = sizes.flatMap((size) => piecesOf(size, capacity));
          lengths[0]! += headersOf(fields);
          const packet = chainOf(pool, frameOf(fields, true), lengths);
          packet.gsoSize = gsoSize;
          packet.checksumState = ChecksumState.PARTIAL;
          expect(segmenter.segment(packet, MTU, leavesChecksum)).toBe(DropReason.NONE);
          expect(otherPool.outstanding).toBe(0);
          expect(taken(segmenter, leavesChecksum)).toEqual(referenceSegments(fields, sizes, leavesChecksum));
        },
      ),
      { numRuns: 60 },
    );
  });

  it('of 64 KiB with timestamps becomes 46 segments whose checksums are right', () => {
    const fields = { tcpOptions: 12, payload: 65_535 - 52, sequence: -30_000, flags: Flag.ACK | Flag.PSH };
    const frames = cut(virtualSegment(pool, fields, 1448));
    expect(frames).toHaveLength(46);
    expect(frames).toEqual(referenceSegments(fields, piecesOf(fields.payload, 1448), false));
    for (const frame of frames) {
      const view = new DataView(frame.buffer);
      expect(ipv4.check(view, 14, frame.length - 14)).toBe(DropReason.NONE);
      expect(tcp.check(view, 34, frame.length - 34)).toBe(DropReason.NONE);
    }
  });
});

describe('any other layout', () => {
  const layouts = fc.array(fc.integer({ min: 0, max: FRAME_SIZE - HEADROOM }), { minLength: 1, maxLength: 8 });

  /** The bytes in frames of these lengths, over and over; the first has all of the headers. */
  function scatter(total: number, header: number, wanted: readonly number[]): number[] {
    const lengths: number[] = [];
    let left = total;
    for (let i = 0; left > 0 || i === 0; i++) {
      const length = Math.min(left, Math.max(wanted[i % wanted.length]!, i === 0 ? header : i % 2 === 0 ? 900 : 0));
      lengths.push(length);
      left -= length;
    }
    return lengths;
  }

  /** The payloads of the parts, should the frames happen to be theirs. */
  function asTcpMakesIt(lengths: readonly number[], header: number, gsoSize: number): number[] | undefined {
    const parts = [lengths[0]! - header];
    for (const [i, length] of lengths.entries()) {
      if (i === 0) continue;
      const part = parts.at(-1)!;
      if (length === 0) return undefined;
      if (part > 0 && part + length <= gsoSize) parts[parts.length - 1] = part + length;
      else if (part === gsoSize || i === 1) parts.push(length);
      else return undefined;
    }
    if (parts[0] === 0 && parts.length > 1) parts.shift();
    return parts.every((part) => part <= gsoSize) ? parts : undefined;
  }

  it('is copied into the segments of the reference, whatever the lengths', () => {
    fc.assert(
      fc.property(segments(9000), layouts, fc.boolean(), fc.boolean(), (sample, wanted, leavesChecksum, isForeign) => {
        const { fields, gsoSize } = sample;
        const bytes = frameOf(fields, true);
        const lengths = scatter(bytes.length, headersOf(fields), wanted);
        const packet = chainOf(isForeign ? foreignPool : pool, bytes, lengths);
        packet.gsoSize = gsoSize;
        packet.checksumState = ChecksumState.PARTIAL;
        const sizes = asTcpMakesIt(lengths, headersOf(fields), gsoSize) ?? piecesOf(fields.payload, gsoSize);
        expect(cut(packet, leavesChecksum)).toEqual(referenceSegments(fields, sizes, leavesChecksum));
      }),
      { numRuns: 60 },
    );
  });

  it('is copied when one frame has data of two segments', () => {
    const fields = { payload: 5000, tcpOptions: 12, flags: Flag.ACK | Flag.FIN };
    const packet = chainOf(pool, frameOf(fields, true), [headersOf(fields) + 2000, 3000]);
    packet.gsoSize = 1448;
    packet.checksumState = ChecksumState.VERIFIED;
    packet.flags = PacketFlag.LOOPED_BACK;
    const copied = segmenter.statistics.copied;
    expect(cut(packet)).toEqual(referenceSegments(fields, piecesOf(5000, 1448), false));
    expect(segmenter.statistics.copied - copied).toBe(1);
  });

  it('is copied when somebody else has the packet too, who finds it as it was', () => {
    const fields = { payload: 4000 };
    for (const which of [0, 1]) {
      const packet = virtualSegment(pool, fields, 1000);
      const shared = which === 0 ? packet : packet.nextSegment!;
      shared.retain();
      const payload = packet.nextSegment!.toBytes();
      expect(cut(packet)).toEqual(referenceSegments(fields, piecesOf(4000, 1000), false));
      expect((which === 0 ? packet.nextSegment! : shared).toBytes()).toEqual(payload);
      shared.release();
    }
  });

  it('is copied when a frame has no room for headers', () => {
    const fields = { payload: 3000, tcpOptions: 12 };
    const packet = virtualSegment(pool, fields, 1000);
    const second = packet.nextSegment!;
    memory.copy(second.base + 65, second.offset, 1000);
    second.offset = second.base + 65;
    expect(cut(packet)).toEqual(referenceSegments(fields, [1000, 1000, 1000], false));
  });

  it('is spread over frames that are shorter than a wire segment', () => {
    const fields = { payload: 30_001, tcpOptions: 12 };
    const packet = chainOf(pool, frameOf(fields, true), piecesOf(headersOf(fields) + 30_001, 3333));
    packet.gsoSize = 8948;
    packet.checksumState = ChecksumState.PARTIAL;
    expect(segmenter.segment(packet, 9000, false)).toBe(DropReason.NONE);
    expect(segmenter.segments[0]!.nextSegment).not.toBeNull();
    expect(taken(segmenter)).toEqual(referenceSegments(fields, piecesOf(30_001, 8948), false));
  });
});

describe('flags', () => {
  const flagsOf = (flags: number, more: Partial<SegmentFields> = {}): string[] => {
    const fields = { payload: 300, ...more, flags: flags | Flag.ACK };
    return cut(virtualSegment(pool, fields, 100)).map((frame) => {
      const set = tcp.flags(new DataView(frame.buffer), 34);
      const names = Object.entries(Flag).filter(([name, bit]) => (set & bit) !== 0 && name !== 'ACK');
      return names.map(([name]) => name).join(' ');
    });
  };

  it('FIN and PSH stay with the last segment, CWR with the first, ECE with all', () => {
    expect(flagsOf(Flag.FIN | Flag.PSH | Flag.CWR | Flag.ECE)).toEqual(['ECE CWR', 'ECE', 'FIN PSH ECE']);
  });

  it('URG stays with those that begin before the end of the urgent data', () => {
    expect(flagsOf(Flag.URG, { urgentPointer: 101 })).toEqual(['URG', 'URG', '']);
    expect(flagsOf(Flag.URG, { urgentPointer: 100 })).toEqual(['URG', '', '']);
    expect(flagsOf(Flag.URG, { urgentPointer: 0xffff })).toEqual(['URG', 'URG', 'URG']);
    expect(flagsOf(0, { urgentPointer: 7 })).toEqual(['', '', '']);
  });
});

describe('checksums', () => {
  it('are verified first when nobody has vouched for them, so that damage is not signed', () => {
    const fields = { payload: 2500 };
    const damaged = virtualSegment(pool, fields, 1000);
    damaged.checksumState = ChecksumState.UNKNOWN; // the field holds the pseudo-header's sum only: wrong
    const refused = segmenter.statistics.refused;
    expect(segmenter.segment(damaged, MTU, false)).toBe(DropReason.TCP_CHECKSUM);
    expect(segmenter).toMatchObject({ count: 0, lost: 1 });
    expect(segmenter.statistics.refused - refused).toBe(1);
    const whole = chainOf(pool, frameOf(fields, false), [headersOf(fields) + 1000, 1000, 500]);
    whole.gsoSize = 1000;
    expect(cut(whole)).toEqual(referenceSegments(fields, [1000, 1000, 500], false));
  });
});

describe('refused', () => {
  function refused(change: (packet: Packet) => void, reason: DropReason, mtu = MTU, more: Partial<SegmentFields> = {}) {
    const packet = virtualSegment(pool, { payload: 2500, ...more }, 1000);
    change(packet);
    expect(segmenter.segment(packet, mtu, false)).toBe(reason);
    expect(segmenter).toMatchObject({ count: 0, lost: 1 });
  }
  const { TRANSMIT_TOO_LONG, FRAME_FRAGMENTED_HEADERS } = DropReason;

  it('are packets that are not TCP over IP, IP fragments, SYN and RST', () => {
    refused(({ view, offset }) => view.setUint16(offset + 12, 0x88b5), TRANSMIT_TOO_LONG);
    refused(({ view, offset }) => view.setUint8(offset + 23, 17), TRANSMIT_TOO_LONG);
    refused(({ view, offset }) => view.setUint8(offset + 20, 0), TRANSMIT_TOO_LONG, MTU, { ipv6: true });
    refused(({ view, offset }) => view.setUint16(offset + 20, 1), TRANSMIT_TOO_LONG);
    refused(() => {}, TRANSMIT_TOO_LONG, MTU, { flags: Flag.SYN });
    refused(() => {}, TRANSMIT_TOO_LONG, MTU, { flags: Flag.RST | Flag.ACK });
  });

  it('are packets without all headers in their first segment', () => {
    for (const length of [0, 13, 17, 33, 53]) {
      refused((packet) => (packet.length = length), FRAME_FRAGMENTED_HEADERS);
    }
    refused(({ view, offset }) => view.setUint8(offset + 14, 0x44), FRAME_FRAGMENTED_HEADERS);
    refused(({ view, offset }) => view.setUint8(offset + 46, 0x40), FRAME_FRAGMENTED_HEADERS);
    refused((packet) => (packet.length = 57), FRAME_FRAGMENTED_HEADERS, MTU, { ipv6: true, tcpOptions: 4 });
  });

  it('are those whose parts would exceed the MTU, or be too many, and sizes that are none', () => {
    refused(() => {}, TRANSMIT_TOO_LONG, 1039);
    expect(cut(virtualSegment(pool, { payload: 2500 }, 1000), false, segmenter, 1040)).toHaveLength(3);
    refused((packet) => (packet.gsoSize = -1), TRANSMIT_TOO_LONG);
    refused((packet) => (packet.gsoSize = 1), TRANSMIT_TOO_LONG, MTU, { payload: MAXIMUM_WIRE_SEGMENTS + 1 });
    refused(() => {}, TRANSMIT_TOO_LONG, MTU, { payload: 65_496 });
  });

  it('is nothing that random bytes can make throw', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 200 }), fc.nat(70_000), (bytes, gsoSize) => {
        const packet = chainOf(pool, bytes, [bytes.length]);
        packet.gsoSize = gsoSize;
        segmenter.segment(packet, 1500, false);
        for (const each of segmenter.segments.slice(0, segmenter.count)) each.release();
      }),
    );
  });
});

describe('an empty pool', () => {
  it('costs the end of what had to be copied, counted, and leaks nothing', () => {
    const small = new Segmenter(smallPool);
    const fields = { payload: 19_500, flags: Flag.ACK | Flag.FIN };
    const bytes = frameOf(fields, true);
    const packet = chainOf(pool, bytes, piecesOf(bytes.length, 3000));
    packet.gsoSize = 1000;
    packet.checksumState = ChecksumState.PARTIAL;
    expect(small.segment(packet, MTU, false)).toBe(DropReason.OUT_OF_PACKETS);
    expect(small).toMatchObject({ count: 8, lost: 12 });
    expect(small.statistics.snapshot()).toEqual({
      virtualSegments: 1,
      wireSegments: 8,
      copied: 1,
      exhausted: 12,
      refused: 0,
    });
    expect(taken(small)).toEqual(referenceSegments(fields, piecesOf(19_500, 1000), false).slice(0, 8));
  });

  it('in the midst of a segment of several frames costs that one too', () => {
    const small = new Segmenter(smallPool);
    const bytes = frameOf({ payload: 40_000 }, true);
    const packet = chainOf(pool, bytes, piecesOf(bytes.length, 3000));
    packet.gsoSize = 9000; // three frames each, and there are eight
    packet.checksumState = ChecksumState.PARTIAL;
    expect(small.segment(packet, MTU, false)).toBe(DropReason.OUT_OF_PACKETS);
    expect(small).toMatchObject({ count: 2, lost: 3 });
    expect(taken(small)).toHaveLength(2);
  });

  it('does not matter to frames that are cut where they are', () => {
    const hold: Packet[] = [];
    for (let next = smallPool.take(); next !== null; next = smallPool.take()) hold.push(next);
    expect(cut(virtualSegment(pool, { payload: 9000 }, 1000), false, new Segmenter(smallPool))).toHaveLength(9);
    for (const each of hold) each.release();
  });
});
