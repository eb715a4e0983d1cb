import type { RateSample } from './rate-sample.js';

/** More bandwidth than this factor is growth. */
const GROWTH = 1.25;
/** So many rounds without growth, and the pipe is full. */
const ROUNDS = 3;

/**
 * Whether sending faster still brings more ("Exiting Acceleration Based on Bandwidth Plateau"): if in three rounds, not
 * limited by the application, the rate has not grown by a quarter, it does not.
 */
export class FullPipe {
  /** BBR.full_bw_now. */
  isFullNow = false;
  /** BBR.full_bw_reached: it was full once. */
  wasReached = false;
  /** BBR.full_bw: bytes per second, a double. */
  #base = 0;
  #rounds = 0;

  reset(): void {
    this.restart();
    this.wasReached = false;
  }

  /** ResetFullBW. */
  restart(): void {
    this.#base = 0;
    this.#rounds = 0;
    this.isFullNow = false;
  }

  /** The same; growth is counted from the sample's rate. */
  restartFrom(sample: RateSample): void {
    this.restart();
    this.#base = sample.rate;
  }

  /** Once per round. */
  update(sample: RateSample): void {
    if (this.isFullNow || sample.isLimited || sample.rate === 0) return;
    if (sample.rate >= this.#base * GROWTH) {
      this.restartFrom(sample);
      return;
    }
    this.#rounds = (this.#rounds + 1) | 0;
    if (this.#rounds < ROUNDS) return;
    this.isFullNow = true;
    this.wasReached = true;
  }
}
