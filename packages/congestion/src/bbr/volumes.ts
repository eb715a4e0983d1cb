import { type CongestionWindow, MAXIMUM_WINDOW } from '../congestion-window.js';
import { BbrPhase } from './bbr-phase.js';
import { type BbrState, UNBOUNDED } from './bbr-state.js';

/** BBR.Headroom: the share of the long-term bound that is left to others. */
const HEADROOM = 0.15;
/** The largest quantum, bytes. */
const LARGEST_QUANTUM = 65_536;

/** BBR.MinPipeCwnd. */
export function smallestWindow(window: CongestionWindow): number {
  return 4 * window.maximumSegmentSize;
}

/** C.send_quantum: what is sent in 1 ms, 2 segments to 64 KiB. */
function quantum(window: CongestionWindow): number {
  const bytes = Math.min(Math.floor(window.bytesPerSecond * 1e-3), LARGEST_QUANTUM) | 0;
  return Math.max(bytes, 2 * window.maximumSegmentSize);
}

/** QuantizationBudget: no less in flight than three quanta and 4 segments. */
export function quantized(bbr: BbrState, window: CongestionWindow, bytes: number): number {
  const least = Math.max(3 * quantum(window), smallestWindow(window));
  const budget = bbr.phase === BbrPhase.PROBE_UP ? 2 * window.maximumSegmentSize : 0;
  return Math.min((Math.max(bytes, least) + budget) | 0, MAXIMUM_WINDOW);
}

/** TargetInflight: what fills the path, unless congestion has cut the window to less. */
export function targetInFlight(bbr: BbrState, window: CongestionWindow): number {
  return Math.min(bbr.bandwidthDelayProduct, window.window);
}

/** InflightWithHeadroom; UNBOUNDED if there is no long-term bound. */
export function withHeadroom(bbr: BbrState, window: CongestionWindow): number {
  const bound = bbr.longTermInFlight;
  if (bound === UNBOUNDED) return UNBOUNDED;
  const room = Math.max(window.maximumSegmentSize, Math.floor(bound * HEADROOM));
  return Math.max((bound - room) | 0, smallestWindow(window));
}

/** BBR.probe_rtt_cwnd: half of what fills the path. */
export function roundTripWindow(bbr: BbrState, window: CongestionWindow): number {
  return Math.max(bbr.bandwidthDelayProduct >> 1, smallestWindow(window));
}

/** SaveCwnd: the last window known to be good. */
export function saveWindow(bbr: BbrState, window: CongestionWindow): void {
  const isGood = !window.isRecovering && bbr.phase !== BbrPhase.PROBE_ROUND_TRIP;
  bbr.priorWindow = isGood ? window.window : Math.max(bbr.priorWindow, window.window);
}

/** RestoreCwnd. */
export function restoreWindow(bbr: BbrState, window: CongestionWindow): void {
  window.window = Math.max(window.window, bbr.priorWindow);
}
