import type { Packet } from '@prism-net/buffers';

/** Bytes of each frame that enter the digest one by one; the rest enters through its internet checksum. */
const EXACT_BYTES = 96;

/**
 * A running hash of every frame and the time and place it was seen: equal digests mean that two runs were the same. Not
 * cryptographic. Beyond its first 96 bytes a frame is represented by its length and its internet checksum.
 */
export class FrameDigest {
  /** Frames that entered. */
  frames = 0;
  #high = 0x6a09e667;
  #low = 0x3c6ef372;

  add(place: number, time: number, packet: Packet): void {
    this.frames += 1;
    this.#mix(place);
    this.#mix(time | 0);
    this.#mix(Math.floor(time / 4294967296));
    const length = packet.totalLength;
    this.#mix(length);
    const { view, offset } = packet;
    const end = offset + Math.min(packet.length, EXACT_BYTES);
    let at = offset;
    for (const last = end - 3; at < last; at = (at + 4) | 0) this.#mix(view.getInt32(at));
    for (; at < end; at = (at + 1) | 0) this.#mix(view.getUint8(at));
    if (length > EXACT_BYTES) this.#mix(packet.sum(0));
  }

  /** 64 bits as 16 hexadecimal digits. */
  toString(): string {
    return hexadecimal(this.#high) + hexadecimal(this.#low);
  }

  /** Two lanes of multiply and rotate, each word in both. */
  #mix(word: number): void {
    const high = Math.imul(this.#high ^ word, 0x85ebca6b);
    this.#high = ((high << 13) | (high >>> 19)) + 0x52dce729;
    const low = Math.imul(this.#low ^ word, 0xc2b2ae35);
    this.#low = (((low << 15) | (low >>> 17)) + this.#high) | 0;
  }
}

function hexadecimal(word: number): string {
  return (word >>> 0).toString(16).padStart(8, '0');
}
