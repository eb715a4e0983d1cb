import { invalidArgument } from '@prism-net/errors';
import { foldSum, sumBytes } from './checksum.js';
import type { PacketMemory } from './packet-memory.js';

/**
 * Bytes in packet memory that are changed in places while their sum is kept, from the difference alone (RFC 1624 §3,
 * equation 3): what a frame that is sent again and again with other values in it is patched by. Values are big-endian
 * unless told otherwise, and cut to the width of their field, as those of a `DataView` are.
 *
 * Nothing is allocated. An offset at which the value would not lie wholly within the bytes throws EINVAL and changes
 * nothing; once the bytes are given up ({@link forget}) patches are ignored.
 */
export class PatchedBytes {
  readonly memory: PacketMemory;
  /** First of the bytes. In a checksum they begin a 16-bit word. */
  at = 0;
  /** Number of bytes; -1: given up. */
  length = -1;
  /** First byte of a second copy, kept equal; -1: none. */
  mirror = -1;
  /** The one's complement sum of what the bytes are summed up with, folded to at most 17 bits; the patches are added to it. */
  sum = 0;
  readonly #view: DataView;

  constructor(memory: PacketMemory) {
    this.memory = memory;
    this.#view = memory.view;
  }

  setUint8(offset: number, value: number): void {
    if ((offset | 0) !== offset || offset < 0 || offset >= this.length) {
      this.#refuse(offset, 1);
      return;
    }
    const view = this.#view;
    const at = (this.at + offset) | 0;
    const before = view.getUint8(at);
    const after = value & 0xff;
    view.setUint8(at, after);
    if (this.mirror >= 0) view.setUint8((this.mirror + offset) | 0, after);
    // The byte at an even offset is the upper one of its word.
    const shift = (~offset & 1) << 3;
    this.#add((~(before << shift) & 0xffff) + (after << shift));
  }

  setUint16(offset: number, value: number, littleEndian = false): void {
    if ((offset | 0) !== offset || offset < 0 || offset > this.length - 2) {
      this.#refuse(offset, 2);
      return;
    }
    const view = this.#view;
    const at = (this.at + offset) | 0;
    const before = view.getUint16(at);
    const after = littleEndian ? swap16(value & 0xffff) : value & 0xffff;
    view.setUint16(at, after);
    if (this.mirror >= 0) view.setUint16((this.mirror + offset) | 0, after);
    this.#addAt(offset, (~before & 0xffff) + after);
  }

  setUint32(offset: number, value: number, littleEndian = false): void {
    if ((offset | 0) !== offset || offset < 0 || offset > this.length - 4) {
      this.#refuse(offset, 4);
      return;
    }
    this.#setWord(offset, littleEndian ? swap32(value | 0) : value | 0);
  }

  /** 64 bits as two words of 32: the more and the less significant. A `BigInt` would be allocated. */
  setUint64(offset: number, high: number, low: number, littleEndian = false): void {
    if ((offset | 0) !== offset || offset < 0 || offset > this.length - 8) {
      this.#refuse(offset, 8);
      return;
    }
    this.#setWord(offset, littleEndian ? swap32(low | 0) : high | 0);
    this.#setWord((offset + 4) | 0, littleEndian ? swap32(high | 0) : low | 0);
  }

  /** Copies `length` bytes of `bytes`, from its byte `start` on. */
  setBytes(offset: number, bytes: Uint8Array, start = 0, length = bytes.length - start): void {
    if (
      (offset | 0) !== offset ||
      (length | 0) !== length ||
      offset < 0 ||
      length < 0 ||
      offset > this.length - length
    ) {
      this.#refuse(offset, length);
      return;
    }
    if ((start | 0) !== start || start < 0 || start > bytes.length - length) {
      throw invalidArgument('setBytes', `${length} bytes from ${start} on do not lie in an array of ${bytes.length}`);
    }
    const at = (this.at + offset) | 0;
    const before = this.#sum(at, length);
    this.memory.write(at, bytes, start, length);
    if (this.mirror >= 0) this.memory.copy((this.mirror + offset) | 0, at, length);
    this.#addAt(offset, (~before & 0xffff) + this.#sum(at, length));
  }

  /** The bytes belong to somebody else from now on. */
  forget(): void {
    this.length = -1;
    this.mirror = -1;
  }

  #setWord(offset: number, after: number): void {
    const view = this.#view;
    const at = (this.at + offset) | 0;
    const before = view.getInt32(at);
    view.setInt32(at, after);
    if (this.mirror >= 0) view.setInt32((this.mirror + offset) | 0, after);
    this.#addAt(offset, (~before >>> 16) + (~before & 0xffff) + (after >>> 16) + (after & 0xffff));
  }

  /** What starts at an odd offset contributes its sum with the bytes swapped (RFC 1071 §2 (B)). */
  #addAt(offset: number, difference: number): void {
    this.#add((offset & 1) === 0 ? difference : swap16(foldSum(difference)));
  }

  #add(difference: number): void {
    const sum = (this.sum + difference) | 0;
    this.sum = ((sum >>> 16) + (sum & 0xffff)) | 0;
  }

  #sum(at: number, length: number): number {
    return length < 64 ? sumBytes(this.#view, at, length, 0) : this.memory.sum(at, length, 0);
  }

  #refuse(offset: number, length: number): void {
    if (this.length < 0) return;
    throw invalidArgument('template', `${length} bytes at ${offset} do not lie within its ${this.length}`);
  }
}

function swap16(value: number): number {
  return ((value & 0xff) << 8) | (value >>> 8);
}

function swap32(value: number): number {
  return (value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24);
}
