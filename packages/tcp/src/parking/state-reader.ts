import type { RareState } from './rare-state.js';
import { FLAG_WORDS, type StateCursor, type StateLayout } from './state-cursor.js';

/**
 * Restores state from words. Every connection begins with it, about two hundred fields each: methods and their fields are
 * such that V8 inlines all of them (bytecode of at most 27 bytes, which `++` keeps shorter than `| 0`).
 */
export class StateReader implements StateCursor {
  readonly isSaving = false;
  private words: Int32Array = new Int32Array(FLAG_WORDS);
  private start = 0;
  private at = 0;
  private rareWords: Int32Array = this.words;
  private rareAt = 0;
  private rareDoubles: Float64Array = new Float64Array(0);
  private rareDoubleAt = 0;
  /** Those of {@link #flagWords}, one by one. */
  private readonly flags = new Array<boolean>(32 * FLAG_WORDS).fill(false);
  private flagAt = 0;
  readonly #flagWords = new Int32Array(FLAG_WORDS);
  readonly #doubles = new Float64Array(1);
  readonly #halves = new Int32Array(this.#doubles.buffer);

  /** The common words begin at `words[start]`. */
  begin(words: Int32Array, start: number, rares: RareState): void {
    this.words = words;
    this.start = start;
    this.at = (start + FLAG_WORDS) | 0;
    this.rareWords = rares.words;
    this.rareAt = 0;
    this.rareDoubles = rares.doubles;
    this.rareDoubleAt = 0;
    this.flagAt = 0;
    // New connections have the same ones over and over.
    for (let i = 0; i < FLAG_WORDS; i = (i + 1) | 0) {
      const word = words[(start + i) | 0]!;
      if (word !== this.#flagWords[i]) this.#unpackFlags(i, word);
    }
  }

  number(): number {
    return this.words[this.at++]!;
  }

  rare(): number {
    return this.rareWords[this.rareAt++]!;
  }

  rareDouble(): number {
    return this.rareDoubles[this.rareDoubleAt++]!;
  }

  flag(): boolean {
    return this.flags[this.flagAt++]!;
  }

  double(): number {
    return this.#join(this.number(), this.number());
  }

  hasDone(layout: StateLayout): boolean {
    return (
      this.at - this.start === layout.words &&
      this.flagAt === layout.flags &&
      this.rareAt === layout.rareWords &&
      this.rareDoubleAt === layout.rareDoubles
    );
  }

  #unpackFlags(index: number, word: number): void {
    this.#flagWords[index] = word;
    for (let bit = 0; bit < 32; bit = (bit + 1) | 0) this.flags[32 * index + bit] = ((word >>> bit) & 1) !== 0;
  }

  #join(low: number, high: number): number {
    this.#halves[0] = low;
    this.#halves[1] = high;
    return this.#doubles[0]!;
  }
}
