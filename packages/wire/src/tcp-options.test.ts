import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as tcpOptions from './tcp-options.js';

const { Kind, TcpOptions } = tcpOptions;
const view = (...bytes: number[]) => new DataView(Uint8Array.from(bytes).buffer);

/** What a segment's options say, as a plain object. */
const read = (options: tcpOptions.TcpOptions) => ({
  maximumSegmentSize: options.maximumSegmentSize,
  windowScale: options.windowScale,
  sackPermitted: options.sackPermitted,
  timestamps: options.hasTimestamps ? [options.timestampValue, options.timestampEcho] : null,
  sack: Array.from({ length: options.sackCount }, (_, index) => [options.sackStart[index], options.sackEnd[index]]),
  isMalformed: options.isMalformed,
});
const none = {
  maximumSegmentSize: -1,
  windowScale: -1,
  sackPermitted: false,
  timestamps: null as number[] | null,
  sack: [] as (number | undefined)[][],
  isMalformed: false,
};
const parse = (...bytes: number[]) => {
  const options = new TcpOptions();
  options.parse(view(...bytes), 0, bytes.length);
  return read(options);
};

describe('TCP options in place', () => {
  // RFC 9293 §3.1, MUST-4: "end", "no operation", and below the MSS of a SYN.
  it('are absent when there are none, and behind "end"', () => {
    expect(read(new TcpOptions())).toEqual(none);
    expect(parse()).toEqual(none);
    expect(parse(1, 1, 1, 1)).toEqual(none);
    expect(parse(0, 2, 4, 5)).toEqual(none);
    expect(parse(1, 0, 2, 0)).toEqual(none);
  });

  // RFC 9293 §3.1, MUST-4.
  it('reads those of a SYN', () => {
    const syn = [2, 4, 5, 0xb4, 4, 2, 8, 10, 0x89, 0xab, 0xcd, 0xef, 0, 0, 0, 0, 1, 3, 3, 7];
    expect(parse(...syn)).toEqual({
      ...none,
      maximumSegmentSize: 1460,
      sackPermitted: true,
      timestamps: [0x89abcdef | 0, 0],
      windowScale: 7,
    });
  });

  it('reads timestamps alone, aligned or not, the same (RFC 9293 MUST-64)', () => {
    const data = [0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 1];
    const expected = { ...none, timestamps: [-2, -0x7fff_ffff] };
    expect(parse(1, 1, 8, 10, ...data)).toEqual(expected);
    expect(parse(8, 10, ...data, 1, 1)).toEqual(expected);
    expect(parse(8, 10, ...data, 0, 0)).toEqual(expected);
    expect(parse(1, 8, 10, ...data, 1)).toEqual(expected);
  });

  it.each([1, 2, 3, 4])('reads %i SACK blocks', (count) => {
    const bytes = [5, 2 + 8 * count];
    for (let block = 1; block <= count; block++) bytes.push(0xff, 0, 0, block, 0, 0, 0, block);
    const blocks = Array.from({ length: count }, (_, index) => [(0xff000001 + index) | 0, index + 1]);
    expect(parse(...bytes)).toEqual({ ...none, sack: blocks });
  });

  it('skips kinds it does not know (RFC 9293 MUST-6)', () => {
    expect(parse(34, 2, 254, 5, 9, 9, 9, 19, 18, ...new Array(16).fill(7), 3, 3, 2)).toEqual({
      ...none,
      windowScale: 2,
    });
  });

  it('keeps the first of two of a kind', () => {
    expect(parse(2, 4, 1, 0, 2, 4, 2, 0)).toEqual({ ...none, maximumSegmentSize: 256 });
    expect(parse(2, 4, 0, 0, 2, 4, 2, 0)).toEqual({ ...none, maximumSegmentSize: 0 });
    expect(parse(3, 3, 0, 3, 3, 9)).toEqual({ ...none, windowScale: 0 });
    expect(parse(4, 2, 4, 2)).toEqual({ ...none, sackPermitted: true });
    expect(parse(8, 10, 0, 0, 0, 1, 0, 0, 0, 2, 8, 10, 0, 0, 0, 3, 0, 0, 0, 4)).toEqual({
      ...none,
      timestamps: [1, 2],
    });
    expect(parse(5, 10, 0, 0, 0, 1, 0, 0, 0, 2, 5, 18, ...new Array(16).fill(9))).toEqual({ ...none, sack: [[1, 2]] });
  });

  it('takes a window scale above 14 as 14 (RFC 7323 §2.3)', () => {
    expect([0, 1, 13, 14, 15, 16, 31, 32, 255].map((shift) => parse(3, 3, shift).windowScale)).toEqual([
      0, 1, 13, 14, 14, 14, 14, 14, 14,
    ]);
  });

  it('forgets one segment before it reads the next', () => {
    const everything = [2, 4, 5, 0xb4, 3, 3, 7, 4, 2, 8, 10, ...new Array(8).fill(1), 5, 10, ...new Array(8).fill(2)];
    const options = new TcpOptions();
    for (const next of [[], [1], [8], [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2], [3, 3, 1]]) {
      options.parse(view(...everything, 8, 1), 0, everything.length + 2);
      expect(read(options)).toEqual({
        maximumSegmentSize: 1460,
        windowScale: 7,
        sackPermitted: true,
        timestamps: [0x01010101, 0x01010101],
        sack: [[0x02020202, 0x02020202]],
        isMalformed: true,
      });
      options.parse(view(...next), 0, next.length);
      expect(read(options)).toEqual(parse(...next));
    }
  });
});

describe('TCP options written in place', () => {
  const written = (write: (bytes: DataView, at: number) => number) => {
    const bytes = new DataView(new Uint8Array(50).fill(0xee).buffer);
    const length = write(bytes, 3);
    const all = [...new Uint8Array(bytes.buffer)];
    expect(all.slice(0, 3)).toEqual([0xee, 0xee, 0xee]);
    expect(all.slice(3 + length).every((byte) => byte === 0xee)).toBe(true);
    return all.slice(3, 3 + length);
  };

  it('are these bytes and no others, a multiple of 4', () => {
    expect(written((bytes, at) => tcpOptions.writeMaximumSegmentSize(bytes, at, 0x1_05b4))).toEqual([2, 4, 5, 0xb4]);
    expect(written((bytes, at) => tcpOptions.writeWindowScale(bytes, at, 14))).toEqual([1, 3, 3, 14]);
    expect(written(tcpOptions.writeSackPermitted)).toEqual([1, 1, 4, 2]);
    expect(written((bytes, at) => tcpOptions.writeTimestamps(bytes, at, -2, 0x01020304))).toEqual([
      1, 1, 8, 10, 0xff, 0xff, 0xff, 0xfe, 1, 2, 3, 4,
    ]);
    expect(written((bytes, at) => tcpOptions.writeSackPermittedTimestamps(bytes, at, 1, 0))).toEqual([
      4, 2, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0,
    ]);
    const [starts, ends] = [Int32Array.of(-1, 5, 9, 13), Int32Array.of(1, 6, 10, 14)];
    expect(written((bytes, at) => tcpOptions.writeSack(bytes, at, starts, ends, 2))).toEqual([
      1, 1, 5, 18, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0, 0, 5, 0, 0, 0, 6,
    ]);
  });

  it('are read back: a SYN, a segment with data, and one with as many blocks as fit', () => {
    fc.assert(
      fc.property(
        fc.nat(0xffff),
        fc.nat(14),
        fc.integer(),
        fc.integer(),
        fc.array(fc.tuple(fc.integer(), fc.integer()), { minLength: 1, maxLength: 4 }),
        (size, shift, value, echo, blocks) => {
          const bytes = new DataView(new ArrayBuffer(40));
          const options = new TcpOptions();
          let length = tcpOptions.writeMaximumSegmentSize(bytes, 0, size);
          length += tcpOptions.writeSackPermittedTimestamps(bytes, length, value, echo);
          length += tcpOptions.writeWindowScale(bytes, length, shift);
          options.parse(bytes, 0, length);
          expect(read(options)).toEqual({
            maximumSegmentSize: size,
            windowScale: shift,
            sackPermitted: true,
            timestamps: [value, echo],
            sack: [],
            isMalformed: false,
          });
          options.parse(bytes, 0, tcpOptions.writeTimestamps(bytes, 0, value, echo));
          expect(read(options)).toEqual({ ...none, timestamps: [value, echo] });
          const starts = Int32Array.from(blocks, ([start]) => start);
          const ends = Int32Array.from(blocks, ([, end]) => end);
          options.parse(bytes, 0, tcpOptions.writeSack(bytes, 0, starts, ends, blocks.length));
          expect(read(options)).toEqual({ ...none, sack: blocks });
          length = tcpOptions.writeTimestamps(bytes, 0, value, echo);
          const beside = Math.min(3, blocks.length);
          options.parse(bytes, 0, length + tcpOptions.writeSack(bytes, length, starts, ends, beside));
          expect(read(options)).toEqual({ ...none, timestamps: [value, echo], sack: blocks.slice(0, beside) });
        },
      ),
    );
  });
});

describe('TCP options as values', () => {
  it('are built as the bytes of their RFCs, each with a length (RFC 9293 MUST-68), padded with zeros (MUST-69)', () => {
    const build = (...options: tcpOptions.TcpOptionValue[]) => [...tcpOptions.build(options)];
    expect(build(tcpOptions.maximumSegmentSize(1460))).toEqual([2, 4, 5, 0xb4]);
    expect(build(tcpOptions.windowScale(255), tcpOptions.noOperation())).toEqual([3, 3, 255, 1]);
    expect(build(tcpOptions.sackPermitted(), tcpOptions.end(), tcpOptions.noOperation())).toEqual([4, 2, 0, 1]);
    expect(build(tcpOptions.sack([[0xffffffff, 1]]))).toEqual([5, 10, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 1, 0, 0]);
    expect(build(tcpOptions.timestamps(-2, 0x80000000))).toEqual([8, 10, 0xff, 0xff, 0xff, 0xfe, 0x80, 0, 0, 0, 0, 0]);
    expect(build(tcpOptions.fastOpen(Uint8Array.of(9, 8, 7, 6)))).toEqual([34, 6, 9, 8, 7, 6, 0, 0]);
    expect(build()).toEqual([]);
  });

  it('say in place what they say as values', () => {
    const bytes = tcpOptions.build([
      tcpOptions.windowScale(3),
      tcpOptions.sack([[-5, 7]]),
      tcpOptions.timestamps(1, 2),
    ]);
    expect(parse(...bytes)).toEqual({ ...none, windowScale: 3, sack: [[-5, 7]], timestamps: [1, 2] });
  });

  it('end where "end" or an impossible length is (RFC 9293 MUST-7)', () => {
    const list = (...bytes: number[]) => tcpOptions.parse(view(...bytes), 0, bytes.length);
    const first = [{ kind: 3, data: Uint8Array.of(9) }];
    for (const rest of [[], [0], [0, 2, 4, 1, 1], [2, 0], [2, 1], [2], [2, 255], [2, 4, 1]]) {
      expect(list(3, 3, 9, ...rest)).toEqual(first);
    }
    // Lengths that are wrong for their kind are shown: tools want to see them.
    expect(list(2, 3, 1)).toEqual([{ kind: Kind.MAXIMUM_SEGMENT_SIZE, data: Uint8Array.of(1) }]);
  });

  it('refuses to build what cannot be sent', () => {
    const refusal = expect.objectContaining({ code: 'EINVAL' });
    expect(() => tcpOptions.build([{ kind: 254, data: new Uint8Array(39) }])).toThrow(refusal);
    expect(() => tcpOptions.build([{ kind: Kind.NOP, data: new Uint8Array(1) }])).toThrow(refusal);
    expect(() => tcpOptions.build([{ kind: Kind.END, data: new Uint8Array(1) }])).toThrow(refusal);
    expect(tcpOptions.build([{ kind: 254, data: new Uint8Array(38) }])).toHaveLength(tcpOptions.MAXIMUM_LENGTH);
  });
});
