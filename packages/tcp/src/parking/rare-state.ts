import { MOST_WORDS } from './state-cursor.js';

/** What of a connection is nearly always as in a new one. */
export class RareState {
  readonly words: Int32Array;
  readonly doubles: Float64Array;

  constructor(words: Int32Array = new Int32Array(MOST_WORDS), doubles: Float64Array = new Float64Array(MOST_WORDS)) {
    this.words = words;
    this.doubles = doubles;
  }

  get byteLength(): number {
    return this.words.byteLength + this.doubles.byteLength;
  }

  /** The first of each. */
  slice(words: number, doubles: number): RareState {
    return new RareState(this.words.slice(0, words), this.doubles.slice(0, doubles));
  }

  /** Begins as `other` does, as far as that goes. */
  beginsAs(other: RareState): boolean {
    const { words, doubles } = other;
    for (let i = 0; i < words.length; i = (i + 1) | 0) if (this.words[i] !== words[i]) return false;
    for (let i = 0; i < doubles.length; i = (i + 1) | 0) if (this.doubles[i] !== doubles[i]) return false;
    return true;
  }
}
