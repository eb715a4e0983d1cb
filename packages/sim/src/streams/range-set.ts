/** Disjoint ranges of a stream, in order. */
export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];

  add(start: number, end: number): void {
    if (end <= start) return;
    const starts = this.#starts;
    const ends = this.#ends;
    // All that overlap or touch become one.
    let first = starts.length;
    while (first > 0 && ends[first - 1]! >= start) first--;
    let after = first;
    let from = start;
    let to = end;
    while (after < starts.length && starts[after]! <= end) {
      from = Math.min(from, starts[after]!);
      to = Math.max(to, ends[after]!);
      after++;
    }
    starts.splice(first, after - first, from);
    ends.splice(first, after - first, to);
  }

  /** Every position from `start` to `end - 1` is in the set. */
  covers(start: number, end: number): boolean {
    if (end <= start) return true;
    for (let i = this.#starts.length - 1; i >= 0; i--) {
      if (this.#starts[i]! <= start) return this.#ends[i]! >= end;
    }
    return false;
  }

  /** The end of the range that begins at 0; 0 when there is none. */
  get prefix(): number {
    return this.#starts[0] === 0 ? this.#ends[0]! : 0;
  }

  get ranges(): readonly (readonly [number, number])[] {
    return this.#starts.map((start, i) => [start, this.#ends[i]!] as const);
  }
}
