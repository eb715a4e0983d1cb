import type { StateExchange } from '@prism-net/congestion';

/** Words before the others that hold flags, one bit each. */
const FLAG_WORDS = 2;
const RARE_WORDS = 256;

/** Saves state to words, and restores it from them: one list of fields for both ways. */
export class StateCursor implements StateExchange {
  /** Saving; else restoring. */
  isSaving = false;
  /** Words used, those of flags included. */
  count = 0;
  /** What is nearly always as in a new object. */
  readonly rareWords = new Int32Array(RARE_WORDS);
  rareCount = 0;
  #words: Int32Array = this.rareWords;
  #start = 0;
  #flags = 0;
  readonly #doubles = new Float64Array(1);
  readonly #halves = new Int32Array(this.#doubles.buffer);

  /** The common words begin at `words[start]`; the rare ones are in {@link rareWords}. */
  begin(isSaving: boolean, words: Int32Array, start: number): void {
    this.isSaving = isSaving;
    this.#words = words;
    this.#start = start;
    this.#flags = 0;
    this.count = FLAG_WORDS;
    this.rareCount = 0;
  }

  number(value: number): number {
    const at = (this.#start + this.count) | 0;
    this.count = (this.count + 1) | 0;
    if (!this.isSaving) return this.#words[at]!;
    this.#words[at] = value;
    return value;
  }

  rare(value: number): number {
    const at = this.rareCount;
    this.rareCount = (at + 1) | 0;
    if (!this.isSaving) return this.rareWords[at]!;
    this.rareWords[at] = value;
    return value;
  }

  flag(value: boolean): boolean {
    const at = (this.#start + (this.#flags >> 5)) | 0;
    const bit = 1 << (this.#flags & 31);
    this.#flags = (this.#flags + 1) | 0;
    if (!this.isSaving) return (this.#words[at]! & bit) !== 0;
    if (value) this.#words[at]! |= bit;
    else this.#words[at]! &= ~bit;
    return value;
  }

  double(value: number): number {
    const at = (this.#start + this.count) | 0;
    this.count = (this.count + 2) | 0;
    if (!this.isSaving) return this.#join(this.#words[at]!, this.#words[at + 1]!);
    this.#doubles[0] = value;
    this.#words[at] = this.#halves[0]!;
    this.#words[at + 1] = this.#halves[1]!;
    return value;
  }

  rareDouble(value: number): number {
    const at = this.rareCount;
    this.rareCount = (at + 2) | 0;
    if (!this.isSaving) return this.#join(this.rareWords[at]!, this.rareWords[at + 1]!);
    this.#doubles[0] = value;
    this.rareWords[at] = this.#halves[0]!;
    this.rareWords[at + 1] = this.#halves[1]!;
    return value;
  }

  #join(low: number, high: number): number {
    this.#halves[0] = low;
    this.#halves[1] = high;
    return this.#doubles[0]!;
  }
}
