import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { DropReason, seq, tcp } from '@prism-net/wire';
import { end, enterTimeWait } from '../closing.js';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import { smallerArrived } from '../path/path-mtu.js';
import type { Segment } from '../segment.js';
import { adoptProbe, isOfProbe } from '../send/window-probe.js';
import { State } from '../state.js';
import { challenge } from './challenge.js';

const { ECE, FIN, SYN } = tcp.Flag;

/** Fifth, check the ACK field (RFC 9293 §3.10.7.4). False when the segment was dropped, or the connection is gone. */
export function acknowledgementArrives(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, recovery } = connection;
  const { acknowledgement } = segment;
  const una = recovery.unacknowledged;
  if (seq.isGreater(acknowledgement, recovery.next) && !adoptProbe(connection, acknowledgement)) {
    // RFC 5961 §5.2 (RFC 9293 §3.10.7.4, MAY-12): acknowledges what was never sent.
    challenge(connection, now);
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
    return false;
  }
  const behind = (una - acknowledgement) | 0;
  if (behind > 0) {
    // RFC 5961 §5.2: older than any window the peer ever had.
    if (behind > connection.maximumSendWindow) {
      challenge(connection, now);
      layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
      return false;
    }
    return true; // a duplicate: it can be ignored, the text cannot
  }
  const isUpdate = updateWindow(connection, segment);
  const carriesData = isUpdate || segment.length > 0 || (segment.flags & FIN) !== 0;
  recovery.newDataAvailable = connection.hasUnsent && seq.isGreater(connection.sendWindowEnd, recovery.next);
  recovery.onAcknowledgement(
    acknowledgement,
    segment.options,
    // In a segment with SYN the bit agrees on ECN, and echoes nothing (RFC 3168 §6.1.1).
    connection.hasEcn && (segment.flags & (ECE | SYN)) === ECE,
    carriesData,
    (layer.milliseconds + connection.timestampOffset) | 0,
    now,
  );
  if (recovery.unacknowledged === una) return true;
  return advance(connection, segment, now);
}

/** RFC 5961 §5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, or the byte of a window probe. */
export function isBelievable(connection: ControlBlock, acknowledgement: number): boolean {
  const { recovery } = connection;
  return (
    ((recovery.unacknowledged - acknowledgement) | 0) <= connection.maximumSendWindow &&
    (seq.isLessOrEqual(acknowledgement, recovery.next) || isOfProbe(connection, acknowledgement))
  );
}

/** SND.UNA has moved. False when the connection is gone. */
function advance(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { recovery, sendBuffer } = connection;
  const una = recovery.unacknowledged;
  connection.softError = Errno.NONE;
  connection.waitingSince = connection.layer.milliseconds;
  if (connection.searchedSegmentSize > 0) smallerArrived(connection);
  connection.isProbeOutstanding = false;
  // The bytes of SYN and FIN are not in the buffer.
  const first = sendBuffer.start;
  sendBuffer.release(seq.minimum(una, sendBuffer.end));
  connection.counts[Count.BYTES_ACKNOWLEDGED]! += (sendBuffer.start - first) | 0;
  if (connection.isWriteBlocked && sendBuffer.room >= Math.min(sendBuffer.limit >> 2, 1 << 16)) {
    connection.isWriteBlocked = false;
    connection.tellWritable();
  }
  if (!connection.isFinAcknowledged) return true;
  switch (connection.state) {
    case State.FIN_WAIT_1:
      connection.state = State.FIN_WAIT_2;
      // No RFC says so, but every host does: a peer that never sends its FIN must not hold the memory.
      if (connection.isOrphan) connection.timers.waitForFin(now);
      return true;
    case State.CLOSING:
      // With the peer's FIN once more: what would answer for it later says nothing now.
      if (connection.mustAcknowledge) connection.layer.acknowledgeNow(connection, now);
      connection.layer.handled(segment);
      enterTimeWait(connection, now);
      return false;
    case State.LAST_ACK:
      connection.layer.handled(segment);
      end(connection, Errno.NONE);
      return false;
    default:
      return true;
  }
}

/**
 * SND.WND, unless the segment is older than the one that set it. True when it changed. It may shrink (RFC 9293 §3.8.6,
 * MUST-34).
 */
function updateWindow(connection: ControlBlock, segment: Segment): boolean {
  const { sequence, acknowledgement } = segment;
  const { windowUpdateSequence } = connection;
  const isNewer =
    seq.isLess(windowUpdateSequence, sequence) ||
    (windowUpdateSequence === sequence && seq.isLessOrEqual(connection.windowUpdateAcknowledgement, acknowledgement)) ||
    // A window that grows is never old news, whatever order the segments came in.
    seq.isGreater(acknowledgement, connection.windowUpdateAcknowledgement);
  if (!isNewer) return false;
  const window = segment.window << connection.sendWindowScale;
  connection.windowUpdateSequence = sequence;
  connection.windowUpdateAcknowledgement = acknowledgement;
  if (window === connection.sendWindow) return false;
  // Nobody waited for the peer while its window was shut.
  if (connection.sendWindow === 0) connection.waitingSince = connection.layer.milliseconds;
  connection.sendWindow = window;
  if (window > connection.maximumSendWindow) connection.maximumSendWindow = window;
  if (window > 0) connection.timers.windowOpened();
  return true;
}
