/** Sequence numbers of one sender, counted from its first byte of data without wrapping. */
export class SequenceSpace {
  #isAnchored = false;
  #raw = 0;
  #relative = 0;

  get isAnchored(): boolean {
    return this.#isAnchored;
  }

  /** Fixes that the sequence number `raw`, an int32, is byte `relative`. */
  anchor(raw: number, relative: number): void {
    this.#isAnchored = true;
    this.#raw = raw;
    this.#relative = relative;
  }

  /** Moves the anchor, so that it stays within 2^31 of what comes. */
  advance(count: number): void {
    this.#raw = (this.#raw + count) | 0;
    this.#relative += count;
  }

  /** The byte number of a sequence number, which must be less than 2^31 away from the anchor. */
  relative(raw: number): number {
    return this.#relative + ((raw - this.#raw) | 0);
  }
}
