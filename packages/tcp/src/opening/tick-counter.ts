import type { Instant } from '@prism-net/time';

/** Readings older than the last by at most this are a stale `now`, not a wrap of the clock. */
const STALE_MICROSECONDS = 1 << 20;

/**
 * Counts ticks of a clock past the point, after 71.6 minutes, where an `Instant` starts again: the count is int32 and
 * never runs back. It is exact while read at least once in 71 minutes; when it was not, it is short by a multiple of
 * 2^32 µs.
 */
export class TickCounter {
  /** Ticks since the first reading, modulo 2^32. */
  count = 0;
  readonly #tick: number;
  #countedAt: Instant = 0;
  #isStarted = false;

  constructor(tickMicroseconds: number) {
    this.#tick = tickMicroseconds;
  }

  read(now: Instant): number {
    if (!this.#isStarted) {
      this.#isStarted = true;
      this.#countedAt = now;
    }
    const passed = (now - this.#countedAt) | 0;
    if (passed >= 0 || passed < -STALE_MICROSECONDS) {
      const ticks = ((passed >>> 0) / this.#tick) | 0;
      this.#countedAt = (this.#countedAt + Math.imul(ticks, this.#tick)) | 0;
      this.count = (this.count + ticks) | 0;
    }
    return this.count;
  }
}
