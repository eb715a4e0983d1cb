import { sumBytes } from '@prism-net/buffers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason, parseIpv4Address } from './index.js';
import * as ipv4 from './ipv4.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);
// The checksum is worked out by hand: 4500+0073+0000+4000+4011+c0a8+0001+c0a8+00c7 = 2479c, folded 479e, complement b861.
const known = [
  ...[0x45, 0x00, 0x00, 0x73, 0x00, 0x00, 0x40, 0x00, 0x40, 0x11],
  ...[0xb8, 0x61, 0xc0, 0xa8, 0x00, 0x01, 0xc0, 0xa8, 0x00, 0xc7],
];

const header: fc.Arbitrary<ipv4.Ipv4Header> = fc.nat(10).chain((words) =>
  fc.record({
    trafficClass: fc.nat(0xff),
    totalLength: fc.integer({ min: 20 + 4 * words, max: 0xffff }),
    identification: fc.nat(0xffff),
    dontFragment: fc.boolean(),
    moreFragments: fc.boolean(),
    fragmentOffset: fc.nat(0x1fff).map((units) => units * 8),
    timeToLive: fc.nat(0xff),
    protocol: fc.nat(0xff),
    source: fc.integer(),
    destination: fc.integer(),
    options: fc.uint8Array({ minLength: 4 * words, maxLength: 4 * words }),
  }),
);

describe('IPv4 header', () => {
  it('reads every field of a known header at an offset', () => {
    const packet = view(0xee, ...known, 0xee);
    expect(ipv4.check(packet, 1, 0x73)).toBe(DropReason.NONE);
    expect(ipv4.version(packet, 1)).toBe(4);
    expect(ipv4.headerLength(packet, 1)).toBe(20);
    expect(ipv4.totalLength(packet, 1)).toBe(115);
    expect(ipv4.identification(packet, 1)).toBe(0);
    expect(ipv4.dontFragment(packet, 1)).toBe(true);
    expect(ipv4.moreFragments(packet, 1)).toBe(false);
    expect(ipv4.isFragment(packet, 1)).toBe(false);
    expect(ipv4.timeToLive(packet, 1)).toBe(64);
    expect(ipv4.protocol(packet, 1)).toBe(ipv4.Protocol.UDP);
    expect(ipv4.checksum(packet, 1)).toBe(0xb861);
    expect(ipv4.source(packet, 1)).toBe(parseIpv4Address('192.168.0.1'));
    expect(ipv4.destination(packet, 1)).toBe(parseIpv4Address('192.168.0.199'));
  });

  it('writes the known header with its checksum, and nothing beside it', () => {
    const bytes = new DataView(new ArrayBuffer(22));
    const [source, destination] = [parseIpv4Address('192.168.0.1'), parseIpv4Address('192.168.0.199')];
    ipv4.write(bytes, 1, 0, 115, 0, ipv4.DONT_FRAGMENT, 64, ipv4.Protocol.UDP, source, destination);
    expect([...new Uint8Array(bytes.buffer)]).toEqual([0, ...known, 0]);
  });

  it('splits the traffic class (RFC 2474, RFC 3168)', () => {
    const packet = view(...known);
    ipv4.setTrafficClass(packet, 0, 0xbb); // expedited forwarding, congestion experienced
    expect(ipv4.trafficClass(packet, 0)).toBe(0xbb);
    expect(ipv4.differentiatedServices(packet, 0)).toBe(46);
    expect(ipv4.congestionNotification(packet, 0)).toBe(3);
  });

  it.each([
    [ipv4.MORE_FRAGMENTS, false, true, 0, true],
    [ipv4.MORE_FRAGMENTS | 1, false, true, 8, true],
    [0x1fff, false, false, 65_528, true],
    [ipv4.DONT_FRAGMENT, true, false, 0, false],
    [0x8000, false, false, 0, false],
    [0x0100, false, false, 2048, true],
  ])('reads flags and offset %i', (word, dontFragment, moreFragments, offset, isFragment) => {
    const packet = view(...known);
    ipv4.setFlagsAndOffset(packet, 0, word);
    expect(ipv4.dontFragment(packet, 0)).toBe(dontFragment);
    expect(ipv4.moreFragments(packet, 0)).toBe(moreFragments);
    expect(ipv4.fragmentOffset(packet, 0)).toBe(offset);
    expect(ipv4.isFragment(packet, 0)).toBe(isFragment);
  });

  it('sets one field at a time, then the checksum', () => {
    const bytes = new DataView(new ArrayBuffer(20));
    bytes.setUint8(0, 0x45);
    ipv4.setTotalLength(bytes, 0, 115);
    ipv4.setIdentification(bytes, 0, 0);
    ipv4.setFlagsAndOffset(bytes, 0, ipv4.DONT_FRAGMENT);
    ipv4.setTimeToLive(bytes, 0, 64);
    ipv4.setProtocol(bytes, 0, ipv4.Protocol.UDP);
    ipv4.setSource(bytes, 0, parseIpv4Address('192.168.0.1'));
    ipv4.setDestination(bytes, 0, parseIpv4Address('192.168.0.199'));
    ipv4.setChecksum(bytes, 0, 0xffff);
    ipv4.updateChecksum(bytes, 0);
    expect([...new Uint8Array(bytes.buffer)]).toEqual(known);
  });

  it('cuts written values to their fields, so that none spoils its neighbour', () => {
    const [wide, narrow] = [new DataView(new ArrayBuffer(20)), new DataView(new ArrayBuffer(20))];
    ipv4.write(wide, 0, 0x2ff, 0x10014, 0x10002, 0x12000, 0x140, 0x111, -1, 1);
    ipv4.write(narrow, 0, 0xff, 0x14, 2, 0x2000, 0x40, 0x11, -1, 1);
    expect(new Uint8Array(wide.buffer)).toEqual(new Uint8Array(narrow.buffer));
    expect(ipv4.check(wide, 0, 20)).toBe(DropReason.NONE);
  });

  it('comes back from bytes as the value it was, valid, and its accessors agree', () => {
    fc.assert(
      fc.property(header, (value) => {
        const length = ipv4.encodedLength(value);
        const bytes = new DataView(new ArrayBuffer(length));
        expect(ipv4.emit(bytes, 0, value)).toBe(length);
        expect(sumBytes(bytes, 0, length, 0)).toBe(0xffff);
        expect(ipv4.parse(bytes, 0, value.totalLength)).toEqual(value);
        expect(ipv4.headerLength(bytes, 0)).toBe(20 + value.options.length);
        expect(ipv4.isFragment(bytes, 0)).toBe(value.moreFragments || value.fragmentOffset > 0);
        expect(ipv4.trafficClass(bytes, 0)).toBe(value.trafficClass);
        expect(ipv4.source(bytes, 0)).toBe(value.source);
      }),
    );
  });

  it('comes back from a value as the bytes it was', () => {
    fc.assert(
      fc.property(fc.integer({ min: 5, max: 15 }), fc.uint8Array({ minLength: 60, maxLength: 60 }), (words, random) => {
        const bytes = random.slice(0, words * 4);
        const packet = new DataView(bytes.buffer);
        bytes[0] = 0x40 | words;
        bytes[2]! |= 1; // at least 256 bytes in total
        bytes[6]! &= 0x7f; // the reserved flag must be zero
        ipv4.updateChecksum(packet, 0);
        const value = ipv4.parse(packet, 0, 0xffff);
        if (typeof value === 'number') throw new Error(`refused: ${value}`);
        const copy = new Uint8Array(bytes.length);
        ipv4.emit(new DataView(copy.buffer), 0, value);
        expect(copy).toEqual(bytes);
      }),
    );
  });

  it('pads options to a multiple of 4 and refuses more than 40 bytes of them', () => {
    const [value] = fc.sample(header, { numRuns: 1, seed: 1 });
    const bytes = new DataView(new ArrayBuffer(28));
    new Uint8Array(bytes.buffer).fill(0xee);
    expect(ipv4.emit(bytes, 0, { ...value!, totalLength: 28, options: Uint8Array.of(1, 1, 1, 1, 1) })).toBe(28);
    expect([...new Uint8Array(bytes.buffer, 20)]).toEqual([1, 1, 1, 1, 1, 0, 0, 0]);
    expect(ipv4.check(bytes, 0, 28)).toBe(DropReason.NONE);
    expect(() => ipv4.encodedLength({ ...value!, options: new Uint8Array(41) })).toThrow(
      expect.objectContaining({ code: 'EINVAL' }),
    );
  });
});

describe('IPv4 checksum', () => {
  it('finds every change of a single byte, with and without options', () => {
    for (const words of [5, 6, 15]) {
      const bytes = Uint8Array.from({ length: words * 4 }, (_, index) => known[index] ?? 1);
      const packet = new DataView(bytes.buffer);
      bytes[0] = 0x40 | words;
      ipv4.updateChecksum(packet, 0);
      expect(ipv4.check(packet, 0, 0xffff)).toBe(DropReason.NONE);
      for (let at = 0; at < bytes.length; at++) {
        const right = bytes[at]!;
        for (let wrong = 0; wrong < 256; wrong++) {
          if (wrong === right) continue;
          bytes[at] = wrong;
          // A longer header length would sum bytes that are not there.
          if (at > 0 || (wrong & 0xf) <= words) expect(ipv4.check(packet, 0, 0xffff)).not.toBe(DropReason.NONE);
        }
        bytes[at] = right;
      }
    }
  });

  it('accepts both representations of zero', () => {
    const packet = withChecksum(0x0000);
    expect(ipv4.checksum(packet, 0)).toBe(0);
    expect(ipv4.check(packet, 0, 0xffff)).toBe(DropReason.NONE);
    ipv4.setChecksum(packet, 0, 0xffff);
    expect(ipv4.check(packet, 0, 0xffff)).toBe(DropReason.NONE);
  });

  it('is the same after one less to live, updated incrementally, as when computed afresh (RFC 1624)', () => {
    fc.assert(
      fc.property(header, fc.integer({ min: 1, max: 255 }), (value, timeToLive) => {
        const bytes = new DataView(new ArrayBuffer(60));
        ipv4.emit(bytes, 0, { ...value, timeToLive });
        expectSameAsFresh(bytes);
      }),
    );
  });

  it('is the same around 0x0000 and 0xffff, where RFC 1141 went wrong', () => {
    // Checksums before and after the decrement that are zero, next to it, or one time to live away from it.
    for (const checksum of [0x0000, 0x0001, 0xfffe, 0xfeff, 0xff00, 0xfefe, 0xff01, 0x0100, 0x00ff]) {
      for (const timeToLive of [1, 2, 64, 255]) expectSameAsFresh(withChecksum(checksum, timeToLive));
    }
    // A sender may also write zero as 0xffff.
    const other = withChecksum(0x0000);
    ipv4.setChecksum(other, 0, 0xffff);
    expectSameAsFresh(other);
  });

  it('never lets a time to live of 0 become 255', () => {
    const packet = withChecksum(0x1234, 0);
    const before = [...new Uint8Array(packet.buffer)];
    expect(ipv4.decrementTimeToLive(packet, 0)).toBe(0);
    expect([...new Uint8Array(packet.buffer)]).toEqual(before);
  });

  it('begins a transport checksum with the pseudo-header', () => {
    fc.assert(
      fc.property(fc.integer(), fc.integer(), fc.nat(0xff), fc.nat(0xffff), (source, destination, protocol, length) => {
        const pseudo = new DataView(new ArrayBuffer(12)); // RFC 9293 §3.1
        pseudo.setInt32(0, source);
        pseudo.setInt32(4, destination);
        pseudo.setUint8(9, protocol);
        pseudo.setUint16(10, length);
        const sum = ipv4.pseudoHeaderSum(source, destination, protocol, length);
        expect(sum).toBeGreaterThanOrEqual(0);
        const nothing = new DataView(new ArrayBuffer(0));
        expect(sumBytes(nothing, 0, 0, sum)).toBe(sumBytes(pseudo, 0, 12, 0));
      }),
    );
  });
});

/** A valid header whose checksum is the one wanted: the identification makes up for the rest. */
function withChecksum(checksum: number, timeToLive = 64): DataView {
  const packet = view(...known);
  ipv4.setTimeToLive(packet, 0, timeToLive);
  for (let identification = 0; identification <= 0xffff; identification++) {
    ipv4.setIdentification(packet, 0, identification);
    ipv4.updateChecksum(packet, 0);
    if (ipv4.checksum(packet, 0) === checksum) return packet;
  }
  throw new Error(`no header with checksum ${checksum}`);
}

function expectSameAsFresh(packet: DataView): void {
  const timeToLive = ipv4.timeToLive(packet, 0);
  const protocol = ipv4.protocol(packet, 0);
  expect(ipv4.decrementTimeToLive(packet, 0)).toBe(timeToLive - 1);
  const incremental = [...new Uint8Array(packet.buffer)];
  expect(ipv4.timeToLive(packet, 0)).toBe(timeToLive - 1);
  expect(ipv4.protocol(packet, 0)).toBe(protocol);
  ipv4.updateChecksum(packet, 0);
  expect(incremental).toEqual([...new Uint8Array(packet.buffer)]);
}
