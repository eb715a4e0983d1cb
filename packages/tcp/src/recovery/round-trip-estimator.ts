import type { Instant } from '@prism-net/time';
import type { StateCursor } from '../parking/state-cursor.js';

/** No round trip is taken as longer, so that the scaled averages stay int32. */
const LONGEST = 120_000_000;
/** The minimum is that of the present span and the one before: 150 to 300 s (RFC 8985 §6.2 step 1 suggests 5 minutes). */
const SPAN = 150_000_000;

/**
 * Smoothed round trip, its variation, and the retransmission timeout (RFC 6298; RFC 9293 §3.8.1, MUST-18). Everything
 * is int32 microseconds.
 */
export class RoundTripEstimator {
  /** SRTT; 0: not measured yet. */
  smoothed = 0;
  /** RTTVAR. */
  variation = 0;
  /** RTO, backed off. */
  timeout: number;
  /** The last round trip measured; -1: none. */
  latest = -1;
  /** The shortest round trip of the last 150 to 300 s; 0: not measured yet. */
  minimum = 0;
  /** How often the timeout is doubled. */
  backoffs = 0;
  hasSample = false;

  readonly minimumTimeout: number;
  readonly initialTimeout: number;
  readonly maximumTimeout: number;
  readonly clockGranularity: number;

  #unbacked: number;
  /** 8 · SRTT and 4 · RTTVAR: the fractions that 1/8 and 1/4 leave are not lost. */
  #smoothed8 = 0;
  #variation4 = 0;
  /** The greatest deviation from SRTT in the present round trip. */
  #deviation = 0;
  #spanStart: Instant = 0;
  #spanMinimum = 0;
  #earlierMinimum = 0;

  constructor(minimumTimeout: number, initialTimeout: number, maximumTimeout: number, clockGranularity: number) {
    this.minimumTimeout = minimumTimeout;
    this.initialTimeout = initialTimeout;
    this.maximumTimeout = maximumTimeout;
    this.clockGranularity = clockGranularity;
    this.timeout = initialTimeout;
    this.#unbacked = initialTimeout;
  }

  /** As made. */
  reset(): void {
    this.smoothed = 0;
    this.variation = 0;
    this.latest = -1;
    this.minimum = 0;
    this.backoffs = 0;
    this.hasSample = false;
    this.#smoothed8 = 0;
    this.#variation4 = 0;
    this.#deviation = 0;
    this.#limitTimeout(this.initialTimeout);
  }

  exchange(state: StateCursor): void {
    this.smoothed = state.number(this.smoothed);
    this.variation = state.number(this.variation);
    this.timeout = state.number(this.timeout);
    this.latest = state.number(this.latest);
    this.minimum = state.number(this.minimum);
    this.backoffs = state.rare(this.backoffs);
    this.hasSample = state.flag(this.hasSample);
    this.#unbacked = state.number(this.#unbacked);
    this.#smoothed8 = state.number(this.#smoothed8);
    this.#variation4 = state.number(this.#variation4);
    this.#deviation = state.number(this.#deviation);
    this.#spanStart = state.number(this.#spanStart);
    this.#spanMinimum = state.number(this.#spanMinimum);
    this.#earlierMinimum = state.number(this.#earlierMinimum);
  }

  /** Before the first measurement: another initial timeout (RFC 6298 §5.7). */
  reinitialize(timeout: number): void {
    this.backoffs = 0;
    this.#limitTimeout(timeout);
  }

  /** One measurement, µs. */
  sample(roundTrip: number, now: Instant): void {
    this.measure(roundTrip, roundTrip, true, now);
  }

  /**
   * What one acknowledgement measured on the oldest and on the newest segment it covers. The first, with the peer's delay of
   * acknowledgements, makes the timeout; the second the minimum.
   *
   * The averages take one sample per round trip: with one from every acknowledgement they would forget within a fraction of
   * it (RFC 7323 §4.2). Others count when they deviate more. Each ends the back-off (RFC 6298 §5, Karn).
   */
  measure(longest: number, shortest: number, isNewRound: boolean, now: Instant): void {
    const r = Math.min(longest, LONGEST);
    this.latest = shortest;
    this.#updateMinimum(Math.min(shortest, LONGEST), now);
    if (isNewRound || !this.hasSample) {
      this.smooth(r);
      return;
    }
    const deviation = Math.abs((r - this.smoothed) | 0);
    if (deviation > this.#deviation) this.#deviation = deviation;
    if (this.backoffs !== 0) this.resetBackoff();
  }

  /** A measurement too coarse for the minimum, such as that of the timestamps option. µs, not negative. */
  smooth(roundTrip: number): void {
    const r = Math.min(roundTrip, LONGEST);
    if (!this.hasSample) {
      // RFC 6298 §2.2.
      this.hasSample = true;
      this.#smoothed8 = r << 3;
      this.#variation4 = r << 1;
    } else {
      // RFC 6298 §2.3: RTTVAR first, with the old SRTT.
      const error = (r - (this.#smoothed8 >> 3)) | 0;
      const deviation = Math.max(Math.abs(error), this.#deviation);
      this.#variation4 = (this.#variation4 + deviation - (this.#variation4 >> 2)) | 0;
      this.#smoothed8 = (this.#smoothed8 + error) | 0;
    }
    this.#deviation = 0;
    this.smoothed = Math.max(this.#smoothed8 >> 3, 1);
    this.variation = this.#variation4 >> 2;
    this.backoffs = 0;
    // RTO = SRTT + max(G, 4 · RTTVAR).
    this.#limitTimeout((this.smoothed + Math.max(this.clockGranularity, this.#variation4)) | 0);
  }

  #updateMinimum(r: number, now: Instant): void {
    const age = (now - this.#spanStart) | 0;
    if (this.minimum === 0 || age < 0 || age > SPAN) {
      this.#earlierMinimum = this.minimum === 0 || age < 0 || age > 2 * SPAN ? r : this.#spanMinimum;
      this.#spanStart = now;
      this.#spanMinimum = r;
      this.minimum = Math.max(Math.min(r, this.#earlierMinimum), 1);
      return;
    }
    if (r < this.#spanMinimum) this.#spanMinimum = r;
    if (r < this.minimum) this.minimum = Math.max(r, 1);
  }

  /** RFC 6298 §5.5, RFC 9293 §3.8.2, MUST-19: the timer expired. */
  backOff(): void {
    if (this.timeout >= this.maximumTimeout) return;
    this.backoffs = (this.backoffs + 1) | 0;
    this.timeout = Math.min(this.timeout * 2, this.maximumTimeout);
  }

  /** The expiry was spurious: the timeout is as the measurements have it. */
  resetBackoff(): void {
    this.backoffs = 0;
    this.timeout = this.#unbacked;
  }

  #limitTimeout(timeout: number): void {
    // RFC 6298 §2.4, §2.5.
    this.#unbacked = Math.min(Math.max(timeout, this.minimumTimeout), this.maximumTimeout);
    this.timeout = this.#unbacked;
  }
}
