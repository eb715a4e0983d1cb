import { type CongestionWindow, MAXIMUM_WINDOW } from './congestion-window.js';
import type { StateExchange } from './state-exchange.js';

/** C in segments per second³ (RFC 9438 §5.1). */
const C = 0.4;
/** α_cubic = 3 (1 - β_cubic) / (1 + β_cubic) (RFC 9438 §4.3). */
const ALPHA = (3 * (1 - 0.7)) / (1 + 0.7);

/**
 * One congestion avoidance stage of CUBIC: the variables of RFC 9438 §4.1.2, in bytes, and the growth of the window.
 * They are doubles, and stay in this object: V8 writes such fields in place.
 */
export class CubicEpoch {
  /** W_max; 0: undefined, as before the first congestion. */
  maximum = 0;
  /** cwnd_prior: the window when the threshold was last set. */
  priorWindow = 0;
  /** The stage has begun: what follows holds. */
  hasStarted = false;
  /** K, seconds. */
  timeToMaximum = 0;
  /** t in µs: time in congestion avoidance in which the window was what limited. Past 2^31 after 36 minutes. */
  elapsed = 0;
  /** W_est: the window of a Reno flow. */
  renoWindow = 0;
  /** Growth of less than a byte that the window has not got yet. */
  fraction = 0;

  reset(): void {
    this.maximum = 0;
    this.priorWindow = 0;
    this.hasStarted = false;
    this.timeToMaximum = 0;
    this.elapsed = 0;
    this.renoWindow = 0;
    this.fraction = 0;
  }

  copy(from: CubicEpoch): void {
    this.maximum = from.maximum;
    this.priorWindow = from.priorWindow;
    this.hasStarted = from.hasStarted;
    this.timeToMaximum = from.timeToMaximum;
    this.elapsed = from.elapsed;
    this.renoWindow = from.renoWindow;
    this.fraction = from.fraction;
  }

  exchange(state: StateExchange): void {
    this.maximum = state.rareDouble(this.maximum);
    this.priorWindow = state.rareDouble(this.priorWindow);
    this.hasStarted = state.flag(this.hasStarted);
    this.timeToMaximum = state.rareDouble(this.timeToMaximum);
    this.elapsed = state.rareDouble(this.elapsed);
    this.renoWindow = state.rareDouble(this.renoWindow);
    this.fraction = state.rareDouble(this.fraction);
  }

  /** Congestion at `window`: the next acknowledgement in congestion avoidance begins a new stage. */
  end(window: number, maximum: number): void {
    this.priorWindow = window;
    this.maximum = maximum;
    this.hasStarted = false;
  }

  /** `elapsed` in µs since the last acknowledgement, `roundTrip` the smoothed one in µs. */
  avoidCongestion(window: CongestionWindow, acknowledgedBytes: number, elapsed: number, roundTrip: number): void {
    const segment = window.maximumSegmentSize;
    const current = window.window;
    if (this.hasStarted) this.elapsed += elapsed;
    else this.#start(current, segment);

    // A share of a window's acknowledgements, so that stretched ones and split ones (RFC 5681 §3.1) come to the same.
    const share = Math.min(acknowledgedBytes / current, 1);
    // RFC 9438 §4.3, figure 4; α is 1 once Reno would have the window back that it had.
    this.renoWindow += (this.renoWindow < this.priorWindow ? ALPHA : 1) * segment * share;

    const coefficient = C * segment;
    const now = this.elapsed * 1e-6 - this.timeToMaximum;
    // RFC 9438 §4.3: the Reno-friendly region.
    if (coefficient * now * now * now + this.maximum < this.renoWindow) {
      if (this.renoWindow > current) {
        window.window = Math.floor(Math.min(this.renoWindow, MAXIMUM_WINDOW));
        this.fraction = 0;
      }
      return;
    }
    // RFC 9438 §4.4, §4.5: the concave and the convex region have the same formula. The target lies a round trip ahead (§4.2).
    const then = now + roundTrip * 1e-6;
    const target = Math.min(coefficient * then * then * then + this.maximum, 1.5 * current);
    if (target <= current) return;
    const growth = (target - current) * share + this.fraction;
    const bytes = Math.floor(growth);
    this.fraction = growth - bytes;
    window.grow(bytes);
  }

  #start(window: number, segment: number): void {
    this.hasStarted = true;
    this.elapsed = 0;
    this.fraction = 0;
    this.renoWindow = window;
    // RFC 9438 §4.10: the first slow start ended without congestion.
    if (this.priorWindow === 0) this.priorWindow = window;
    if (window < this.maximum) {
      // RFC 9438 §4.2, figure 2.
      this.timeToMaximum = Math.cbrt((this.maximum - window) / (C * segment));
    } else {
      // RFC 9438 §4.8, §4.10; and when slow start went beyond an old maximum.
      this.timeToMaximum = 0;
      this.maximum = window;
    }
  }
}
