import { existsSync, readFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { CaptureBytes } from './capture-bytes.testkit.js';
import { type CaptureReader, openCapture } from './capture-reader.js';

interface Seen {
  readonly data: number[];
  readonly originalLength: number;
  readonly time: [number, number];
  readonly linkType: number;
}

function readAll(reader: CaptureReader): Seen[] {
  const seen: Seen[] = [];
  while (reader.next()) {
    seen.push({
      data: [...reader.bytes.subarray(reader.offset, reader.offset + reader.capturedLength)],
      originalLength: reader.originalLength,
      time: [reader.timestampSeconds, reader.timestampNanoseconds],
      linkType: reader.linkType,
    });
  }
  return seen;
}

const orders: [string, boolean][] = [
  ['little-endian', true],
  ['big-endian', false],
];

describe.each(orders)('pcap, %s', (_, littleEndian) => {
  const file = (magic: number): CaptureBytes =>
    new CaptureBytes(littleEndian).word(magic).half(2, 4).word(0, 0, 65_535, 0x1c000001);

  it('reads microseconds, nanoseconds and packets captured short', () => {
    const micro = file(0xa1b2c3d4).word(0xf0000000, 999_999, 3, 3).raw([1, 2, 3]).word(5, 7, 1, 1500).raw([9]);
    expect(readAll(openCapture(micro.toBytes()))).toEqual([
      { data: [1, 2, 3], originalLength: 3, time: [0xf0000000, 999_999_000], linkType: 1 },
      { data: [9], originalLength: 1500, time: [5, 7000], linkType: 1 },
    ]);
    const nano = file(0xa1b23c4d).word(5, 999_999_999, 1, 1).raw([1]);
    expect(readAll(openCapture(nano.toBytes()))[0]!.time).toEqual([5, 999_999_999]);
  });

  it('reads a part of a larger buffer', () => {
    const inner = file(0xa1b2c3d4).word(5, 7, 2, 2).raw([8, 9]).toBytes();
    const outer = new Uint8Array(inner.length + 20).fill(0xee);
    outer.set(inner, 7);
    expect(readAll(openCapture(outer.subarray(7, 7 + inner.length)))[0]!.data).toEqual([8, 9]);
  });

  it('names the byte where a file is cut off or wrong, and then ends', () => {
    const whole = file(0xa1b2c3d4).word(5, 7, 4, 4).raw([1, 2, 3, 4]).toBytes();
    for (const [length, message] of [
      [10, /byte 10: the file ends inside the pcap header/],
      [30, /byte 24: the file ends inside a record header/],
      [43, /byte 24: a packet of 4 bytes does not fit into the 3 left/],
    ] as const) {
      const read = (): CaptureReader => openCapture(whole.subarray(0, length));
      expect(() => readAll(read())).toThrow(message);
    }
    const reader = openCapture(whole.subarray(0, 43));
    expect(() => reader.next()).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(reader.next()).toBe(false);
    const huge = file(0xa1b2c3d4).word(5, 7, 0xffffffff, 4).toBytes();
    expect(() => readAll(openCapture(huge))).toThrow(/packet of 4294967295 bytes/);
    const old = new CaptureBytes(littleEndian).word(0xa1b2c3d4).half(7, 4).word(0, 0, 0, 1);
    expect(() => openCapture(old.toBytes())).toThrow(/byte 4: pcap version 7/);
  });
});

describe.each(orders)('pcapng, %s', (_, littleEndian) => {
  const start = (): CaptureBytes => new CaptureBytes(littleEndian).section();

  it('reads packets of several interfaces, each with its link type and resolution', () => {
    const bytes = start()
      .interface(1, 0)
      .interface(113, 0, 9)
      .interface(1, 0, 0x80 | 10, 1_700_000_000)
      .interface(1, 0, 12)
      .interface(1, 0, 3, -3600)
      .packet(0, 1_700_000_000_123_456n, [1, 2, 3])
      .packet(1, 1_700_000_000_123_456_789n, [4], 60)
      .packet(2, (7n << 10n) | 512n, [5])
      .packet(3, 5_000_000_001_999n, [6])
      .packet(4, 3_600_001n, [7])
      .toBytes();
    expect(readAll(openCapture(bytes))).toEqual([
      { data: [1, 2, 3], originalLength: 3, time: [1_700_000_000, 123_456_000], linkType: 1 },
      { data: [4], originalLength: 60, time: [1_700_000_000, 123_456_789], linkType: 113 },
      { data: [5], originalLength: 1, time: [1_700_000_007, 500_000_000], linkType: 1 },
      { data: [6], originalLength: 1, time: [5, 1], linkType: 1 },
      { data: [7], originalLength: 1, time: [0, 1_000_000], linkType: 1 },
    ]);
  });

  it('splits every timestamp exactly', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }), fc.integer({ min: 0, max: 9 }), (time, exponent) => {
        const [seen] = readAll(openCapture(start().interface(1, 0, exponent).packet(0, time, [0]).toBytes()));
        const units = 10n ** BigInt(exponent);
        const seconds = Number(time / units);
        const nanoseconds = Number((time % units) * (1_000_000_000n / units));
        expect(seen!.time).toEqual([seconds, nanoseconds]);
      }),
    );
  });

  it('reads simple and old packet blocks, and skips blocks it does not know', () => {
    const make = (): CaptureBytes => new CaptureBytes(littleEndian);
    const bytes = start()
      .interface(1, 4)
      .block(5, make().word(1, 2, 3))
      .block(0x80000001, make())
      .block(3, make().word(6).raw([1, 2, 3, 4]))
      .block(3, make().word(2).raw([5, 6]))
      .block(2, make().half(0, 9).word(0, 3_000_001, 2, 70).raw([7, 8]))
      .toBytes();
    expect(readAll(openCapture(bytes))).toEqual([
      { data: [1, 2, 3, 4], originalLength: 6, time: [0, 0], linkType: 1 },
      { data: [5, 6], originalLength: 2, time: [0, 0], linkType: 1 },
      { data: [7, 8], originalLength: 70, time: [3, 1000], linkType: 1 },
    ]);
  });

  it('starts anew with each section, which may have the other byte order', () => {
    const second = new CaptureBytes(!littleEndian).section().interface(113, 0).packet(0, 1n, [2]).toBytes();
    const bytes = start().interface(1, 0).interface(1, 0).packet(1, 0n, [1]).raw(second).toBytes();
    const reader = openCapture(bytes);
    expect(readAll(reader).map(({ linkType }) => linkType)).toEqual([1, 113]);
    reader.rewind();
    expect(readAll(reader)).toHaveLength(2);
    const third = new CaptureBytes(littleEndian).section().packet(1, 0n, [1]).toBytes();
    expect(() => readAll(openCapture(start().interface(1, 0).interface(1, 0).raw(third).toBytes()))).toThrow(
      /interface 1 is not described in this section/,
    );
  });

  it('names the byte where a block is wrong', () => {
    const make = (): CaptureBytes => new CaptureBytes(littleEndian);
    const withInterface = (): CaptureBytes => start().interface(1, 0);
    const at = withInterface().length;
    const cases: [CaptureBytes, RegExp][] = [
      [withInterface().word(6), /the file ends inside a block header/],
      [withInterface().word(6, 0, 0), /a block cannot be 0 bytes long/],
      [withInterface().word(6, 13, 0, 0), /a block cannot be 13 bytes long/],
      [withInterface().word(6, 0xfffffffc, 0), /a block of 4294967292 bytes does not fit into the 12 left/],
      [withInterface().word(99, 16, 0, 12), /the block length 16 is not repeated/],
      [withInterface().block(6, make().word(0, 0, 0, 100, 100)), /a packet of 100 bytes does not fit/],
      [withInterface().block(6, make().word(0, 0, 0)), /a packet block cannot be 24 bytes long/],
      [withInterface().block(3, make()), /a simple packet block cannot be 12 bytes long/],
      [withInterface().packet(1, 0n, []), /interface 1 is not described/],
      [withInterface().block(1, make().word(1)), /an interface description cannot be 16 bytes long/],
      [withInterface().block(0x0a0d0d0a, make().word(0x1a2b3c4d)), /a section header cannot be 16 bytes long/],
    ];
    for (const [bytes, message] of cases) {
      const read = (): unknown => readAll(openCapture(bytes.toBytes()));
      expect(read).toThrow(message);
      expect(read).toThrow(`byte ${at}: `);
    }
    const option = withInterface().block(1, make().half(1, 0).word(0).half(9, 50).word(0)).toBytes();
    expect(() => readAll(openCapture(option))).toThrow(`byte ${at + 16}: an option of 50 bytes`);
    const version = make().block(0x0a0d0d0a, make().word(0x1a2b3c4d).half(2, 0).word(0, 0)).toBytes();
    expect(() => readAll(openCapture(version))).toThrow(/byte 12: pcapng version 2/);
  });
});

describe('captures', () => {
  it('says what is wrong with files of other kinds', () => {
    expect(() => openCapture(new Uint8Array(3))).toThrow(/3 bytes are too short/);
    expect(() => openCapture(Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0))).toThrow(/compressed with gzip/);
    expect(() => openCapture(Uint8Array.of(1, 2, 3, 4))).toThrow(/0x01020304 starts neither a pcap nor a pcapng file/);
    expect(() => openCapture(Uint8Array.of(0x0a, 0x0d, 0x0d, 0x0a))).toThrow(/ends inside the section header/);
    expect(() => openCapture(new CaptureBytes(true).word(0x0a0d0d0a, 28, 1, 2, 3, 4, 28).toBytes())).toThrow(
      /byte 8: not the byte-order magic/,
    );
  });

  it('always ends, inside the bytes and with EINVAL at worst, whatever is changed or cut off', () => {
    const pcapng = new CaptureBytes(true).section().interface(1, 4, 9, 1);
    const pcap = new CaptureBytes(false).word(0xa1b2c3d4).half(2, 4).word(0, 0, 65_535, 1);
    for (let i = 0; i < 4; i++) {
      pcapng.packet(0, 5n, [1, 2, 3, 4, 5]).block(3, new CaptureBytes(true).word(2).raw([5, 6]));
      pcap.word(5, 7, 3, 3).raw([1, 2, 3]);
    }
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 6 });
    fc.assert(
      fc.property(fc.constantFrom(pcapng.toBytes(), pcap.toBytes()), changes, fc.nat(), (whole, changed, cut) => {
        const bytes = whole.slice(0, whole.length - (cut % 50));
        for (const [at, value] of changed) bytes[at % bytes.length] = value;
        try {
          const reader = openCapture(bytes);
          let packets = 0;
          while (reader.next()) {
            expect(++packets).toBeLessThan(bytes.length / 12);
            expect(reader.capturedLength).toBeGreaterThanOrEqual(0);
            expect(reader.offset + reader.capturedLength).toBeLessThanOrEqual(bytes.length);
          }
        } catch (error) {
          if ((error as { code?: string }).code !== 'EINVAL') throw error;
        }
      }),
      { numRuns: 3000 },
    );
  });

  const real = new URL('../../../../../shared/data/iex-tops16.pcapng.gz', import.meta.url);
  it.runIf(existsSync(real))('reads all 13,022 UDP datagrams of a real capture', () => {
    const reader = openCapture(gunzipSync(readFileSync(real)));
    const { bytes } = reader;
    let datagrams = 0;
    let last = 0;
    let backwards = 0;
    while (reader.next()) {
      const { offset, capturedLength } = reader;
      if (reader.linkType !== 1 || capturedLength < 42) continue;
      const etherType = (bytes[offset + 12]! << 8) | bytes[offset + 13]!;
      if (etherType === 0x0800 && bytes[offset + 23] === 17) datagrams++;
      const time = reader.timestampSeconds + reader.timestampNanoseconds / 1e9;
      if (time < last) backwards++;
      last = time;
    }
    expect(datagrams).toBe(13_022);
    expect(backwards).toBe(0);
    expect(new Date(last * 1000).getUTCFullYear()).toBeGreaterThan(2015);
  });
});
