import type { Instant } from '@prism-net/time';
import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { type CongestionWindow, MAXIMUM_WINDOW } from '../congestion-window.js';
import { AcknowledgementPhase, BbrPhase, isProbingBandwidth } from './bbr-phase.js';
import { type BbrState, UNBOUNDED } from './bbr-state.js';
import { raiseSlope, startDown } from './cycle.js';
import { targetInFlight } from './volumes.js';

/** BBR.LossThresh: more than this share lost in a round trip, and too much is in flight. */
const LOSS_THRESHOLD = 0.02;
/** BBR.Beta. */
const BETA = 0.7;
/** IsInflightTooHigh. */
export function isInFlightTooHigh(bbr: BbrState, sample: AcknowledgementSample): boolean {
  return sample.lostSinceSend > sample.inFlightAtSend * LOSS_THRESHOLD || bbr.marks.isTooHigh || bbr.hasUnansweredMark;
}

/** AdaptLongTermModel: the acknowledgements of a probe move the bandwidth filter on, and the bound on what is in flight. */
export function adaptLongTermModel(
  bbr: BbrState,
  window: CongestionWindow,
  sample: AcknowledgementSample,
  now: Instant,
): void {
  const { round } = bbr;
  if (round.isStart && bbr.acknowledgementPhase === AcknowledgementPhase.PROBE_STARTING) {
    bbr.acknowledgementPhase = AcknowledgementPhase.PROBE_FEEDBACK;
  }
  if (round.isStart && bbr.acknowledgementPhase === AcknowledgementPhase.PROBE_STOPPING) {
    bbr.isProbeSample = false;
    bbr.acknowledgementPhase = AcknowledgementPhase.NONE;
    if (isProbingBandwidth(bbr.phase) && !bbr.sample.isLimited) bbr.bandwidth.advance();
  }
  if (isInFlightTooHigh(bbr, sample)) {
    if (bbr.isProbeSample) lowerBound(bbr, window, sample, now);
    return;
  }
  if (bbr.longTermInFlight === UNBOUNDED) return;
  bbr.longTermInFlight = Math.max(bbr.longTermInFlight, sample.inFlightAtSend);
  if (bbr.phase === BbrPhase.PROBE_UP) raiseBound(bbr, window, sample);
}

/** HandleInflightTooHigh: once per probe. */
function lowerBound(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample, now: Instant): void {
  bbr.isProbeSample = false;
  if (!bbr.sample.isLimited) {
    const least = Math.max(Math.floor(targetInFlight(bbr, window) * BETA), window.minimumWindow);
    bbr.longTermInFlight = Math.max(sample.inFlightAtSend, least);
  }
  if (bbr.phase !== BbrPhase.PROBE_UP) return;
  bbr.undoPhase = BbrPhase.PROBE_UP;
  startDown(bbr, now);
}

/** ProbeInflightLongtermUpward. */
function raiseBound(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample): void {
  if (!bbr.wasWindowLimited || window.window < bbr.longTermInFlight) return;
  const delivered = Math.min((bbr.deliveredForIncrement + sample.deliveredBytes) | 0, MAXIMUM_WINDOW);
  const increments = (delivered / bbr.bytesPerIncrement) | 0;
  bbr.deliveredForIncrement = (delivered - Math.imul(increments, bbr.bytesPerIncrement)) | 0;
  // At most a segment for each segment delivered.
  const bytes = Math.imul(increments, window.maximumSegmentSize);
  bbr.longTermInFlight = Math.min((bbr.longTermInFlight + bytes) | 0, MAXIMUM_WINDOW);
  if (bbr.round.isStart) raiseSlope(bbr, window);
}
