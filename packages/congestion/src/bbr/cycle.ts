import type { Instant } from '@prism-net/time';
import type { CongestionWindow } from '../congestion-window.js';
import { AcknowledgementPhase, BbrPhase } from './bbr-phase.js';
import { type BbrState, UNBOUNDED } from './bbr-state.js';

/** StartProbeBW_DOWN. */
export function startDown(bbr: BbrState, now: Instant): void {
  bbr.signals.forget();
  bbr.bytesPerIncrement = UNBOUNDED;
  bbr.clock.restart(bbr.round.delivered, now);
  bbr.acknowledgementPhase = AcknowledgementPhase.PROBE_STOPPING;
  bbr.round.begin();
  bbr.phase = BbrPhase.PROBE_DOWN;
}

/** StartProbeBW_REFILL: the short-term model is forgotten, and the pipe filled. */
export function startRefill(bbr: BbrState): void {
  bbr.signals.unbind();
  bbr.roundsProbingUp = 0;
  bbr.deliveredForIncrement = 0;
  bbr.acknowledgementPhase = AcknowledgementPhase.REFILLING;
  bbr.round.begin();
  bbr.phase = BbrPhase.PROBE_REFILL;
}

/** StartProbeBW_UP. */
export function startUp(bbr: BbrState, window: CongestionWindow): void {
  bbr.acknowledgementPhase = AcknowledgementPhase.PROBE_STARTING;
  bbr.round.begin();
  bbr.pipe.restartFrom(bbr.sample);
  bbr.phase = BbrPhase.PROBE_UP;
  raiseSlope(bbr, window);
}

/** RaiseInflightLongtermSlope: 1, 2, 4, 8 … segments per round trip, spread evenly. */
export function raiseSlope(bbr: BbrState, window: CongestionWindow): void {
  const growth = 1 << bbr.roundsProbingUp;
  bbr.roundsProbingUp = Math.min(bbr.roundsProbingUp + 1, 30);
  bbr.bytesPerIncrement = Math.max((window.window / growth) | 0, window.maximumSegmentSize);
}
