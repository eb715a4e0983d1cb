import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import type { Segment } from '../segment.js';

/**
 * The next acknowledgement reports which text of the segment came twice (RFC 2883 §4). Half of all sequence numbers lie
 * behind RCV.NXT, and nearly all of them never came: only what lies within a window, and not in front of the first byte.
 */
export function reportDuplicate(block: ControlBlock, segment: Segment): void {
  if (!block.hasSelectiveAcknowledgements || segment.length === 0) return;
  const known = (block.receiveNext - segment.sequence) | 0;
  if (known <= 0 || known > block.receiveWindow.limit || known > block.counts[Count.BYTES_RECEIVED]!) return;
  block.duplicateStart = segment.sequence;
  block.duplicateEnd = (segment.sequence + Math.min(known, segment.length)) | 0;
}
