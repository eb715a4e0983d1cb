import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import type { CongestionWindow } from '../congestion-window.js';
import { BbrPhase } from './bbr-phase.js';
import type { BbrState } from './bbr-state.js';
import { isInFlightTooHigh } from './long-term-model.js';
import { quantized, smallestWindow } from './volumes.js';

/** BBRStartupFullLossCnt: acknowledgements of one round that found losses. */
const LOSS_EVENTS = 6;

/** CheckStartupDone: the rate no longer grows, or losses or marks say that it must not. */
export function checkStartupDone(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample): void {
  const { signals, pipe } = bbr;
  if (bbr.phase !== BbrPhase.STARTUP) return;
  if (signals.isRoundStart && !pipe.wasReached) {
    const isLossy = window.isRecovering && signals.lossEvents >= LOSS_EVENTS && isInFlightTooHigh(bbr, sample);
    if (isLossy || bbr.marks.isPipeFull) {
      if (isLossy) bbr.undoPhase = BbrPhase.STARTUP;
      pipe.wasReached = true;
      bbr.longTermInFlight = Math.max(bbr.bandwidthDelayProduct, signals.latestInFlight, smallestWindow(window));
    }
  }
  if (!pipe.wasReached) return;
  // EnterDrain.
  bbr.phase = BbrPhase.DRAIN;
  bbr.drainRound = bbr.round.count;
  // Nothing here goes by the threshold; it says that slow start is over.
  window.slowStartThreshold = Math.max(quantized(bbr, window, bbr.bandwidthDelayProduct), window.minimumWindow);
}

/** CheckDrainDone: what is in flight is no more than what fills the path, or three rounds did not suffice for that. */
export function isDrained(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample): boolean {
  return (
    sample.inFlightNow <= quantized(bbr, window, bbr.largestProduct) || ((bbr.round.count - bbr.drainRound) | 0) > 3
  );
}
