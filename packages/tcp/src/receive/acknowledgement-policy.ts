import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';

/** How many segments after a gap, or at the start, are acknowledged at once. */
const QUICK = 16;
/** Every path carries this much (RFC 9293 §3.7.1, MUST-15). */
const SHORTEST_FULL_SEGMENT = 536;

/**
 * Text was received in order: it is acknowledged at the end of the burst when two full segments are unacknowledged
 * (RFC 9293 §3.8.6.3, SHLD-19; RFC 5681 §4.2), else after a delay (SHLD-18) in which an answer may take the
 * acknowledgement along.
 */
export function acknowledgeText(connection: ControlBlock, bytes: number, frames: number, now: Instant): void {
  connection.unacknowledgedBytes = (connection.unacknowledgedBytes + bytes) | 0;
  learnSegmentSize(connection, (bytes / frames) | 0);
  if (connection.mustAcknowledge) return;
  if (connection.quickAcknowledgement || connection.unacknowledgedBytes >= fullSegment(connection) << 1) {
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
export function acknowledgeAtOnce(connection: ControlBlock): void {
  connection.mustAcknowledge = true;
  connection.quickAcknowledgements = QUICK;
}

/** An acknowledgement left, by itself or with text. */
export function acknowledged(connection: ControlBlock): void {
  connection.mustAcknowledge = false;
  connection.unacknowledgedBytes = 0;
  connection.lastAcknowledgementSent = connection.receiveNext;
  connection.timers.acknowledged();
}

/** What a full segment of the peer holds: less than ours where its side of the path is narrower. */
function fullSegment(connection: ControlBlock): number {
  const { receivedSegmentSize, segmentSize } = connection;
  return receivedSegmentSize === 0 ? segmentSize : Math.min(receivedSegmentSize, segmentSize);
}

/** The largest of late, falling slowly; short segments, the ends of writes, say nothing. */
function learnSegmentSize(connection: ControlBlock, size: number): void {
  if (size < SHORTEST_FULL_SEGMENT) return;
  const known = connection.receivedSegmentSize;
  connection.receivedSegmentSize = size >= known ? size : (known - ((known - size) >> 3)) | 0;
}
