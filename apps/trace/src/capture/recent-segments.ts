import type { TcpFrame } from './tcp-frame.js';

/** Segments remembered; a power of two. */
const SIZE = 64;

/** Tells a copy of a packet, made by the network or by the capture, from data sent again: a copy has the same IP identification. */
export class RecentSegments {
  readonly #identifications = new Int32Array(SIZE).fill(-1);
  readonly #sequences = new Int32Array(SIZE);
  readonly #lengths = new Int32Array(SIZE);
  #next = 0;

  /** Whether this very packet was added lately. False for packets without an identification: IPv6, and many with DF. */
  has({ identification, sequence, length }: TcpFrame): boolean {
    if (identification <= 0) return false;
    for (let index = 0; index < SIZE; index++) {
      const isSame = this.#identifications[index] === identification && this.#sequences[index] === sequence;
      if (isSame && this.#lengths[index] === length) return true;
    }
    return false;
  }

  add({ identification, sequence, length }: TcpFrame): void {
    const index = this.#next++ & (SIZE - 1);
    this.#identifications[index] = identification;
    this.#sequences[index] = sequence;
    this.#lengths[index] = length;
  }
}
