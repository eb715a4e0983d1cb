import type { Instant } from '@prism-net/time';
import type { Connection } from '../connection.js';

/** How many segments after a gap, or at the start, are acknowledged at once. */
const QUICK = 16;

/**
 * Text was received in order: it is acknowledged at the end of the burst when two full segments are unacknowledged
 * (RFC 9293 §3.8.6.3, SHLD-19; RFC 5681 §4.2), else after a delay (SHLD-18) in which an answer may take the
 * acknowledgement along.
 */
export function acknowledgeText(connection: Connection, bytes: number, frames: number, now: Instant): void {
  connection.unacknowledgedBytes = (connection.unacknowledgedBytes + bytes) | 0;
  if (connection.mustAcknowledge) return;
  if (connection.quickAcknowledgement || connection.unacknowledgedBytes >= connection.segmentSize << 1) {
    connection.mustAcknowledge = true;
    return;
  }
  if (connection.quickAcknowledgements > 0) {
    connection.quickAcknowledgements = Math.max(0, (connection.quickAcknowledgements - frames) | 0);
    connection.mustAcknowledge = true;
    return;
  }
  const { layer, timers } = connection;
  if (layer.acknowledgementDelay === 0) connection.mustAcknowledge = true;
  else timers.delayAcknowledgement(now);
}

/** A gap was seen, or filled: the peer's recovery waits for acknowledgements (RFC 5681 §4.2). */
export function acknowledgeAtOnce(connection: Connection): void {
  connection.mustAcknowledge = true;
  connection.quickAcknowledgements = QUICK;
}

/** An acknowledgement left, by itself or with text. */
export function acknowledged(connection: Connection): void {
  connection.mustAcknowledge = false;
  connection.unacknowledgedBytes = 0;
  connection.lastAcknowledgementSent = connection.receiveNext;
  connection.timers.acknowledged();
}
