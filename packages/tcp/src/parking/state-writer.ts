import { RareState } from './rare-state.js';
import { FLAG_WORDS, MOST_WORDS, type StateCursor, type StateLayout } from './state-cursor.js';

/** Saves state to words of its own. What does not fit is counted, and lost. */
export class StateWriter implements StateCursor {
  readonly isSaving = true;
  /** Words used, those of flags included. */
  count = 0;
  readonly words = new Int32Array(MOST_WORDS);
  readonly rares = new RareState();
  rareWords = 0;
  rareDoubles = 0;
  #flags = 0;
  readonly #doubles = new Float64Array(1);
  readonly #halves = new Int32Array(this.#doubles.buffer);

  begin(): void {
    this.#flags = 0;
    this.count = FLAG_WORDS;
    this.rareWords = 0;
    this.rareDoubles = 0;
  }

  number(value: number): number {
    this.words[this.count] = value;
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
    const at = this.#flags >> 5;
    const bit = 1 << (this.#flags & 31);
    this.#flags = (this.#flags + 1) | 0;
    if (value) this.words[at]! |= bit;
    else this.words[at]! &= ~bit;
    return value;
  }

  double(value: number): number {
    this.#doubles[0] = value;
    this.number(this.#halves[0]!);
    this.number(this.#halves[1]!);
    return value;
  }

  /** What the state took. */
  get layout(): StateLayout {
    return { words: this.count, flags: this.#flags, rareWords: this.rareWords, rareDoubles: this.rareDoubles };
  }

  /** Nothing was lost. */
  get isWhole(): boolean {
    const most = Math.max(this.count, this.rareWords, this.rareDoubles);
    return most <= MOST_WORDS && this.#flags <= 32 * FLAG_WORDS;
  }

  hasDone(layout: StateLayout): boolean {
    return (
      this.count === layout.words &&
      this.#flags === layout.flags &&
      this.rareWords === layout.rareWords &&
      this.rareDoubles === layout.rareDoubles
    );
  }
}
