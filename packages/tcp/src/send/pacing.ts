import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { Pacer } from './pacer.js';

/** Of window and round trip while the window doubles, so that the next round trip has room, … */
const RATIO_IN_SLOW_START = 2;
/** … and later, so that the window, not the pace, decides how much is in flight. */
const RATIO = 1.2;

/** The connection's pacer, which knows its rate and the time; null: it is not paced. */
export function pace(block: ControlBlock, now: Instant): Pacer | null {
  const { bytesPerSecond } = block.recovery.window;
  let { pacer } = block;
  if (pacer === null) {
    if (bytesPerSecond === 0 && !block.pacing && block.maximumPacingRate === 0) return null;
    pacer = new Pacer();
    block.pacer = pacer;
  }
  pacer.begin(pacingRate(block), block.segmentSize, now);
  return pacer;
}

/** Bytes of text per second; 0: unpaced. */
export function pacingRate(block: ControlBlock): number {
  const { maximumPacingRate } = block;
  const rate = wantedRate(block);
  return maximumPacingRate > 0 && (rate === 0 || rate > maximumPacingRate) ? maximumPacingRate : rate;
}

function wantedRate(block: ControlBlock): number {
  const { window, estimator } = block.recovery;
  if (window.bytesPerSecond > 0 || !block.pacing || !estimator.hasSample) return window.bytesPerSecond;
  // The last doubling is the one that overshoots.
  const ratio = window.window < window.slowStartThreshold >> 1 ? RATIO_IN_SLOW_START : RATIO;
  return (window.window * ratio * 1e6) / estimator.smoothed;
}
