/**
 * Which of `levels` price levels hold orders: one bit per level, and one summary bit per word of 32 levels. The next
 * occupied level is found by count-leading-zeros in at most three words plus the summary words in between, of which
 * there are `levels` / 1024 in all.
 */
export class LevelBitmap {
  readonly levels: number;
  readonly #words: Int32Array;
  readonly #summary: Int32Array;

  /** `levels`: a positive multiple of 1024. */
  constructor(levels: number) {
    this.levels = levels;
    this.#words = new Int32Array(levels >>> 5);
    this.#summary = new Int32Array(levels >>> 10);
  }

  set(level: number): void {
    const word = level >>> 5;
    this.#words[word] = this.#words[word]! | (1 << (level & 31));
    this.#summary[word >>> 5] = this.#summary[word >>> 5]! | (1 << (word & 31));
  }

  clear(level: number): void {
    const word = level >>> 5;
    const left = this.#words[word]! & ~(1 << (level & 31));
    this.#words[word] = left;
    if (left === 0) this.#summary[word >>> 5] = this.#summary[word >>> 5]! & ~(1 << (word & 31));
  }

  /** The lowest occupied level ≥ `level`, or `levels` if there is none. */
  atOrAbove(level: number): number {
    if (level >= this.levels) return this.levels;
    let word = level >>> 5;
    // A shift by n keeps the bits from n upwards in place when it is done on the mask.
    let bits = this.#words[word]! & (-1 << (level & 31));
    if (bits !== 0) return (word << 5) + lowestBit(bits);
    word++;
    let group = word >>> 5;
    if (group >= this.#summary.length) return this.levels;
    bits = this.#summary[group]! & (-1 << (word & 31));
    while (bits === 0) {
      if (++group === this.#summary.length) return this.levels;
      bits = this.#summary[group]!;
    }
    word = (group << 5) + lowestBit(bits);
    return (word << 5) + lowestBit(this.#words[word]!);
  }

  /** The highest occupied level ≤ `level`, or -1 if there is none. */
  atOrBelow(level: number): number {
    if (level < 0) return -1;
    let word = level >>> 5;
    let bits = this.#words[word]! & (-1 >>> (31 - (level & 31)));
    if (bits !== 0) return (word << 5) + 31 - Math.clz32(bits);
    if (--word < 0) return -1;
    let group = word >>> 5;
    bits = this.#summary[group]! & (-1 >>> (31 - (word & 31)));
    while (bits === 0) {
      if (--group < 0) return -1;
      bits = this.#summary[group]!;
    }
    word = (group << 5) + 31 - Math.clz32(bits);
    return (word << 5) + 31 - Math.clz32(this.#words[word]!);
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}
