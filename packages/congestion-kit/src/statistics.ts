/** Jain's index of fairness: 1 when all have the same, 1/n when one has all; 1 when nobody has anything. */
export function jainIndex(shares: readonly number[]): number {
  const sum = shares.reduce((total, share) => total + share, 0);
  const squares = shares.reduce((total, share) => total + share * share, 0);
  return squares === 0 ? 1 : (sum * sum) / (shares.length * squares);
}

/** How often a whole number from 0 on was seen, with its mean, percentiles and largest. */
export class Histogram {
  #counts = new Float64Array(1024);
  #samples = 0;
  #sum = 0;
  /** The largest seen. */
  maximum = 0;

  add(value: number): void {
    if (value >= this.#counts.length) {
      const larger = new Float64Array(Math.max(value + 1, 2 * this.#counts.length));
      larger.set(this.#counts);
      this.#counts = larger;
    }
    this.#counts[value]! += 1;
    this.#samples++;
    this.#sum += value;
    if (value > this.maximum) this.maximum = value;
  }

  /** 0 without samples. */
  get mean(): number {
    return this.#samples === 0 ? 0 : this.#sum / this.#samples;
  }

  /** The least value that `share` (0 to 1) of the samples do not exceed. */
  percentile(share: number): number {
    let below = 0;
    for (let value = 0; value <= this.maximum; value++) {
      below += this.#counts[value] ?? 0;
      if (below >= share * this.#samples) return value;
    }
    return this.maximum;
  }
}
