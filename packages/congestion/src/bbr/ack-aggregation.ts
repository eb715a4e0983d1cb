import type { Instant } from '@prism-net/time';
import type { BandwidthFilter } from './bandwidth-filter.js';

/** The maximum is that of the last 5 to 10 rounds (BBR.ExtraAckedFilterLen). */
const ROUNDS_PER_SLOT = 5;

/**
 * BBR.extra_acked: by how much acknowledgements that come in heaps run ahead of the bandwidth. The window is larger by that
 * much, so that sending does not stop while a heap gathers. int32 bytes.
 */
export class AckAggregation {
  extra = 0;
  #since: Instant = 0;
  #delivered = 0;
  #current = 0;
  #previous = 0;
  #rounds = 0;

  reset(now: Instant): void {
    this.extra = 0;
    this.#current = 0;
    this.#previous = 0;
    this.#rounds = 0;
    this.restart(now);
  }

  /** Nothing was outstanding: a pause is no heap. */
  restart(now: Instant): void {
    this.#since = now;
    this.#delivered = 0;
  }

  /** UpdateACKAggregation; the sample is cut off at `limit`, the window. In Startup the maximum is of a round only. */
  update(
    filter: BandwidthFilter,
    deliveredBytes: number,
    limit: number,
    isRoundStart: boolean,
    isPipeFull: boolean,
    now: Instant,
  ): void {
    if (isRoundStart) {
      this.#rounds = (this.#rounds + 1) | 0;
      if (!isPipeFull || this.#rounds >= ROUNDS_PER_SLOT) {
        this.#rounds = 0;
        this.#previous = this.#current;
        this.#current = 0;
      }
    }
    const elapsed = (now - this.#since) | 0;
    let expected = filter.bandwidth * elapsed * 1e-6;
    if (elapsed < 0 || this.#delivered <= expected) {
      this.restart(now);
      expected = 0;
    }
    this.#delivered = Math.min((this.#delivered + deliveredBytes) | 0, limit + deliveredBytes);
    const extra = Math.min(Math.max(Math.floor(this.#delivered - expected), 0), limit) | 0;
    if (extra > this.#current) this.#current = extra;
    this.extra = Math.max(this.#current, this.#previous);
  }
}
