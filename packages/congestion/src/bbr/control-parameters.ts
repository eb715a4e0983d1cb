import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { type CongestionWindow, MAXIMUM_WINDOW } from '../congestion-window.js';
import { BbrPhase, isProbingBandwidth, PACING_GAINS, WINDOW_GAINS } from './bbr-phase.js';
import type { BbrState } from './bbr-state.js';
import { quantized, roundTripWindow, smallestWindow, withHeadroom } from './volumes.js';

/** BBR.PacingMarginPercent: 1 % below the bandwidth, so that queues run empty. */
const MARGIN = 0.99;
/** BDPMultiple(1) for both bandwidths. */
export function updateProducts(bbr: BbrState, window: CongestionWindow): void {
  const { bandwidth, roundTrip, signals } = bbr;
  // BoundBWForModel.
  bandwidth.bandwidth = Math.min(signals.bandwidth, bandwidth.maximum);
  if (roundTrip.value === 0) {
    bbr.bandwidthDelayProduct = window.initialWindow;
    bbr.largestProduct = window.initialWindow;
    return;
  }
  const microseconds = roundTrip.value;
  bbr.bandwidthDelayProduct = Math.min(Math.floor((bandwidth.bandwidth * microseconds) / 1e6), MAXIMUM_WINDOW) | 0;
  bbr.largestProduct = Math.min(Math.floor((bandwidth.maximum * microseconds) / 1e6), MAXIMUM_WINDOW) | 0;
}

/** InitPacingRate. `roundTrip` in µs; 0: none yet, 1 ms is assumed. */
export function initializeRate(window: CongestionWindow, roundTrip: number): void {
  const seconds = roundTrip > 0 ? roundTrip * 1e-6 : 1e-3;
  window.bytesPerSecond = (PACING_GAINS[BbrPhase.STARTUP]! * window.initialWindow) / seconds;
}

/** SetPacingRateWithGain; before the pipe was full, the rate does not fall. */
export function updateRate(bbr: BbrState, window: CongestionWindow, phase: BbrPhase): void {
  const rate = PACING_GAINS[phase]! * bbr.bandwidth.bandwidth * MARGIN;
  if (bbr.bandwidth.bandwidth === 0 || !(bbr.pipe.wasReached || rate > window.bytesPerSecond)) return;
  // A rate of 0 would be none; less than a segment per second is not paced either.
  window.bytesPerSecond = Math.max(rate, window.maximumSegmentSize);
}

/** SetCwnd. In recovery too: losses tell by the model's bounds. */
export function updateWindow(bbr: BbrState, window: CongestionWindow, sample: AcknowledgementSample): void {
  const gain = WINDOW_GAINS[bbr.phase]!;
  const product = Math.min(Math.floor(bbr.bandwidthDelayProduct * gain), MAXIMUM_WINDOW) | 0;
  const most = quantized(bbr, window, Math.min((product + bbr.aggregation.extra) | 0, MAXIMUM_WINDOW));
  let bytes = window.window;
  if (bbr.pipe.wasReached) {
    bytes = Math.min((bytes + sample.deliveredBytes) | 0, most);
  } else if (bytes < most || bbr.delivered < window.initialWindow) {
    bytes = (bytes + sample.deliveredBytes) | 0;
  }
  bytes = Math.min(Math.max(bytes, smallestWindow(window)), MAXIMUM_WINDOW);
  window.window = Math.min(bytes, volumeCap(bbr, window));
}

/** BoundCwndForProbeRTT and BoundCwndForModel. */
function volumeCap(bbr: BbrState, window: CongestionWindow): number {
  const { phase } = bbr;
  let cap = MAXIMUM_WINDOW;
  if (phase === BbrPhase.PROBE_ROUND_TRIP || phase === BbrPhase.PROBE_CRUISE) cap = withHeadroom(bbr, window);
  else if (isProbingBandwidth(phase)) cap = bbr.longTermInFlight;
  cap = Math.max(Math.min(cap, bbr.signals.inFlight), smallestWindow(window));
  return phase === BbrPhase.PROBE_ROUND_TRIP ? Math.min(cap, roundTripWindow(bbr, window)) : cap;
}
