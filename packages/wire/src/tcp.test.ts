import { finishSum, sumBytes } from '@prism-net/buffers';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DropReason, parseIpv4Address, tcpOptions } from './index.js';
import * as tcp from './tcp.js';

const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);
const { Flag } = tcp;

// 40000 to 80: SYN, ECE and CWR, all four reserved bits set, window 64240, MSS 1460, no operation, window scale 7.
const known = [
  ...[0x9c, 0x40, 0x00, 0x50, 0xfe, 0xdc, 0xba, 0x98, 0x81, 0x23, 0x45, 0x67],
  ...[0x7f, 0xc2, 0xfa, 0xf0, 0xbe, 0xef, 0x12, 0x34, 0x02, 0x04, 0x05, 0xb4, 0x01, 0x03, 0x03, 0x07],
];

const option: fc.Arbitrary<tcpOptions.TcpOptionValue> = fc.oneof(
  fc.constant(tcpOptions.noOperation()),
  fc.nat(0xffff).map(tcpOptions.maximumSegmentSize),
  fc.nat(0xff).map(tcpOptions.windowScale),
  fc.constant(tcpOptions.sackPermitted()),
  fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 1, maxLength: 2 }).map(tcpOptions.sack),
  fc.tuple(fc.integer(), fc.integer()).map(([value, echo]) => tcpOptions.timestamps(value, echo)),
  fc.uint8Array({ maxLength: 16 }).map(tcpOptions.fastOpen),
  fc.record({ kind: fc.integer({ min: 2, max: 255 }), data: fc.uint8Array({ maxLength: 12 }) }),
);
const port = fc.integer({ min: 1, max: 0xffff });
const header: fc.Arbitrary<tcp.TcpHeader> = fc.record({
  sourcePort: port,
  destinationPort: port,
  sequence: fc.integer(),
  acknowledgement: fc.integer(),
  flags: fc.nat(0xff),
  window: fc.nat(0xffff),
  checksum: fc.nat(0xffff),
  urgentPointer: fc.nat(0xffff),
  options: fc
    .array(option, { maxLength: 5 })
    .filter((options) => options.reduce((sum, { kind, data }) => sum + (kind === 1 ? 1 : 2 + data.length), 0) <= 40),
});

describe('TCP header', () => {
  it('reads every field of a known header at an offset', () => {
    const segment = view(0xee, ...known, 0xee);
    expect(tcp.check(segment, 1, 28)).toBe(DropReason.NONE);
    expect(tcp.sourcePort(segment, 1)).toBe(40_000);
    expect(tcp.destinationPort(segment, 1)).toBe(80);
    expect(tcp.sequence(segment, 1)).toBe(0xfedcba98 | 0);
    expect(tcp.acknowledgement(segment, 1)).toBe(0x81234567 | 0);
    expect(tcp.headerLength(segment, 1)).toBe(28);
    expect(tcp.flags(segment, 1)).toBe(Flag.SYN | Flag.ECE | Flag.CWR);
    expect(tcp.window(segment, 1)).toBe(64_240); // RFC 9293 §3.1, MUST-1: unsigned
    expect(tcp.checksum(segment, 1)).toBe(0xbeef);
    expect(tcp.urgentPointer(segment, 1)).toBe(0x1234);
  });

  it('reads it as a value', () => {
    expect(tcp.parse(view(...known), 0, 28)).toEqual({
      sourcePort: 40_000,
      destinationPort: 80,
      sequence: 0xfedcba98 | 0,
      acknowledgement: 0x81234567 | 0,
      flags: Flag.SYN | Flag.ECE | Flag.CWR,
      window: 64_240,
      checksum: 0xbeef,
      urgentPointer: 0x1234,
      options: [tcpOptions.maximumSegmentSize(1460), tcpOptions.noOperation(), tcpOptions.windowScale(7)],
    });
  });

  it('writes 20 bytes and nothing beside them, values cut to their fields', () => {
    const bytes = new DataView(new Uint8Array(22).fill(0xee).buffer);
    tcp.write(bytes, 1, 0xfffe, 0x1_2345, 0xfedcba98 | 0, -2, 60, 0x1ff, 0x1_fffd);
    expect([...new Uint8Array(bytes.buffer)]).toEqual([
      ...[0xee, 0xff, 0xfe, 0x23, 0x45, 0xfe, 0xdc, 0xba, 0x98, 0xff, 0xff, 0xff, 0xfe],
      ...[0xf0, 0xff, 0xff, 0xfd, 0, 0, 0, 0, 0xee],
    ]);
    expect(tcp.headerLength(bytes, 1)).toBe(tcp.MAXIMUM_HEADER_LENGTH);
  });

  it.each([
    ['sequence', tcp.setSequence, tcp.sequence, 4, [0x89, 0xab, 0xcd, 0xef], 0x89abcdef | 0],
    ['acknowledgement', tcp.setAcknowledgement, tcp.acknowledgement, 8, [0xff, 0xff, 0xff, 0xff], -1],
    ['flags', tcp.setFlags, tcp.flags, 13, [0x15], Flag.FIN | Flag.RST | Flag.ACK],
    ['window', tcp.setWindow, tcp.window, 14, [0x01, 0x02], 0x0102],
    ['checksum', tcp.setChecksum, tcp.checksum, 16, [0xff, 0xfe], 0xfffe],
    ['urgent pointer', tcp.setUrgentPointer, tcp.urgentPointer, 18, [0x80, 0x01], 0x8001],
  ])('sets the %s and nothing else', (_name, set, get, at, bytes, value) => {
    const segment = view(0xee, ...known);
    set(segment, 1, value);
    expect(get(segment, 1)).toBe(value);
    expect([...new Uint8Array(segment.buffer)]).toEqual([0xee, ...known.toSpliced(at, bytes.length, ...bytes)]);
  });

  it('names the bits of RFC 9293 §3.1 from CWR down to FIN', () => {
    const { CWR, ECE, URG, ACK, PSH, RST, SYN, FIN } = Flag;
    expect([CWR, ECE, URG, ACK, PSH, RST, SYN, FIN]).toEqual([128, 64, 32, 16, 8, 4, 2, 1]);
  });

  it('computes the checksum over pseudo-header, header and an odd number of data bytes', () => {
    // By hand: c0a8+0001+c0a8+0002+0006+0017, 03e8+07d0+0000+0001+0000+0002+5018+1000+0000+0000, 6162+6300 = 2b1a5,
    // folded b1a7, complement 4e58.
    const segment = new DataView(new ArrayBuffer(23));
    tcp.write(segment, 0, 1000, 2000, 1, 2, 20, Flag.PSH | Flag.ACK, 0x1000);
    for (const [index, byte] of [0x61, 0x62, 0x63].entries()) segment.setUint8(20 + index, byte);
    const sum = tcp.pseudoHeaderSum(parseIpv4Address('192.168.0.1'), parseIpv4Address('192.168.0.2'), 23);
    tcp.setChecksum(segment, 0, finishSum(sumBytes(segment, 0, 23, sum)));
    expect(tcp.checksum(segment, 0)).toBe(0x4e58);
    expect(sumBytes(segment, 0, 23, sum)).toBe(0xffff);
  });

  it('comes back from bytes as the value it was', () => {
    fc.assert(
      fc.property(header, fc.nat(5), (value, at) => {
        const length = tcp.encodedLength(value);
        const bytes = new DataView(new ArrayBuffer(at + length));
        expect(tcp.emit(bytes, at, value)).toBe(length);
        expect(tcp.headerLength(bytes, at)).toBe(length);
        expect(tcp.parse(bytes, at, length)).toEqual(value);
      }),
    );
  });

  it('comes back from the value as the bytes they were, the reserved bits apart', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ minLength: 20, maxLength: 20 }),
        fc.array(option, { maxLength: 2 }),
        (first, options) => {
          const bytes = Uint8Array.of(...first, ...tcpOptions.build(options));
          bytes[12] = (bytes.length / 4) << 4;
          const value = tcp.parse(new DataView(bytes.buffer), 0, bytes.length);
          fc.pre(typeof value !== 'number');
          const copy = new Uint8Array(tcp.encodedLength(value));
          tcp.emit(new DataView(copy.buffer), 0, value);
          expect(copy).toEqual(bytes);
        },
      ),
    );
  });

  it('refuses to emit more options than fit', () => {
    const value = tcp.parse(view(...known), 0, 28);
    if (typeof value === 'number') throw new Error('the known header is good');
    const options = [{ kind: 254, data: new Uint8Array(39) }];
    expect(() => tcp.encodedLength({ ...value, options })).toThrow(expect.objectContaining({ code: 'EINVAL' }));
  });
});
