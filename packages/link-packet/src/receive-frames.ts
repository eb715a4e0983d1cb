import type { Packet, PacketPool } from '@prism-net/buffers';

/**
 * Frames of a pool that lie ready for the kernel to write into, in order: a packet takes the first, and more behind it
 * if it is long. What one burst has not used serves the next.
 */
export class ReceiveFrames {
  readonly #pool: PacketPool;
  readonly #packets: Packet[] = [];
  readonly #offsets: Int32Array;
  readonly #at: number;
  readonly #target: number;
  #count = 0;

  /** Keeps `target` frames of `pool` ready, and the offset of each in `words` from index `at` on. */
  constructor(pool: PacketPool, target: number, words: Int32Array, at: number) {
    this.#pool = pool;
    this.#target = target;
    this.#offsets = words;
    this.#at = at;
  }

  /** Frames that lie ready. */
  get count(): number {
    return this.#count;
  }

  frame(index: number): Packet {
    return this.#packets[index]!;
  }

  /** Replaces the first `used` frames, which are somebody else's now, and those that were missing. False: some still are. */
  replace(used: number): boolean {
    const pool = this.#pool;
    let index = 0;
    while (index < used && pool.available !== 0) {
      this.#put(index, pool.take()!);
      index = (index + 1) | 0;
    }
    // The pool is empty: what lies behind moves up.
    const gap = (used - index) | 0;
    if (gap !== 0) {
      this.#count = (this.#count - gap) | 0;
      for (; index < this.#count; index = (index + 1) | 0) this.#put(index, this.#packets[(index + gap) | 0]!);
      return false;
    }
    while (this.#count < this.#target && pool.available !== 0) {
      this.#put(this.#count, pool.take()!);
      this.#count = (this.#count + 1) | 0;
    }
    return this.#count === this.#target;
  }

  /** Gives back all but the first `used`. */
  release(used: number): void {
    for (let index = used; index < this.#count; index++) this.#packets[index]!.release();
    this.#count = 0;
  }

  #put(index: number, packet: Packet): void {
    this.#packets[index] = packet;
    this.#offsets[(this.#at + index) | 0] = packet.base;
  }
}
