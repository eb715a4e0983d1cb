import type { Packet, PacketPool } from '@prism-net/buffers';

/**
 * Where the data of a received packet begins in its first frame: the IP header on a 4-byte boundary, and the text of a TCP
 * segment with timestamps on one of 64, as in the frames behind it: the kernel copies fastest that way.
 */
export const FIRST_OFFSET = 254;

/**
 * Frames taken from the pool for the kernel to fill. A stack: what was released last, and is still in the cache, is
 * filled first.
 */
export class FillList {
  /** First byte of each frame, for the addon. */
  readonly bases: Int32Array;
  /** Frames in the list. */
  count = 0;
  readonly #packets: Packet[] = [];
  readonly #pool: PacketPool;
  readonly #frameSize: number;

  constructor(pool: PacketPool, capacity: number) {
    this.#pool = pool;
    this.#frameSize = pool.memory.layout.frameSize;
    this.bases = new Int32Array(capacity);
  }

  /** Takes as many frames as there is room for. */
  fill(): void {
    const pool = this.#pool;
    while (this.count < this.bases.length && pool.available > 0) {
      const packet = pool.take()!;
      this.#packets[this.count] = packet;
      this.bases[this.count] = packet.base;
      this.count = (this.count + 1) | 0;
    }
  }

  /** The packet of `length` bytes that the addon has read into the frames at the end of the list; now the caller's. */
  take(length: number): Packet {
    const first = this.#pop();
    first.offset = (first.base + FIRST_OFFSET) | 0;
    const room = (this.#frameSize - FIRST_OFFSET) | 0;
    if (length <= room) {
      first.length = Math.max(length, 0);
      return first;
    }
    first.length = room;
    let last = first;
    for (let left = (length - room) | 0; left > 0; left = (left - last.length) | 0) {
      const next = this.#pop();
      next.offset = next.base;
      next.length = Math.min(left, this.#frameSize);
      last.nextSegment = next;
      last = next;
    }
    return first;
  }

  /** Gives all frames back. */
  clear(): void {
    while (this.count > 0) this.#pop().release();
  }

  #pop(): Packet {
    this.count = (this.count - 1) | 0;
    return this.#packets[this.count]!;
  }
}

/** Frames of `frameSize` bytes that a packet of `length` bytes may need. */
export function framesFor(length: number, frameSize: number): number {
  return 1 + Math.ceil(Math.max(0, length - (frameSize - FIRST_OFFSET)) / frameSize);
}
