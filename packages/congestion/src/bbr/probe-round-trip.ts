import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import type { CongestionWindow } from '../congestion-window.js';
import { AcknowledgementPhase, BbrPhase } from './bbr-phase.js';
import type { BbrState } from './bbr-state.js';
import { startDown } from './cycle.js';
import { hasElapsed } from './minimum-round-trip.js';
import { restoreWindow, roundTripWindow, saveWindow } from './volumes.js';

/** BBR.ProbeRTTDuration, µs. */
const DURATION = 200_000;

/** One stay in ProbeRTT. */
export class RoundTripProbe {
  /** Little enough is in flight; since when. */
  #hasBegun = false;
  #since: Instant = 0;
  #isRoundDone = false;

  reset(): void {
    this.#hasBegun = false;
  }

  /** CheckProbeRTT. */
  update(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    if (bbr.phase !== BbrPhase.PROBE_ROUND_TRIP && bbr.roundTrip.isStale && !bbr.isRestarting) {
      saveWindow(bbr, window);
      bbr.phase = BbrPhase.PROBE_ROUND_TRIP;
      this.#hasBegun = false;
      bbr.acknowledgementPhase = AcknowledgementPhase.PROBE_STOPPING;
      bbr.round.begin();
    }
    if (bbr.phase === BbrPhase.PROBE_ROUND_TRIP) this.#handle(bbr, window, sample, now);
    if (sample.deliveredBytes > 0) bbr.isRestarting = false;
  }

  /** HandleProbeRTT. */
  #handle(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
    bbr.sample.limit(sample);
    if (!this.#hasBegun) {
      if (sample.inFlightNow > roundTripWindow(bbr, window)) return;
      this.#hasBegun = true;
      this.#since = now;
      this.#isRoundDone = false;
      bbr.round.begin();
      return;
    }
    if (bbr.round.isStart) this.#isRoundDone = true;
    if (this.#isRoundDone) this.endIfDone(bbr, window, now);
  }

  /** CheckProbeRTTDone and ExitProbeRTT. After a pause the path has been empty for long enough. */
  endIfDone(bbr: BbrState, window: CongestionWindow, now: Instant): void {
    if (!this.#hasBegun || !hasElapsed(this.#since, DURATION, now)) return;
    this.#hasBegun = false;
    bbr.roundTrip.restart(now);
    restoreWindow(bbr, window);
    bbr.signals.unbind();
    if (!bbr.pipe.wasReached) {
      bbr.phase = BbrPhase.STARTUP;
      return;
    }
    startDown(bbr, now);
    // The queue is empty already.
    bbr.phase = BbrPhase.PROBE_CRUISE;
  }
}
