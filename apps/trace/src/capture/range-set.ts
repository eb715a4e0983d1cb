/** Ranges of numbers, `start` to before `end`, disjoint and in order. Bounded: where there are too many, the lowest is forgotten. */
export class RangeSet {
  readonly #starts: number[] = [];
  readonly #ends: number[] = [];
  readonly #maximum: number;
  #total = 0;

  constructor(maximum = 1024) {
    this.#maximum = maximum;
  }

  /** Numbers in all ranges together. */
  get total(): number {
    return this.#total;
  }

  /** Adds a range and returns how many numbers of it were not there. */
  add(start: number, end: number): number {
    if (!(end > start)) return 0;
    const before = this.#total;
    // The ranges it touches become one with it.
    const first = this.#firstEndingFrom(start);
    let last = first;
    let low = start;
    let high = end;
    for (; last < this.#starts.length && this.#starts[last]! <= end; last++) {
      low = Math.min(low, this.#starts[last]!);
      high = Math.max(high, this.#ends[last]!);
      this.#total -= this.#ends[last]! - this.#starts[last]!;
    }
    this.#starts.splice(first, last - first, low);
    this.#ends.splice(first, last - first, high);
    this.#total += high - low;
    const added = this.#total - before;
    if (this.#starts.length > this.#maximum) this.#total -= this.#ends.shift()! - this.#starts.shift()!;
    return added;
  }

  /** How many numbers of a range are there. */
  overlap(start: number, end: number): number {
    let sum = 0;
    for (let index = this.#firstEndingFrom(start); index < this.#starts.length; index++) {
      if (this.#starts[index]! >= end) break;
      sum += Math.max(0, Math.min(end, this.#ends[index]!) - Math.max(start, this.#starts[index]!));
    }
    return sum;
  }

  removeBelow(limit: number): void {
    let count = 0;
    while (count < this.#starts.length && this.#ends[count]! <= limit) {
      this.#total -= this.#ends[count]! - this.#starts[count]!;
      count++;
    }
    if (count > 0) {
      this.#starts.splice(0, count);
      this.#ends.splice(0, count);
    }
    const first = this.#starts[0];
    if (first === undefined || first >= limit) return;
    this.#total -= limit - first;
    this.#starts[0] = limit;
  }

  /** The first range that ends at or behind `start`. */
  #firstEndingFrom(start: number): number {
    let low = 0;
    let high = this.#ends.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#ends[middle]! < start) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}
