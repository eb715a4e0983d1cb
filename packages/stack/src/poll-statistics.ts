import { elapsed, type Instant } from '@prism-net/time';

const BUCKETS = 32;

/** How regularly a stack was polled: the pauses an application would have seen as latency. */
export interface PollStatistics {
  readonly polls: number;
  /** Polls that found packets, timers or ready sockets. */
  readonly workingPolls: number;
  /** Longest time between the starts of two polls since the last snapshot, in microseconds. */
  readonly longestGapMicroseconds: number;
  /** gaps[i] polls came less than 2^i µs after the one before (and not less than 2^(i-1)). Trailing zeros are left out. */
  readonly gaps: readonly number[];
}

/** Counts polls and the gaps between them: no clock reading of its own, no allocation. */
export class PollCounter {
  readonly #gaps = new Float64Array(BUCKETS);
  readonly #counts = new Float64Array(2);
  #longest = 0;
  #last: Instant;

  constructor(now: Instant) {
    this.#last = now;
  }

  count(now: Instant, work: number): void {
    const gap = elapsed(now, this.#last);
    this.#last = now;
    this.#counts[0]! += 1;
    if (work > 0) this.#counts[1]! += 1;
    if (gap < 0) return;
    if (gap > this.#longest) this.#longest = gap;
    this.#gaps[32 - Math.clz32(gap)]! += 1;
  }

  snapshot(): PollStatistics {
    const longestGapMicroseconds = this.#longest;
    this.#longest = 0;
    const used = this.#gaps.findLastIndex((count) => count > 0) + 1;
    return {
      polls: this.#counts[0]!,
      workingPolls: this.#counts[1]!,
      longestGapMicroseconds,
      gaps: Array.from(this.#gaps.subarray(0, used)),
    };
  }
}
