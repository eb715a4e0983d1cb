import type { Instant } from '@prism-net/time';

/** BBR.MinRTTFilterLen, µs. */
const FILTER_LENGTH = 10_000_000;
/** BBR.ProbeRTTInterval, µs. */
const PROBE_INTERVAL = 5_000_000;

/** `now` is more than `length` after `then`. Pauses of half an hour and more let the difference wrap, once to below 0. */
export function hasElapsed(then: Instant, length: number, now: Instant): boolean {
  const age = (now - then) | 0;
  return age > length || age < 0;
}

/**
 * BBR.min_rtt: the shortest round trip of the last 10 s, and whether the last 5 s had none as short, so that ProbeRTT is to
 * look for it ("BBR.min_rtt", "ProbeRTT Logic"). µs.
 */
export class MinimumRoundTrip {
  /** 0: not known. */
  value = 0;
  /** BBR.probe_rtt_expired: for as long as {@link PROBE_INTERVAL} nothing as short was seen. */
  isStale = false;
  #since: Instant = 0;
  /** BBR.probe_rtt_min_delay. */
  #recent = 0;
  #recentSince: Instant = 0;

  reset(now: Instant): void {
    this.value = 0;
    this.isStale = false;
    this.#since = now;
    this.#recent = 0;
    this.#recentSince = now;
  }

  /** `roundTrip` is -1 where the acknowledgement has none. */
  update(roundTrip: number, now: Instant): void {
    this.isStale = hasElapsed(this.#recentSince, PROBE_INTERVAL, now);
    if (roundTrip >= 0 && (this.#recent === 0 || roundTrip < this.#recent || this.isStale)) {
      this.#recent = Math.max(roundTrip, 1);
      this.#recentSince = now;
    }
    if (this.#recent === 0) return;
    if (this.value === 0 || this.#recent < this.value || hasElapsed(this.#since, FILTER_LENGTH, now)) {
      this.value = this.#recent;
      this.#since = this.#recentSince;
    }
  }

  /** ProbeRTT is over; the next is due in {@link PROBE_INTERVAL}. */
  restart(now: Instant): void {
    this.#recentSince = now;
  }
}
