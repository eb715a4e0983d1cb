import type { RateSample } from './rate-sample.js';

/**
 * BBR.max_bw: the largest delivery rate of this ProbeBW cycle and of the one before ("BBR.max_bw Max Filter"), and what of it
 * is to be used. Doubles, bytes per second.
 */
export class BandwidthFilter {
  maximum = 0;
  /** BBR.bw: {@link maximum}, or less by short-term bounds. */
  bandwidth = 0;
  #current = 0;
  #previous = 0;

  reset(): void {
    this.maximum = 0;
    this.bandwidth = 0;
    this.#current = 0;
    this.#previous = 0;
  }

  /** What was limited by the application counts only if it was faster nevertheless. */
  update(sample: RateSample): void {
    if (sample.rate <= 0 || (sample.isLimited && sample.rate < this.maximum)) return;
    if (sample.rate > this.#current) this.#current = sample.rate;
    this.#choose();
  }

  /** AdvanceMaxBwFilter: a cycle is over; its maximum holds for one more. */
  advance(): void {
    // A cycle without any sample does not replace what is known.
    if (this.#current === 0) return;
    this.#previous = this.#current;
    this.#current = 0;
    this.#choose();
  }

  #choose(): void {
    this.maximum = Math.max(this.#current, this.#previous);
  }
}
