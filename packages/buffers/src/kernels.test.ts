import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { sumBytes } from './checksum.js';
import { PacketMemory } from './packet-memory.js';

const memory = PacketMemory.create({ frames: 128, frameSize: 2048 });
const { kernels, view, bytes } = memory;
const start = memory.layout.packetOffset;
const SOURCE = start + 4096;
const TARGET = start + 100_000;

/** Repeatable bytes without a pattern that a lane mix-up would leave unchanged. */
function fillWithNoise(at: number, length: number, seed: number): void {
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) | 0;
    bytes[at + i] = state >>> 24;
  }
}

function naiveSum(at: number, length: number, initial: number): number {
  let sum = initial;
  for (let i = 0; i < length; i++) sum += bytes[at + i]! * ((i & 1) === 0 ? 256 : 1);
  while (sum > 0xffff) sum = Math.floor(sum / 65_536) + (sum % 65_536);
  return sum;
}

describe('sum', () => {
  it('is that of the example in RFC 1071 §3', () => {
    bytes.set([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7], SOURCE);
    expect(kernels.sum(SOURCE, 8, 0)).toBe(0xddf2);
  });

  it('equals sumBytes and the definition for all lengths from 0 to 3,000', () => {
    fillWithNoise(SOURCE, 4096, 1);
    for (let length = 0; length <= 3000; length++) {
      const sum = kernels.sum(SOURCE, length, 0);
      if (sum !== sumBytes(view, SOURCE, length, 0) || sum !== naiveSum(SOURCE, length, 0)) {
        expect.fail(`length ${length}: ${sum} instead of ${naiveSum(SOURCE, length, 0)}`);
      }
    }
  });

  it('does so at every alignment, with any initial sum, and reads nothing beside its range', () => {
    fc.assert(
      fc.property(
        fc.nat(63),
        fc.nat(3000),
        fc.integer({ min: 0, max: 0x7fff_ffff }),
        fc.integer(),
        (alignment, length, initial, seed) => {
          const at = SOURCE + alignment;
          fillWithNoise(at, length, seed);
          const expected = naiveSum(at, length, initial);
          expect(kernels.sum(at, length, initial)).toBe(expected);
          expect(sumBytes(view, at, length, initial)).toBe(expected);
          bytes[at - 1] = ~bytes[at - 1]!;
          bytes[at + length] = ~bytes[at + length]!;
          expect(kernels.sum(at, length, initial)).toBe(expected);
        },
      ),
      { numRuns: 300 },
    );
  });

  it.each([0x00, 0x7f, 0x80, 0xff])('of 64 KiB of bytes %i is right: no lane overflows', (byte) => {
    bytes.fill(byte, SOURCE, SOURCE + 65_536);
    for (const length of [65_535, 65_536]) {
      expect(kernels.sum(SOURCE, length, 0)).toBe(naiveSum(SOURCE, length, 0));
      expect(kernels.sum(SOURCE, length, 0xffff)).toBe(naiveSum(SOURCE, length, 0xffff));
    }
  });

  it('is right up to the 512 KiB it promises', () => {
    const large = PacketMemory.create({ frames: 16, frameSize: 65_536 });
    large.bytes.fill(0xff, large.layout.packetOffset, large.layout.packetOffset + 524_288);
    expect(large.kernels.sum(large.layout.packetOffset, 524_288, 0)).toBe(0xffff);
    large.bytes.fill(0, large.layout.packetOffset, large.layout.packetOffset + 524_288);
    expect(large.kernels.sum(large.layout.packetOffset, 524_288, 0)).toBe(0);
  });
});

describe('copyAndSum', () => {
  it('copies as copy does and sums as sum does, for all lengths from 0 to 3,000, and touches nothing beside', () => {
    fillWithNoise(SOURCE, 4096, 2);
    for (let length = 0; length <= 3000; length++) {
      const to = TARGET + (length & 15);
      const from = SOURCE + ((length >> 2) & 15);
      bytes[to - 1] = 0xee;
      bytes[to + length] = 0xee;
      const sum = kernels.copyAndSum(to, from, length, length);
      if (sum !== kernels.sum(from, length, length) || sum !== kernels.sum(to, length, length)) {
        expect.fail(`length ${length}: sum ${sum} instead of ${kernels.sum(from, length, length)}`);
      }
      const isEqual = Buffer.compare(bytes.subarray(to, to + length), bytes.subarray(from, from + length)) === 0;
      if (!isEqual || bytes[to - 1] !== 0xee || bytes[to + length] !== 0xee) {
        expect.fail(`length ${length}: wrong bytes`);
      }
    }
  });

  it('does so at every alignment of source and target, with any initial sum', () => {
    fc.assert(
      fc.property(
        fc.nat(31),
        fc.nat(31),
        fc.nat(2000),
        fc.nat(0x7fff_ffff),
        fc.integer(),
        (a, b, length, sum, seed) => {
          fillWithNoise(SOURCE + a, length, seed);
          expect(kernels.copyAndSum(TARGET + b, SOURCE + a, length, sum)).toBe(naiveSum(SOURCE + a, length, sum));
          expect(bytes.slice(TARGET + b, TARGET + b + length)).toEqual(bytes.slice(SOURCE + a, SOURCE + a + length));
        },
      ),
      { numRuns: 200 },
    );
  });

  it('does not overflow over 64 KiB of 0xff', () => {
    bytes.fill(0xff, SOURCE, SOURCE + 65_536);
    expect(kernels.copyAndSum(TARGET, SOURCE, 65_536, 0xffff)).toBe(0xffff);
  });
});

it('copy is a memmove: the ranges may overlap either way', () => {
  for (const shift of [-3, 3]) {
    fillWithNoise(SOURCE, 1000, 3);
    const before = bytes.slice(SOURCE, SOURCE + 1000);
    kernels.copy(SOURCE + shift, SOURCE, 1000);
    expect(bytes.slice(SOURCE + shift, SOURCE + shift + 1000)).toEqual(before);
  }
});

it('fill writes its range and nothing else', () => {
  bytes.fill(0, SOURCE, SOURCE + 102);
  kernels.fill(SOURCE + 1, 0x1db, 100);
  expect(bytes[SOURCE]).toBe(0);
  expect(bytes.slice(SOURCE + 1, SOURCE + 101).every((byte) => byte === 0xdb)).toBe(true);
  expect(bytes[SOURCE + 101]).toBe(0);
});

it('traps instead of touching anything beyond the memory', () => {
  const end = memory.buffer.byteLength;
  expect(() => kernels.sum(end - 10, 11, 0)).toThrow(/out of bounds/);
  expect(() => kernels.copy(end - 10, SOURCE, 11)).toThrow(/out of bounds/);
  expect(() => kernels.sum(-0x4000_0000, 20, 0)).toThrow(/out of bounds/);
});
