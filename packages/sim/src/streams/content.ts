/**
 * The bytes of a stream, computed from their position: the receiver knows what must come without having seen it sent, and
 * no byte at the wrong place looks right.
 */
export class StreamContent {
  readonly #seed: number;

  constructor(seed: number) {
    this.#seed = Math.imul(seed, 0x9e3779b1) | 0;
  }

  /** Writes the bytes from `position` of the stream on. */
  fill(target: Uint8Array, at: number, length: number, position: number): void {
    const end = at + length;
    let index = Math.floor(position / 4);
    let skip = position - index * 4;
    while (at < end) {
      const word = this.#word(index);
      for (let byte = skip; byte < 4 && at < end; byte++) target[at++] = word >>> (byte << 3);
      skip = 0;
      index++;
    }
  }

  /** How many of these bytes are those from `position` of the stream on; `length` when all are. */
  match(source: Uint8Array, at: number, length: number, position: number): number {
    const start = at;
    const end = at + length;
    let index = Math.floor(position / 4);
    let skip = position - index * 4;
    while (at < end) {
      const word = this.#word(index);
      for (let byte = skip; byte < 4 && at < end; byte++) {
        if (source[at] !== ((word >>> (byte << 3)) & 0xff)) return at - start;
        at++;
      }
      skip = 0;
      index++;
    }
    return length;
  }

  #word(index: number): number {
    let word = Math.imul((index ^ this.#seed) + 0x7f4a7c15, 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 15), 0xc2b2ae35);
    return word ^ (word >>> 13);
  }
}
