import type { AcknowledgementSample } from './acknowledgement-sample.js';
import { type CongestionWindow, MAXIMUM_WINDOW } from './congestion-window.js';
import type { StateExchange } from './state-exchange.js';

// RFC 9406 §4.3; µs.
const MIN_RTT_THRESH = 4000;
const MAX_RTT_THRESH = 16_000;
const MIN_RTT_DIVISOR = 8;
const N_RTT_SAMPLE = 8;
const CSS_GROWTH_DIVISOR = 4;
const CSS_ROUNDS = 5;

/** A round trip longer than any: there was none yet. */
const NONE = 0x7fff_ffff;

/**
 * HyStart++ (RFC 9406): ends the first slow start before it overruns the queue. When the shortest round trip of a round is
 * an eighth longer than that of the round before, the window grows a quarter as fast for up to five rounds (conservative
 * slow start, CSS), and slow start is over; unless the round trips become shorter again, which means that it was jitter.
 *
 * ```
 *   slow start ──► longer by an eighth ──► CSS ──► five rounds ──► congestion avoidance
 *       ▲                                   │
 *       └───────── shorter again ───────────┘
 * ```
 */
export class HyStart {
  /** The round lasts until so much is delivered (windowEnd, counted in bytes delivered instead of sequence numbers). */
  #roundEnd = 0;
  #isInRound = false;
  #lastMinimum = NONE;
  #currentMinimum = NONE;
  #samples = 0;
  /** cssBaselineMinRtt. */
  #baseline = NONE;
  /** Rounds that conservative slow start has yet to last; 0: standard slow start. */
  #roundsLeft = 0;

  reset(): void {
    this.#isInRound = false;
    this.#lastMinimum = NONE;
    this.#currentMinimum = NONE;
    this.#samples = 0;
    this.#baseline = NONE;
    this.#roundsLeft = 0;
  }

  exchange(state: StateExchange): void {
    this.#roundEnd = state.number(this.#roundEnd);
    this.#isInRound = state.flag(this.#isInRound);
    this.#lastMinimum = state.number(this.#lastMinimum);
    this.#currentMinimum = state.number(this.#currentMinimum);
    this.#samples = state.number(this.#samples);
    this.#baseline = state.rare(this.#baseline);
    this.#roundsLeft = state.rare(this.#roundsLeft);
  }

  get isConservative(): boolean {
    return this.#roundsLeft !== 0;
  }

  /**
   * To be told of every acknowledgement before {@link slowStart}, also of those that the window may not grow upon. Lowers
   * `slowStartThreshold` to the window when slow start is over.
   */
  observe(window: CongestionWindow, sample: AcknowledgementSample): void {
    if (!this.#isApplicable(window)) {
      this.#roundsLeft = 0;
      return;
    }
    // What was delivered before this acknowledgement and what was outstanding is all that was ever sent: SND.NXT.
    const sent = (sample.deliveredTotal - sample.deliveredBytes + sample.inFlight) | 0;
    if (!this.#isInRound) {
      this.#isInRound = true;
      this.#roundEnd = sent;
    }
    if (sample.roundTrip >= 0) {
      this.#currentMinimum = Math.min(this.#currentMinimum, sample.roundTrip);
      this.#samples = Math.min(this.#samples + 1, N_RTT_SAMPLE);
    }
    if (this.#samples === N_RTT_SAMPLE) this.#judge();
    if (((sample.deliveredTotal - this.#roundEnd) | 0) >= 0) this.#nextRound(window, sent);
  }

  /** {@link CongestionWindow.slowStart}, a quarter as fast in conservative slow start (RFC 9406 §4.2). */
  slowStart(window: CongestionWindow, acknowledgedBytes: number): number {
    if (this.#roundsLeft === 0 || !this.#isApplicable(window)) return window.slowStart(acknowledgedBytes);
    return window.slowStart(acknowledgedBytes, CSS_GROWTH_DIVISOR);
  }

  /** RFC 9406 §4.3: only the initial slow start, before anything has set a threshold. */
  #isApplicable(window: CongestionWindow): boolean {
    return window.slowStartThreshold === MAXIMUM_WINDOW && !window.isRecovering;
  }

  #judge(): void {
    const current = this.#currentMinimum;
    if (this.#roundsLeft !== 0) {
      if (current >= this.#baseline) return;
      this.#baseline = NONE;
      this.#roundsLeft = 0;
      return;
    }
    const last = this.#lastMinimum;
    if (last === NONE) return;
    const threshold = Math.max(MIN_RTT_THRESH, Math.min((last / MIN_RTT_DIVISOR) | 0, MAX_RTT_THRESH));
    if (((current - threshold) | 0) < last) return;
    this.#baseline = current;
    // The partial round that this begins in counts (RFC 9406 §4.2).
    this.#roundsLeft = CSS_ROUNDS;
  }

  #nextRound(window: CongestionWindow, sent: number): void {
    this.#roundEnd = sent;
    this.#lastMinimum = this.#currentMinimum;
    this.#currentMinimum = NONE;
    this.#samples = 0;
    if (this.#roundsLeft === 0) return;
    this.#roundsLeft--;
    if (this.#roundsLeft === 0) window.slowStartThreshold = Math.max(window.window, window.minimumWindow);
  }
}
