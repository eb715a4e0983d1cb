/**
 * Option bytes may be anything. The view below fails on any read outside of the range that was given, and counts the
 * reads, so that a loop which does not advance is seen; what is read is compared with a second, plainer parser.
 */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TcpOptions, tcpOptions } from './index.js';

class GuardedView extends DataView<ArrayBuffer> {
  begin = 0;
  end = 0;
  reads = 0;

  #guard(at: number, size: number): void {
    this.reads++;
    if (at < this.begin || at + size > this.end)
      throw new Error(`read of ${size} at ${at}: [${this.begin}, ${this.end})`);
  }
  override getUint8(at: number): number {
    this.#guard(at, 1);
    return super.getUint8(at);
  }
  override getUint16(at: number): number {
    this.#guard(at, 2);
    return super.getUint16(at);
  }
  override getInt32(at: number): number {
    this.#guard(at, 4);
    return super.getInt32(at);
  }
}

const AT = 5;
const bytes = new Uint8Array(AT + 48);
const guarded = new GuardedView(bytes.buffer);
const options = new TcpOptions();

/** Every byte is looked at no more often than this: kind, kind again, length, value. */
const READS_PER_BYTE = 4;

/** Parses the first `length` of the bytes at AT. */
function parseGuarded(length: number): void {
  guarded.begin = AT;
  guarded.end = AT + length;
  guarded.reads = 0;
  options.parse(guarded, AT, length);
  if (guarded.reads > READS_PER_BYTE * length) throw new Error(`${guarded.reads} reads of ${length} bytes`);
}

/** What the options say, in one line. */
function summary(): string {
  const { maximumSegmentSize, windowScale, sackPermitted, hasTimestamps, timestampValue, timestampEcho } = options;
  let text = `${maximumSegmentSize} ${windowScale} ${sackPermitted} ${hasTimestamps} ${timestampValue} ${timestampEcho}`;
  for (let index = 0; index < options.sackCount; index++)
    text += ` ${options.sackStart[index]}-${options.sackEnd[index]}`;
  return `${text} ${options.isMalformed}`;
}

const lengths: Record<number, readonly number[]> = { 2: [4], 3: [3], 4: [2], 5: [10, 18, 26, 34], 8: [10] };

/** The same line by taking a list apart, byte by byte. */
function model(input: readonly number[]): string {
  const found = new Map<number, number[]>();
  let rest = [...input];
  let isMalformed = false;
  while (rest.length > 0 && rest[0] !== 0) {
    const [kind = 0, size = 0] = rest;
    if (kind === 1) {
      rest = rest.slice(1);
      continue;
    }
    if (rest.length < 2 || size < 2 || size > rest.length || lengths[kind]?.includes(size) === false) {
      isMalformed = true;
      break;
    }
    if (!found.has(kind)) found.set(kind, rest.slice(2, size));
    rest = rest.slice(size);
  }
  const int32 = (data: readonly number[], at: number) =>
    data.slice(at, at + 4).reduce((value, byte) => value * 256 + byte, 0) | 0;
  const size = found.get(2);
  const stamps = found.get(8);
  const blocks = found.get(5) ?? [];
  let text = `${size === undefined ? -1 : size[0]! * 256 + size[1]!} ${Math.min(found.get(3)?.[0] ?? -1, 14)}`;
  text += ` ${found.has(4)} ${stamps !== undefined} ${int32(stamps ?? [], 0)} ${int32(stamps ?? [], 4)}`;
  for (let at = 0; at < blocks.length; at += 8) text += ` ${int32(blocks, at)}-${int32(blocks, at + 4)}`;
  return `${text} ${isMalformed}`;
}

describe('TCP options of any bytes', () => {
  it('every string of up to 5 bytes that matter is read as the model reads it, and never outside', () => {
    const alphabet = [0, 1, 2, 3, 4, 5, 8, 10, 34, 255];
    let malformed = 0;
    for (let length = 0; length <= 5; length++) {
      const input = new Array<number>(length).fill(0);
      for (let code = 0; code < alphabet.length ** length; code++) {
        for (let index = 0, rest = code; index < length; index++, rest = Math.floor(rest / alphabet.length)) {
          input[index] = alphabet[rest % alphabet.length]!;
          bytes[AT + index] = input[index]!;
        }
        parseGuarded(length);
        if (options.isMalformed) malformed++;
        if (summary() !== model(input)) expect(summary(), `bytes ${input}`).toBe(model(input));
      }
    }
    expect(malformed).toBeGreaterThan(10_000);
  });

  it('every kind with every length, at every distance from the end and behind every other option, stays inside', () => {
    // What lies beyond the end looks like options that go on.
    bytes.fill(8);
    for (const before of [[], [1], [8, 10, 1, 2, 3, 4, 5, 6, 7, 8], [2, 4, 1, 1], [1, 1, 8, 10]]) {
      bytes.set(before, AT);
      const kindAt = AT + before.length;
      for (let kind = 0; kind < 256; kind++) {
        bytes[kindAt] = kind;
        for (let size = 0; size < 256; size++) {
          bytes[kindAt + 1] = size;
          for (const room of [0, 1, 2, 3, 4, 9, 10, 11, 12, 18, 26]) parseGuarded(before.length + room);
        }
      }
      bytes.fill(8);
    }
  });

  it('every change of two bytes of common headers is read as the model reads it', () => {
    const common = [
      [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2],
      [2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 0, 0, 0, 0, 1, 3, 3, 7],
      [1, 1, 5, 18, 0, 0, 0, 5, 0, 0, 0, 6, 0, 0, 0, 8, 0, 0, 0, 9],
    ];
    const values = [0, 1, 2, 3, 5, 8, 10, 255];
    for (const header of common) {
      for (let first = 0; first < header.length; first++) {
        for (let second = first; second < header.length; second++) {
          for (const a of values) {
            for (const b of values) {
              const input = header.with(first, a).with(second, b);
              bytes.set(input, AT);
              parseGuarded(input.length);
              if (summary() !== model(input)) expect(summary(), `bytes ${input}`).toBe(model(input));
            }
          }
        }
      }
    }
  });

  it('random lists, well formed and not, are read as the model reads them', () => {
    const wellFormed = fc
      .constantFrom(2, 3, 4, 5, 8)
      .chain((kind) =>
        fc
          .constantFrom(...lengths[kind]!)
          .chain((size) =>
            fc.uint8Array({ minLength: size - 2, maxLength: size - 2 }).map((data) => [kind, size, ...data]),
          ),
      );
    const piece = fc.oneof(
      { weight: 5, arbitrary: wellFormed },
      { weight: 2, arbitrary: fc.constant([1]) },
      { weight: 1, arbitrary: fc.constant([0]) },
      { weight: 1, arbitrary: fc.uint8Array({ maxLength: 6 }).map((random) => [...random]) },
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 8 }), fc.nat(40), (pieces, cut) => {
        const input = pieces.flat().slice(0, cut);
        bytes.set(input, AT);
        parseGuarded(input.length);
        expect(summary()).toBe(model(input));
      }),
      { numRuns: 5000 },
    );
  });

  it('values are read inside the range, and in as many steps as there are bytes', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 40, size: 'max' }), (input) => {
        bytes.set(input, AT);
        guarded.begin = AT;
        guarded.end = AT + input.length;
        guarded.reads = 0;
        const values = tcpOptions.parse(guarded, AT, input.length);
        expect(guarded.reads).toBeLessThanOrEqual(READS_PER_BYTE * input.length);
        const length = values.reduce((sum, { kind, data }) => sum + (kind === 1 ? 1 : 2 + data.length), 0);
        expect([...tcpOptions.build(values)].slice(0, length)).toEqual([...input.subarray(0, length)]);
      }),
      { numRuns: 2000 },
    );
  });
});
