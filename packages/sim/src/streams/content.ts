/**
 * The bytes of a stream, computed from their position: the receiver knows what must come without having seen it sent, and
 * no byte at the wrong place looks right.
 */
export class StreamContent {
  readonly #seed: number;
  /** Of the whole buffer that was worked on last. */
  #view = new DataView(new ArrayBuffer(0));

  constructor(seed: number) {
    this.#seed = Math.imul(seed, 0x9e3779b1) | 0;
  }

  /** Writes the bytes from `position` of the stream on. */
  fill(target: Uint8Array, at: number, length: number, position: number): void {
    const view = this.#viewOf(target);
    const end = target.byteOffset + at + length;
    let to = target.byteOffset + at;
    let index = Math.floor(position / 4);
    let byte = position - index * 4;
    if (byte !== 0) {
      for (const word = this.#word(index); byte < 4 && to < end; byte++) view.setUint8(to++, word >>> (byte << 3));
      index++;
    }
    for (; to + 4 <= end; to += 4) view.setInt32(to, this.#word(index++), true);
    for (byte = 0; to < end; byte++) view.setUint8(to++, this.#word(index) >>> (byte << 3));
  }

  /** How many of these bytes are those from `position` of the stream on; `length` when all are. */
  match(source: Uint8Array, at: number, length: number, position: number): number {
    const view = this.#viewOf(source);
    const start = source.byteOffset + at;
    const end = start + length;
    let from = start;
    let index = Math.floor(position / 4);
    let byte = position - index * 4;
    for (; byte !== 0 && byte < 4 && from < end; byte++, from++) {
      if (view.getUint8(from) !== ((this.#word(index) >>> (byte << 3)) & 0xff)) return from - start;
    }
    if (byte === 4) index++;
    for (; from + 4 <= end; from += 4, index++) if (view.getInt32(from, true) !== this.#word(index)) break;
    for (byte = 0; byte < 4 && from < end; byte++, from++) {
      if (view.getUint8(from) !== ((this.#word(index) >>> (byte << 3)) & 0xff)) return from - start;
    }
    return from - start;
  }

  #word(index: number): number {
    let word = Math.imul((index ^ this.#seed) + 0x7f4a7c15, 0x85ebca6b);
    word = Math.imul(word ^ (word >>> 15), 0xc2b2ae35);
    return word ^ (word >>> 13);
  }

  #viewOf({ buffer }: Uint8Array): DataView {
    if (this.#view.buffer !== buffer) this.#view = new DataView(buffer as ArrayBuffer);
    return this.#view;
  }
}
