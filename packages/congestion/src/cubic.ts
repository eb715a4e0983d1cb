import { requireBoolean, requireKnownOptions } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from './acknowledgement-sample.js';
import { type CongestionCause, type CongestionControl, NO_TRAITS } from './congestion-control.js';
import { type CongestionWindow, MAXIMUM_WINDOW } from './congestion-window.js';
import { CubicEpoch } from './cubic-epoch.js';
import { HyStart } from './hystart.js';
import type { StateExchange } from './state-exchange.js';

export interface CubicOptions {
  /**
   * A flow whose window shrinks from one congestion to the next makes room for others (RFC 9438 §4.7). To be switched off
   * only where there are no others. Default true.
   */
  readonly fastConvergence?: boolean;
  /** The first slow start ends by delay already (HyStart++, RFC 9406), as RFC 9438 §4.10 recommends. Default true. */
  readonly hyStart?: boolean;
}

/** β_cubic (RFC 9438 §4.6). */
const BETA = 0.7;
/** (1 + β_cubic) / 2 (RFC 9438 §4.7). */
const CONVERGENCE = (1 + BETA) / 2;

/**
 * CUBIC (RFC 9438; RFC 9293 §3.8.2, MAY-18): after congestion the window returns along a cubic curve, fast at first,
 * flat around the size at which congestion occurred, then probing ever faster; but never slower than Reno. The curve
 * runs in time, not in round trips, so that flows of different distances get more equal shares.
 */
export class Cubic implements CongestionControl {
  readonly name: string = 'cubic';
  readonly traits = NO_TRAITS;
  readonly #fastConvergence: boolean;
  readonly #hyStart: HyStart | null;
  readonly #epoch = new CubicEpoch();
  /** The epoch before the last reduction (RFC 9438 §4.9.2). */
  readonly #priorEpoch = new CubicEpoch();
  /** When time was last taken note of: {@link CubicEpoch.elapsed} is summed up, since an `Instant` wraps. */
  #latest: Instant = 0;

  /** @throws PosixError EINVAL that names the option */
  constructor(options: CubicOptions = {}) {
    requireKnownOptions('Cubic', options, ['fastConvergence', 'hyStart']);
    const { fastConvergence = true, hyStart = true } = options;
    this.#fastConvergence = requireBoolean('Cubic', 'fastConvergence', fastConvergence);
    this.#hyStart = requireBoolean('Cubic', 'hyStart', hyStart) ? new HyStart() : null;
  }

  start(_window: CongestionWindow, now: Instant): void {
    this.#epoch.reset();
    this.#priorEpoch.reset();
    this.#hyStart?.reset();
    this.#latest = now;
  }

  onSent(): void {}

  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    const elapsed = Math.max(0, (now - this.#latest) | 0);
    this.#latest = now;
    const hyStart = this.#hyStart;
    if (hyStart !== null) hyStart.observe(window, sample);
    // RFC 9438 §5.8, §4.2: no growth while the application limits, and that time does not count.
    if (!sample.isWindowLimited) return;
    let bytes = sample.acknowledgedBytes;
    if (window.isSlowStart) {
      bytes = hyStart === null ? window.slowStart(bytes) : hyStart.slowStart(window, bytes);
    }
    if (bytes !== 0) this.#epoch.avoidCongestion(window, bytes, elapsed, sample.smoothedRoundTrip);
  }

  onCongestion(window: CongestionWindow, flightSize: number, _cause: CongestionCause, _now: Instant): void {
    this.#priorEpoch.copy(this.#epoch);
    const epoch = this.#epoch;
    const isShrinking = this.#fastConvergence && window.window < epoch.maximum;
    epoch.end(window.window, isShrinking ? window.window * CONVERGENCE : window.window);
    window.reduce(Math.floor(window.loadAtCongestion(flightSize) * BETA));
  }

  onRecovered(window: CongestionWindow, _now: Instant): void {
    window.recovered();
  }

  onTimeout(window: CongestionWindow, flightSize: number, _now: Instant): void {
    if (!window.isRepeatedTimeout) {
      this.#priorEpoch.copy(this.#epoch);
      // RFC 9438 §4.8: the next epoch begins where slow start ends, with K = 0: as if there never had been a maximum.
      this.#epoch.end(window.window, 0);
    }
    window.timeOut(Math.floor(window.loadOf(flightSize) * BETA));
  }

  onUndo(window: CongestionWindow, _now: Instant): void {
    // The time since the last acknowledgement before the reduction counts, as t_epoch restored makes it (RFC 9438 §4.9.2).
    if (window.undo()) this.#epoch.copy(this.#priorEpoch);
  }

  onIdle(
    window: CongestionWindow,
    idleMicroseconds: number,
    retransmissionTimeoutMicroseconds: number,
    now: Instant,
  ): void {
    // RFC 9438 §4.2: idle periods are no part of t.
    this.#latest = now;
    if (window.restart(idleMicroseconds, retransmissionTimeoutMicroseconds)) this.#epoch.hasStarted = false;
  }

  exchange(state: StateExchange): void {
    this.#epoch.exchange(state);
    this.#priorEpoch.exchange(state);
    this.#hyStart?.exchange(state);
    this.#latest = state.number(this.#latest);
  }

  /** Bytes; `timeToMaximum` (K) and `elapsed` (t) in seconds; `conservativeSlowStart` (RFC 9406) 0 or 1. */
  describe(): Readonly<Record<string, number>> {
    const { maximum, timeToMaximum, elapsed, renoWindow } = this.#epoch;
    return {
      maximum,
      timeToMaximum,
      elapsed: elapsed / 1e6,
      renoWindow: Math.min(renoWindow, MAXIMUM_WINDOW),
      conservativeSlowStart: Number(this.#hyStart?.isConservative ?? false),
    };
  }
}
