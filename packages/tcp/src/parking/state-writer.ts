import { RareState } from './rare-state.js';
import { FLAG_WORDS, type StateCursor } from './state-cursor.js';

/** Saves state to words. */
export class StateWriter implements StateCursor {
  readonly isSaving = true;
  /** Words used, those of flags included. */
  count = 0;
  readonly rares = new RareState();
  rareWords = 0;
  rareDoubles = 0;
  #words: Int32Array = new Int32Array(0);
  #start = 0;
  #flags = 0;
  readonly #doubles = new Float64Array(1);
  readonly #halves = new Int32Array(this.#doubles.buffer);

  /** The common words begin at `words[start]`; the rare ones go to {@link rares}. */
  begin(words: Int32Array, start: number): void {
    this.#words = words;
    this.#start = start;
    this.#flags = 0;
    this.count = FLAG_WORDS;
    this.rareWords = 0;
    this.rareDoubles = 0;
  }

  number(value: number): number {
    this.#words[(this.#start + this.count) | 0] = value;
    this.count = (this.count + 1) | 0;
    return value;
  }

  rare(value: number): number {
    this.rares.words[this.rareWords] = value;
    this.rareWords = (this.rareWords + 1) | 0;
    return value;
  }

  rareDouble(value: number): number {
    this.rares.doubles[this.rareDoubles] = value;
    this.rareDoubles = (this.rareDoubles + 1) | 0;
    return value;
  }

  flag(value: boolean): boolean {
    const at = (this.#start + (this.#flags >> 5)) | 0;
    const bit = 1 << (this.#flags & 31);
    this.#flags = (this.#flags + 1) | 0;
    if (value) this.#words[at]! |= bit;
    else this.#words[at]! &= ~bit;
    return value;
  }

  double(value: number): number {
    this.#doubles[0] = value;
    this.number(this.#halves[0]!);
    this.number(this.#halves[1]!);
    return value;
  }
}
