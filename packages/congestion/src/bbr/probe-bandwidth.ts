import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import type { CongestionWindow } from '../congestion-window.js';
import { BbrPhase } from './bbr-phase.js';
import type { BbrState } from './bbr-state.js';
import { startDown, startRefill, startUp } from './cycle.js';
import { quantized, targetInFlight, withHeadroom } from './volumes.js';

/** UpdateProbeBWCyclePhase: DOWN → CRUISE → REFILL → UP → DOWN. */
export function updatePhase(
  bbr: BbrState,
  window: CongestionWindow,
  sample: AcknowledgementSample,
  now: Instant,
): void {
  switch (bbr.phase) {
    case BbrPhase.PROBE_DOWN:
      if (probeIfDue(bbr, window, now)) return;
      if (isTimeToCruise(bbr, window, sample)) bbr.phase = BbrPhase.PROBE_CRUISE;
      break;
    case BbrPhase.PROBE_CRUISE:
      probeIfDue(bbr, window, now);
      break;
    case BbrPhase.PROBE_REFILL:
      if (!bbr.round.isStart) break;
      bbr.isProbeSample = true;
      startUp(bbr, window);
      break;
    case BbrPhase.PROBE_UP:
      if (isTimeToGoDown(bbr, window)) startDown(bbr, now);
      break;
  }
}

function probeIfDue(bbr: BbrState, window: CongestionWindow, now: Instant): boolean {
  const segments = (targetInFlight(bbr, window) / window.maximumSegmentSize) | 0;
  if (!bbr.clock.isDue(segments, now)) return false;
  startRefill(bbr);
  return true;
}

function isTimeToCruise(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample): boolean {
  if (sample.inFlightNow > withHeadroom(bbr, window)) return false;
  return sample.inFlightNow <= quantized(bbr, window, bbr.largestProduct);
}

function isTimeToGoDown(bbr: BbrState, window: CongestionWindow): boolean {
  if (bbr.wasWindowLimited && window.window >= bbr.longTermInFlight) {
    // It is the bound that the rate does not grow by.
    bbr.pipe.restartFrom(bbr.sample);
    return false;
  }
  return bbr.pipe.isFullNow;
}
