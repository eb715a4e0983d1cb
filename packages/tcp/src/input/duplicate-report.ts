import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import type { Segment } from '../segment.js';

/**
 * The next acknowledgement reports which text of the segment came twice (RFC 2883 §4). Half of all sequence numbers lie
 * behind RCV.NXT, and nearly all of them never came: only what lies within a window, and not in front of the first byte.
 */
export function reportDuplicate(connection: ControlBlock, segment: Segment): void {
  if (!connection.hasSelectiveAcknowledgements || segment.length === 0) return;
  const known = (connection.receiveNext - segment.sequence) | 0;
  if (known <= 0 || known > connection.receiveWindow.limit || known > connection.counts[Count.BYTES_RECEIVED]!) return;
  connection.duplicateStart = segment.sequence;
  connection.duplicateEnd = (segment.sequence + Math.min(known, segment.length)) | 0;
}
