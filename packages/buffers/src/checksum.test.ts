import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addWord32, finishSum, foldSum, sum20, sumBytes, updateChecksum16, updateChecksum32 } from './checksum.js';

function viewOf(...bytes: number[]): DataView {
  return new DataView(Uint8Array.from(bytes).buffer);
}

/** RFC 1071 §1 word for word: add, and add the carry round. */
function naiveSum(bytes: Uint8Array, initial: number): number {
  let sum = initial;
  for (let i = 0; i < bytes.length; i += 2) sum += bytes[i]! * 256 + (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = Math.floor(sum / 65_536) + (sum % 65_536);
  return sum;
}

describe('sum', () => {
  it('is that of the example in RFC 1071 §3', () => {
    const view = viewOf(0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7);
    expect(sumBytes(view, 0, 8, 0)).toBe(0xddf2);
    expect(finishSum(0xddf2)).toBe(0x220d);
  });

  it('equals the definition for any bytes, offset and initial sum', () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.nat(7),
        fc.integer({ min: 0, max: 0x7fff_ffff }),
        (bytes, at, initial) => {
          const buffer = new Uint8Array(at + bytes.length).fill(0xa5);
          buffer.set(bytes, at);
          expect(sumBytes(new DataView(buffer.buffer), at, bytes.length, initial)).toBe(naiveSum(bytes, initial));
        },
      ),
    );
  });

  it('pads an odd last byte with zero on its right', () => {
    expect(sumBytes(viewOf(0x12, 0x34, 0x56), 0, 3, 0)).toBe(0x1234 + 0x5600);
    expect(sumBytes(viewOf(0x12, 0x34, 0x56, 0xff), 0, 3, 0)).toBe(0x1234 + 0x5600);
  });

  it('does not overflow over 65,535 bytes of 0xff on top of any folded sum', () => {
    const view = new DataView(new Uint8Array(65_535).fill(0xff).buffer);
    expect(sumBytes(view, 0, 65_535, 0)).toBe(naiveSum(new Uint8Array(65_535).fill(0xff), 0));
    expect(sumBytes(view, 0, 65_534, 0xffff)).toBe(0xffff);
  });

  it('of two parts is the sum of the whole when the first part is even', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), fc.nat(100), (bytes, half) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
        const cut = Math.min(half * 2, bytes.length & ~1);
        const first = sumBytes(view, 0, cut, 0);
        expect(sumBytes(view, cut, bytes.length - cut, first)).toBe(sumBytes(view, 0, bytes.length, 0));
      }),
    );
  });

  it('of a 20-byte header, unrolled, is the same', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 27, maxLength: 27 }), fc.nat(7), (bytes, at) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        expect(sum20(view, at)).toBe(sumBytes(view, at, 20, 0));
      }),
    );
  });

  it('takes an int32 as its two halves', () => {
    expect(foldSum(addWord32(0, 0xc0a8_0001 | 0))).toBe(0xc0a9);
    expect(foldSum(addWord32(0xffff, -1))).toBe(0xffff);
  });

  it('folds every int32 and uint32 as the definition does', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), (sum) => {
        expect(foldSum(sum | 0)).toBe(naiveSum(new Uint8Array(), sum >>> 0));
      }),
    );
    expect([foldSum(0), foldSum(0xffff), foldSum(0x1_0000), foldSum(-1)]).toEqual([0, 0xffff, 1, 0xffff]);
  });
});

describe('incremental update', () => {
  it('is that of the example in RFC 1624 §4, where RFC 1141 gives the wrong zero', () => {
    // The other words of the header sum to 0xcd7a; one field changes from 0x5555 to 0x3285.
    expect(finishSum(0xcd7a + 0x5555)).toBe(0xdd2f);
    expect(updateChecksum16(0xdd2f, 0x5555, 0x3285)).toBe(0x0000);
    expect(finishSum(0xcd7a + 0x3285)).toBe(0x0000);
  });

  it('and back again is what it was (0x0000 → 0xdd2f)', () => {
    expect(updateChecksum16(0x0000, 0x3285, 0x5555)).toBe(0xdd2f);
  });

  it('of a field that stays as it is changes nothing, except that 0xffff becomes its other spelling 0x0000', () => {
    const changed = Array.from({ length: 0xffff }, (_, i) => i).filter(
      (i) => updateChecksum16(i, 0x1234, 0x1234) !== i,
    );
    expect(changed).toEqual([]);
    // 0xffff says that all words are zero, which cannot be while one of them is 0x1234.
    expect(updateChecksum16(0xffff, 0x1234, 0x1234)).toBe(0);
  });

  const words = fc.uint8Array({ minLength: 20, maxLength: 20 }).filter((bytes) => bytes.some((byte) => byte !== 0));

  it('equals the full computation for any change of a 16-bit field, unless everything becomes zero', () => {
    fc.assert(
      fc.property(words, fc.nat(9), fc.nat(0xffff), (bytes, word, after) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const old = finishSum(sumBytes(view, 0, 20, 0));
        const before = view.getUint16(word * 2);
        view.setUint16(word * 2, after);
        fc.pre(bytes.some((byte) => byte !== 0));
        expect(updateChecksum16(old, before, after)).toBe(finishSum(sumBytes(view, 0, 20, 0)));
      }),
    );
  });

  it('takes fields sign-extended or complemented by their reader', () => {
    expect(updateChecksum16(0xdd2f, 0x5555 | ~0xffff, 0x3285 | ~0xffff)).toBe(0x0000);
  });

  it('equals the full computation for any change of a 32-bit field, unless everything becomes zero', () => {
    fc.assert(
      fc.property(words, fc.nat(8), fc.integer(), (bytes, word, after) => {
        const view = new DataView(bytes.buffer, bytes.byteOffset);
        const old = finishSum(sumBytes(view, 0, 20, 0));
        const before = view.getInt32(word * 2);
        view.setInt32(word * 2, after);
        fc.pre(bytes.some((byte) => byte !== 0));
        expect(updateChecksum32(old, before, after)).toBe(finishSum(sumBytes(view, 0, 20, 0)));
      }),
    );
  });

  it('to all zero gives 0x0000 where the full computation gives 0xffff: no IP header is all zero', () => {
    expect(updateChecksum16(finishSum(0x0005), 0x0005, 0x0000)).toBe(0x0000);
    expect(finishSum(0)).toBe(0xffff);
  });
});
