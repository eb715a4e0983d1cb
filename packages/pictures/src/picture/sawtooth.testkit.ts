import type { ConnectionTrace } from '../model/connection-trace.js';
import { TraceRecorder } from '../model/trace-recorder.js';

const SEGMENT = 1448;

export interface SawtoothOptions {
  readonly roundTrips?: number;
  /** Samples per round trip. */
  readonly density?: number;
  /** A passive observer: no congestion window. */
  readonly isPassive?: boolean;
  readonly receiveWindow?: number;
}

/** A connection as in a textbook: slow start, a loss every sixteen round trips, one timeout, a pause of the receiver. */
export function sawtooth(options: SawtoothOptions = {}): ConnectionTrace {
  const { roundTrips = 80, density = 20, isPassive = false, receiveWindow = 262_144 } = options;
  const recorder = new TraceRecorder();
  const { now } = recorder;
  let window = 10 * SEGMENT;
  let threshold = Number.POSITIVE_INFINITY;
  let at = 0;
  let sent = 0;
  now.receiveWindow = receiveWindow;
  now.smoothedRoundTrip = 40_000;
  for (let turn = 1; turn <= roundTrips; turn++) {
    const roundTrip = 40_000 + window / 8;
    for (let step = 1; step <= density; step++) {
      at += roundTrip / density;
      sent += Math.round(window / density);
      now.roundTrip = roundTrip + ((step * 7) % 5) * 600;
      now.smoothedRoundTrip += (now.roundTrip - now.smoothedRoundTrip) / 8;
      if (!isPassive) {
        now.congestionWindow = window;
        now.slowStartThreshold = Number.isFinite(threshold) ? threshold : Number.NaN;
      }
      now.inFlight = Math.max(0, window - (step % 3) * SEGMENT);
      now.sequence = sent;
      now.acknowledged = Math.max(0, Math.round(sent - now.inFlight));
      recorder.segments += Math.round(window / density / SEGMENT);
      recorder.sample(at);
      if (window < threshold) window += window / density;
    }
    if (window >= threshold) window += SEGMENT;
    if (turn === 40) {
      recorder.event('timeout', at + 300_000, now.acknowledged, SEGMENT);
      at += 300_000;
      threshold = window / 2;
      window = SEGMENT;
    } else if (turn % 16 === 5) {
      recorder.event('loss', at, now.acknowledged, 3 * SEGMENT);
      recorder.event('selective-acknowledgement', at, now.acknowledged + 3 * SEGMENT, now.inFlight - 3 * SEGMENT);
      for (let i = 0; i < 3; i++) recorder.event('duplicate-acknowledgement', at + i * 900, now.acknowledged);
      recorder.event('retransmission', at + 3000, now.acknowledged, SEGMENT);
      threshold = window / 2;
      window = threshold;
    } else if (turn === 60) {
      recorder.event('zero-window', at, sent);
      now.receiveWindow = 0;
      recorder.sample(at);
      at += 500_000;
      now.receiveWindow = receiveWindow;
      recorder.event('window-open', at, sent);
    }
  }
  recorder.delivered = now.acknowledged;
  recorder.sentBytes = sent;
  if (isPassive) recorder.notes.push('Nobody but the sender knows its congestion window: bytes in flight are drawn.');
  return recorder.finish('10.0.0.1:40000 → 10.0.0.2:80', 'a textbook');
}
