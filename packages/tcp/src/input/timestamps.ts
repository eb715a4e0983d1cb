import { seq } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import type { Segment } from '../segment.js';

/** RFC 7323 §5.5: a timestamp of this age says nothing any more, the clock has gone half round: 24 days in ms. */
const OUTDATED = 24 * 24 * 3_600_000;

/** PAWS, protection against wrapped sequence numbers (RFC 7323 §5.3 R1): the segment is older than what was received last. */
export function isOldTimestamp(block: ControlBlock, segment: Segment): boolean {
  if (((segment.options.timestampValue - block.timestampRecent) | 0) >= 0) return false;
  const age = (block.layer.milliseconds - block.timestampRecentAt) | 0;
  return age >= 0 && age < OUTDATED;
}

/**
 * RFC 7323 §4.3: of segments not acknowledged yet the timestamp of the first is echoed; one that lies ahead of a gap, or
 * that an attacker sent without knowing Last.ACK.sent, is not.
 */
export function rememberTimestamp(block: ControlBlock, segment: Segment): void {
  const { options } = segment;
  if (!options.hasTimestamps) return;
  if (seq.isGreater(segment.sequence, block.lastAcknowledgementSent)) return;
  if (((options.timestampValue - block.timestampRecent) | 0) < 0) {
    const age = (block.layer.milliseconds - block.timestampRecentAt) | 0;
    if (age >= 0 && age < OUTDATED) return;
  }
  block.timestampRecent = options.timestampValue;
  block.timestampRecentAt = block.layer.milliseconds;
}
