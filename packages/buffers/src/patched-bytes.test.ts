import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { finishSum, foldSum } from './checksum.js';
import { PacketMemory } from './packet-memory.js';
import { PatchedBytes } from './patched-bytes.js';

const memory = PacketMemory.create({ frames: 2, frameSize: 512 });
const AT = memory.layout.packetOffset + 64;
const MIRROR = AT + 200;
/** What stands in front of the payload in a checksum, never zero: a pseudo-header. */
const INITIAL = 0x1234;

function patched(bytes: Uint8Array, mirrored = true): PatchedBytes {
  memory.write(AT, bytes, 0, bytes.length);
  memory.write(MIRROR, bytes, 0, bytes.length);
  const patches = new PatchedBytes(memory);
  patches.at = AT;
  patches.length = bytes.length;
  patches.mirror = mirrored ? MIRROR : -1;
  patches.sum = memory.sum(AT, bytes.length, INITIAL);
  return patches;
}

const patch = fc.record({
  kind: fc.constantFrom(8, 16, 32, 64, 0),
  place: fc.nat(),
  high: fc.integer(),
  low: fc.oneof(fc.integer(), fc.constantFrom(0, -1, 0xffff, 0xffff_ffff, 0x1_0000_0000, -0.5)),
  bytes: fc.uint8Array({ maxLength: 120 }),
  littleEndian: fc.boolean(),
});

describe('patches', () => {
  it('leave the bytes a DataView would, in both copies, and the sum of a full count', () => {
    const size = fc.uint8Array({ minLength: 1, maxLength: 150 });
    fc.assert(
      fc.property(size, fc.array(patch, { minLength: 1, maxLength: 20 }), (bytes, changes) => {
        const patches = patched(bytes);
        const model = new DataView(bytes.slice().buffer);
        for (const { kind, place, high, low, bytes: given, littleEndian } of changes) {
          const width = kind === 0 ? Math.min(given.length, bytes.length) : kind / 8;
          if (width > bytes.length) continue;
          const offset = place % (bytes.length - width + 1);
          if (kind === 8) {
            patches.setUint8(offset, low);
            model.setUint8(offset, low);
          } else if (kind === 16) {
            patches.setUint16(offset, low, littleEndian);
            model.setUint16(offset, low, littleEndian);
          } else if (kind === 32) {
            patches.setUint32(offset, low, littleEndian);
            model.setUint32(offset, low, littleEndian);
          } else if (kind === 64) {
            patches.setUint64(offset, high, low, littleEndian);
            model.setUint32(littleEndian ? offset + 4 : offset, high, littleEndian);
            model.setUint32(littleEndian ? offset : offset + 4, low, littleEndian);
          } else {
            patches.setBytes(offset, given, given.length - width, width);
            new Uint8Array(model.buffer).set(given.subarray(given.length - width), offset);
          }
          expect(finishSum(foldSum(patches.sum))).toBe(finishSum(memory.sum(AT, bytes.length, INITIAL)));
        }
        const expected = new Uint8Array(model.buffer);
        expect(memory.bytes.slice(AT, AT + bytes.length)).toEqual(expected);
        expect(memory.bytes.slice(MIRROR, MIRROR + bytes.length)).toEqual(expected);
      }),
    );
  });

  it('change nothing elsewhere when there is no second copy', () => {
    const patches = patched(new Uint8Array(8), false);
    patches.setUint32(0, 0x0102_0304);
    expect(memory.bytes.slice(AT, AT + 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
    expect(memory.bytes.slice(MIRROR, MIRROR + 4)).toEqual(new Uint8Array(4));
  });
});

describe('what is refused', () => {
  const hostile = [-1, 8, 2 ** 31, -(2 ** 31), 2 ** 32, 0.5, Number.NaN, Number.POSITIVE_INFINITY];

  it.each(hostile)('an offset of %s throws EINVAL and changes nothing', (offset) => {
    const patches = patched(new Uint8Array(8).fill(7));
    const before = memory.bytes.slice(AT - 64, AT + 264);
    const { sum } = patches;
    for (const change of [
      () => patches.setUint8(offset, 1),
      () => patches.setUint16(offset, 1),
      () => patches.setUint32(offset, 1),
      () => patches.setUint64(offset, 1, 1),
      () => patches.setBytes(offset, Uint8Array.of(1)),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
    expect(memory.bytes.slice(AT - 64, AT + 264)).toEqual(before);
    expect(patches.sum).toBe(sum);
  });

  it('a value that would reach beyond the end, and bytes that are not there', () => {
    const patches = patched(new Uint8Array(8));
    for (const change of [
      () => patches.setUint16(7, 1),
      () => patches.setUint32(5, 1),
      () => patches.setUint64(1, 1, 1),
      () => patches.setBytes(6, new Uint8Array(3)),
      () => patches.setBytes(0, new Uint8Array(3), 2, 2),
      () => patches.setBytes(0, new Uint8Array(3), -1, 2),
      () => patches.setBytes(0, new Uint8Array(3), 0, -1),
      () => patches.setBytes(0, new Uint8Array(3), 0.5, 1),
    ]) {
      expect(change).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    }
  });

  it('nothing, silently, once the bytes are given up', () => {
    const patches = patched(Uint8Array.of(1, 2, 3, 4));
    patches.forget();
    patches.setUint8(0, 9);
    patches.setUint32(0, 9);
    patches.setBytes(100, Uint8Array.of(9));
    expect(memory.bytes.slice(AT, AT + 4)).toEqual(Uint8Array.of(1, 2, 3, 4));
  });
});
