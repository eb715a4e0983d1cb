import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { Pacer } from './pacer.js';

/** Of window and round trip while the window doubles, so that the next round trip has room, … */
const RATIO_IN_SLOW_START = 2;
/** … and later, so that the window, not the pace, decides how much is in flight. */
const RATIO = 1.2;

/** The connection's pacer, which knows its rate and the time; null: it is not paced. */
export function pace(connection: ControlBlock, now: Instant): Pacer | null {
  const { bytesPerSecond } = connection.recovery.window;
  let { pacer } = connection;
  if (pacer === null) {
    if (bytesPerSecond === 0 && !connection.pacing && connection.maximumPacingRate === 0) return null;
    pacer = new Pacer();
    connection.pacer = pacer;
  }
  pacer.begin(pacingRate(connection), connection.segmentSize, now);
  return pacer;
}

/** Bytes of text per second; 0: unpaced. */
export function pacingRate(connection: ControlBlock): number {
  const { maximumPacingRate } = connection;
  const rate = wantedRate(connection);
  return maximumPacingRate > 0 && (rate === 0 || rate > maximumPacingRate) ? maximumPacingRate : rate;
}

function wantedRate(connection: ControlBlock): number {
  const { window, estimator } = connection.recovery;
  if (window.bytesPerSecond > 0 || !connection.pacing || !estimator.hasSample) return window.bytesPerSecond;
  // The last doubling is the one that overshoots.
  const ratio = window.window < window.slowStartThreshold >> 1 ? RATIO_IN_SLOW_START : RATIO;
  return (window.window * ratio * 1e6) / estimator.smoothed;
}
