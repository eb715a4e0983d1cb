import { requireBoolean, requireKnownOptions } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from './acknowledgement-sample.js';
import {
  type CongestionCause,
  type CongestionControl,
  type CongestionTraits,
  NO_TRAITS,
} from './congestion-control.js';
import type { CongestionWindow } from './congestion-window.js';
import { HyStart } from './hystart.js';
import type { StateExchange } from './state-exchange.js';

export interface NewRenoOptions {
  /**
   * The first slow start ends by delay already (HyStart++, RFC 9406). Default false: this is the standard's algorithm as it
   * stands, to compare others with.
   */
  readonly hyStart?: boolean;
}

/**
 * The standard's algorithm (RFC 5681, with byte counting by RFC 3465): one segment more per round trip, half of the flight
 * upon congestion. Its name is that of the loss recovery of RFC 6582 it was born with.
 */
export class NewReno implements CongestionControl {
  readonly name: string = 'newreno';
  readonly traits: CongestionTraits = NO_TRAITS;
  readonly #hyStart: HyStart | null;
  /** bytes_acked (RFC 3465 §2.1): acknowledged in congestion avoidance, not yet turned into growth. Less than the window. */
  #acknowledged = 0;

  /** @throws PosixError EINVAL that names the option */
  constructor(options: NewRenoOptions = {}) {
    requireKnownOptions('NewReno', options, ['hyStart']);
    this.#hyStart = requireBoolean('NewReno', 'hyStart', options.hyStart ?? false) ? new HyStart() : null;
  }

  start(_window: CongestionWindow, _now: Instant): void {
    this.#hyStart?.reset();
    this.#acknowledged = 0;
  }

  onSent(): void {}

  onAcknowledgement(window: CongestionWindow, sample: AcknowledgementSample, _now: Instant): void {
    const hyStart = this.#hyStart;
    if (hyStart !== null) hyStart.observe(window, sample);
    // RFC 7661 §4.3: what was not in use is not enlarged.
    if (!sample.isWindowLimited) return;
    let bytes = sample.acknowledgedBytes;
    if (window.isSlowStart) {
      bytes = hyStart === null ? window.slowStart(bytes) : hyStart.slowStart(window, bytes);
    }
    if (bytes === 0) return;
    // RFC 9293 §3.8.2, MUST-19; RFC 3465 §2.1, RFC 5681 §3.1: one segment when a window of bytes is acknowledged.
    const acknowledged = (this.#acknowledged + Math.min(bytes, window.window)) | 0;
    if (acknowledged < window.window) {
      this.#acknowledged = acknowledged;
      return;
    }
    this.#acknowledged = (acknowledged - window.window) | 0;
    window.grow(window.maximumSegmentSize);
  }

  onCongestion(window: CongestionWindow, flightSize: number, _cause: CongestionCause, _now: Instant): void {
    // RFC 5681 §3.1 (4).
    window.reduce(window.loadAtCongestion(flightSize) >> 1);
    this.#acknowledged = 0;
  }

  onRecovered(window: CongestionWindow, _now: Instant): void {
    window.recovered();
  }

  onTimeout(window: CongestionWindow, flightSize: number, _now: Instant): void {
    window.timeOut(window.loadOf(flightSize) >> 1);
    this.#acknowledged = 0;
  }

  onUndo(window: CongestionWindow, _now: Instant): void {
    window.undo();
  }

  onIdle(
    window: CongestionWindow,
    idleMicroseconds: number,
    retransmissionTimeoutMicroseconds: number,
    _now: Instant,
  ): void {
    if (window.restart(idleMicroseconds, retransmissionTimeoutMicroseconds)) this.#acknowledged = 0;
  }

  exchange(state: StateExchange): void {
    this.#hyStart?.exchange(state);
    this.#acknowledged = state.rare(this.#acknowledged);
  }

  /** After a reduction of another kind: what was acknowledged before no longer counts for growth. */
  protected restartCounting(): void {
    this.#acknowledged = 0;
  }

  describe(): Readonly<Record<string, number>> {
    return { acknowledged: this.#acknowledged };
  }
}
