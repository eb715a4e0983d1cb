import { invalidArgument } from '@prism-net/errors';
import type { Instant } from './clock.js';

export interface TokenBucketOptions {
  /** Tokens added per second; may be fractional. 0 means that only the first burst is ever granted. */
  readonly ratePerSecond: number;
  /** How many tokens the bucket holds; it starts full. */
  readonly burst: number;
  readonly now: Instant;
}

/** Credit per token: elapsed microseconds times tokens per second add up to it without a division. */
const TOKEN = 1_000_000;

/** Readings older than the last by at most this are a stale `now`, not a wrap of the clock. */
const STALE_MICROSECONDS = 1 << 20;

/**
 * Limits how often something is done (ICMP errors, ARP requests, log lines) to a rate with a burst.
 *
 * Never grants more than `burst + rate × time`. An idle period of more than 71 minutes counts modulo 2^32 µs, so
 * after it a bucket slower than that may grant later than it could, never earlier.
 */
export class TokenBucket {
  readonly #rate: number;
  readonly #full: number;
  /** A typed array because a double in an object field would be allocated anew at each update. */
  readonly #credit: Float64Array;
  #last: Instant;

  constructor(options: TokenBucketOptions) {
    const { ratePerSecond, burst, now } = options;
    if (!(ratePerSecond >= 0 && ratePerSecond <= 1e9)) {
      throw invalidArgument('TokenBucket', `ratePerSecond must be from 0 to 10^9, not ${ratePerSecond}`);
    }
    if (!(burst >= 1 && burst <= 1e9)) {
      throw invalidArgument('TokenBucket', `burst must be from 1 to 10^9, not ${burst}`);
    }
    this.#rate = ratePerSecond;
    this.#full = burst * TOKEN;
    this.#credit = new Float64Array([this.#full]);
    this.#last = now | 0;
  }

  /** Takes a token if there is one. */
  take(now: Instant): boolean {
    let credit = this.#credit[0]!;
    const passed = (now - this.#last) | 0;
    if (passed > 0 || passed < -STALE_MICROSECONDS) {
      this.#last = now;
      credit += (passed >>> 0) * this.#rate;
      if (credit > this.#full) credit = this.#full;
    }
    const granted = credit >= TOKEN;
    this.#credit[0] = granted ? credit - TOKEN : credit;
    return granted;
  }
}
