/** What arrives from the wire may be anything: TCP segments and their options. */
import { finishSum, sumBytes } from '@prism-net/buffers';
import { describe, expect, it } from 'vitest';
import { type Codec, describeHostileInput, examine, view } from './hostile-input.testkit.js';
import { DropReason, parseIpv4Address, TcpOptions, tcp, tcpOptions } from './index.js';

const NONE = DropReason.NONE;
const zeros = (count: number) => new Array<number>(count).fill(0);

/** A segment from port 12345 to 80. */
function segment(
  options: readonly number[] = [],
  payload: readonly number[] = [],
  changes: Record<number, number> = {},
) {
  const bytes = [0x30, 0x39, 0, 80, 0, 0, 0, 1, 0, 0, 0, 2, (20 + options.length) << 2, 0x10, 0xff, 0xff, 0, 0, 0, 0];
  bytes.push(...options, ...payload);
  for (const [at, value] of Object.entries(changes)) bytes[Number(at)] = value;
  return bytes;
}

const synOptions = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 3, 3, 7];

const codec: Codec = {
  valid: [
    segment(),
    segment([1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [1, 2, 3]),
    segment(synOptions, [], { 13: tcp.Flag.SYN }),
    segment([1, 1, 5, 34, ...new Array<number>(32).fill(9), 8, 10, 0, 0]),
  ],
  check: tcp.check,
  dress: (bytes) => {
    if (bytes.length < 20) return;
    bytes[12] = (5 + (bytes[12]! % (Math.min(10, (bytes.length - 20) >> 2) + 1))) << 4;
    if (bytes.length > 20) bytes[20] = [1, 2, 3, 4, 5, 8][bytes[20]! % 6]!;
  },
  readAll: (bytes, at, length) => {
    const header = tcp.headerLength(bytes, at);
    expect(header).toBeGreaterThanOrEqual(20);
    expect(header).toBeLessThanOrEqual(Math.min(60, length));
    new TcpOptions().parse(bytes, at + 20, header - 20);
    return tcp.parse(bytes, at, length);
  },
};

describeHostileInput('tcp', codec);

describe('TCP segments that lie', () => {
  const { TCP_TRUNCATED: TRUNCATED, TCP_HEADER_LENGTH: LENGTH, TCP_PORT_ZERO: PORT } = DropReason;
  it.each([
    ['nothing', [], TRUNCATED],
    ['19 bytes', segment().slice(0, 19), TRUNCATED],
    ['19 bytes that claim options', segment([1, 1, 1, 1]).slice(0, 19), TRUNCATED],
    ['a header length of 0', segment([], [], { 12: 0x00 }), LENGTH],
    ['a header length of 16', segment([], [], { 12: 0x40 }), LENGTH],
    ['a header length of 16 under reserved bits', segment([], [], { 12: 0x4f }), LENGTH],
    ['a header length beyond the segment', segment([], [], { 12: 0x60 }), LENGTH],
    ['a header length of 60 in 59 bytes', segment([], zeros(39), { 12: 0xf0 }), LENGTH],
    ['a header length of 60 in 60 bytes', segment([], zeros(40), { 12: 0xf0 }), NONE],
    ['options that took the whole segment', segment([1, 1, 1, 1]), NONE],
    ['source port 0', segment([], [], { 0: 0, 1: 0 }), PORT],
    ['destination port 0', segment([], [], { 2: 0, 3: 0 }), PORT],
    ['ports whose low or high bytes are 0', segment([], [], { 1: 0, 2: 0, 3: 1 }), NONE],
    ['reserved bits', segment([], [], { 12: 0x5f }), NONE],
  ])('%s', (_what, bytes, reason) => {
    expect(examine(codec, bytes)).toBe(reason);
  });

  it.each([
    ['none', 0],
    ['all of them', 0xff],
    ['FIN, PSH and URG', 0x29],
    ['SYN and FIN', 0x03],
    ['SYN and RST', 0x06],
    ['SYN, ECE and CWR', 0xc2],
  ])('flags that no sender or few set are read as they are, for the connection to judge: %s', (_what, value) => {
    // With the lowest reserved bit, once NS (RFC 3540), beside them.
    const bytes = view(segment([], [], { 12: 0x51, 13: value }));
    expect(tcp.check(bytes, 0, 20)).toBe(NONE);
    expect(tcp.flags(bytes, 0)).toBe(value);
    expect(tcp.headerLength(bytes, 0)).toBe(20);
  });

  it('an urgent pointer past the data is a number, and leads nowhere', () => {
    const bytes = segment([], [1], { 13: tcp.Flag.URG | tcp.Flag.ACK, 18: 0xff, 19: 0xff });
    expect(examine(codec, bytes)).toBe(NONE);
    expect(tcp.urgentPointer(view(bytes), 0)).toBe(0xffff);
  });

  it('any single bit that is wrong shows in the checksum', () => {
    const bytes = view(segment(synOptions, [1, 2, 3]));
    const length = bytes.byteLength;
    const start = tcp.pseudoHeaderSum(parseIpv4Address('10.0.0.1'), parseIpv4Address('10.0.0.2'), length);
    tcp.setChecksum(bytes, 0, finishSum(sumBytes(bytes, 0, length, start)));
    for (let bit = 0; bit < 8 * length; bit++) {
      const byte = bytes.getUint8(bit >> 3);
      bytes.setUint8(bit >> 3, byte ^ (1 << (bit & 7)));
      expect(sumBytes(bytes, 0, length, start)).not.toBe(0xffff);
      bytes.setUint8(bit >> 3, byte);
    }
    expect(sumBytes(bytes, 0, length, start)).toBe(0xffff);
  });
});

describe('TCP options that lie', () => {
  const options = new TcpOptions();
  // Each stands behind a window scale, which holds, and before SACK permitted, which is not read when the list is broken.
  const examineOptions = (bytes: readonly number[], behind: readonly number[]) => {
    options.parse(view([3, 3, 5, ...bytes, ...behind]), 0, 3 + bytes.length + behind.length);
    expect(options.windowScale).toBe(5);
  };

  it.each([
    ['a length of 0', [2, 0, 5, 0xb4]],
    ['a length of 1', [8, 1, 0, 0]],
    ['an unknown kind with a length of 0', [254, 0]],
    ['an unknown kind with a length of 1', [254, 1]],
    ['MSS of length 3', [2, 3, 5]],
    ['MSS of length 5', [2, 5, 5, 0xb4, 0]],
    ['MSS of length 2', [2, 2]],
    ['a second MSS of length 3', [2, 4, 5, 0xb4, 2, 3, 5]],
    ['window scale of length 2', [3, 2]],
    ['window scale of length 4', [3, 4, 0, 7]],
    ['SACK permitted of length 3', [4, 3, 0]],
    ['SACK permitted of length 10', [4, 10, ...zeros(8)]],
    ['timestamps of length 2', [8, 2]],
    ['timestamps of length 9', [8, 9, ...zeros(7)]],
    ['timestamps of length 11', [8, 11, ...zeros(9)]],
    ['SACK without a block', [5, 2]],
    ['SACK with half a block', [5, 6, ...zeros(4)]],
    ['SACK with a byte too many', [5, 11, ...zeros(9)]],
    ['SACK with a block and a half', [5, 14, ...zeros(12)]],
  ])('%s: reading stops there, and what came before holds', (_what, option) => {
    examineOptions(option, [4, 2]);
    expect(options.isMalformed).toBe(true);
    expect(options.sackPermitted).toBe(false);
    expect([options.hasTimestamps, options.sackCount]).toEqual([false, 0]);
  });

  it.each([
    ['a kind without a length', [2]],
    ['an unknown kind without a length', [254]],
    ['MSS that ends the header inside its value', [2, 4, 5]],
    ['window scale without its value', [3, 3]],
    ['timestamps without their last byte', [8, 10, ...zeros(7)]],
    ['SACK without its last byte', [5, 18, ...zeros(15)]],
    ['SACK with the five blocks that no header holds', [5, 42, ...zeros(35)]],
    ['a length of 255', [254, 255, ...zeros(35)]],
  ])('%s: reading stays inside the header', (_what, option) => {
    examineOptions(option, []);
    expect(options.isMalformed).toBe(true);
    expect([options.maximumSegmentSize, options.hasTimestamps, options.sackCount]).toEqual([-1, false, 0]);
  });

  it.each([
    ['window scale 255', [3, 3, 255]],
    ['a fast open cookie of 17 bytes', [34, 19, ...zeros(17)]],
    ['a fast open cookie of 1 byte', [34, 3, 0]],
    ['an unknown kind', [254, 4, 0xf9, 0x89]],
    [
      'SACK inverted, empty and wrapping',
      [5, 26, ...[0, 0, 0, 9, 0, 0, 0, 1], ...zeros(8), ...[255, 255, 255, 255, 0, 0, 0, 1]],
    ],
  ])('%s: nothing stops, the next is read', (_what, option) => {
    examineOptions(option, [4, 2]);
    expect(options.isMalformed).toBe(false);
    expect(options.sackPermitted).toBe(true);
  });

  it('more than 40 bytes, should they ever be asked for, are walked once and no more blocks kept than fit', () => {
    const five = [5, 42, ...zeros(40)];
    options.parse(view([...five, 4, 2]), 0, 44);
    expect([options.isMalformed, options.sackCount, options.sackPermitted]).toEqual([true, 0, false]);
  });

  it.each([0, 1, 7, 48, 65_535])('MSS %i is reported as sent, for the sender to clamp', (size) => {
    options.parse(view([2, 4, size >> 8, size & 0xff]), 0, 4);
    expect(options.maximumSegmentSize).toBe(size);
  });

  it('an illegal option does not make the segment one: the header is good, the list is cut', () => {
    const broken = segment([3, 3, 5, 2, 0, 0, 0, 0]);
    expect(examine(codec, broken)).toBe(NONE);
    expect(tcp.parse(view(broken), 0, broken.length)).toMatchObject({ options: [tcpOptions.windowScale(5)] });
  });
});
