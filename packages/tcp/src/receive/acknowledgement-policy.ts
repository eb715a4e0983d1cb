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
export function acknowledgeText(block: ControlBlock, bytes: number, frames: number, now: Instant): void {
  block.unacknowledgedBytes = (block.unacknowledgedBytes + bytes) | 0;
  learnSegmentSize(block, (bytes / frames) | 0);
  if (block.mustAcknowledge) return;
  if (block.quickAcknowledgement || block.unacknowledgedBytes >= fullSegment(block) << 1) {
    block.mustAcknowledge = true;
    return;
  }
  if (block.quickAcknowledgements > 0) {
    block.quickAcknowledgements = Math.max(0, (block.quickAcknowledgements - frames) | 0);
    block.mustAcknowledge = true;
    return;
  }
  const { layer, timers } = block;
  if (layer.acknowledgementDelay === 0) block.mustAcknowledge = true;
  else timers.delayAcknowledgement(now);
}

/** A gap was seen, or filled: the peer's recovery waits for acknowledgements (RFC 5681 §4.2). */
export function acknowledgeAtOnce(block: ControlBlock): void {
  block.mustAcknowledge = true;
  block.quickAcknowledgements = QUICK;
}

/** An acknowledgement left, by itself or with text. */
export function acknowledged(block: ControlBlock): void {
  block.mustAcknowledge = false;
  block.unacknowledgedBytes = 0;
  block.lastAcknowledgementSent = block.receiveNext;
  block.timers.acknowledged();
}

/** What a full segment of the peer holds: less than ours where its side of the path is narrower. */
function fullSegment(block: ControlBlock): number {
  const { receivedSegmentSize, segmentSize } = block;
  return receivedSegmentSize === 0 ? segmentSize : Math.min(receivedSegmentSize, segmentSize);
}

/** The largest of late, falling slowly; short segments, the ends of writes, say nothing. */
function learnSegmentSize(block: ControlBlock, size: number): void {
  if (size < SHORTEST_FULL_SEGMENT) return;
  const known = block.receivedSegmentSize;
  block.receivedSegmentSize = size >= known ? size : (known - ((known - size) >> 3)) | 0;
}
