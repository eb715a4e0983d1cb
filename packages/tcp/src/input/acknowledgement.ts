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
export function acknowledgementArrives(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, recovery } = block;
  const { acknowledgement } = segment;
  const una = recovery.unacknowledged;
  if (seq.isGreater(acknowledgement, recovery.next) && !adoptProbe(block, acknowledgement)) {
    // RFC 5961 §5.2 (RFC 9293 §3.10.7.4, MAY-12): acknowledges what was never sent.
    challenge(block, now);
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
    return false;
  }
  const behind = (una - acknowledgement) | 0;
  if (behind > 0) {
    // RFC 5961 §5.2: older than any window the peer ever had.
    if (behind > block.maximumSendWindow) {
      challenge(block, now);
      layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
      return false;
    }
    return true; // a duplicate: it can be ignored, the text cannot
  }
  const isUpdate = updateWindow(block, segment);
  const carriesData = isUpdate || segment.length > 0 || (segment.flags & FIN) !== 0;
  recovery.newDataAvailable = block.hasUnsent && seq.isGreater(block.sendWindowEnd, recovery.next);
  recovery.onAcknowledgement(
    acknowledgement,
    segment.options,
    // In a segment with SYN the bit agrees on ECN, and echoes nothing (RFC 3168 §6.1.1).
    block.hasEcn && (segment.flags & (ECE | SYN)) === ECE,
    carriesData,
    (layer.milliseconds + block.timestampOffset) | 0,
    now,
  );
  if (recovery.unacknowledged === una) return true;
  return advance(block, segment, now);
}

/** RFC 5961 §5.2: SND.UNA - MAX.SND.WND <= SEG.ACK <= SND.NXT, or the byte of a window probe. */
export function isBelievable(block: ControlBlock, acknowledgement: number): boolean {
  const { recovery } = block;
  return (
    ((recovery.unacknowledged - acknowledgement) | 0) <= block.maximumSendWindow &&
    (seq.isLessOrEqual(acknowledgement, recovery.next) || isOfProbe(block, acknowledgement))
  );
}

/** SND.UNA has moved. False when the connection is gone. */
function advance(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { recovery, sendBuffer } = block;
  const una = recovery.unacknowledged;
  block.softError = Errno.NONE;
  block.waitingSince = block.layer.milliseconds;
  if (block.searchedSegmentSize > 0) smallerArrived(block);
  block.isProbeOutstanding = false;
  // The bytes of SYN and FIN are not in the buffer.
  const first = sendBuffer.start;
  sendBuffer.release(seq.minimum(una, sendBuffer.end));
  block.counts[Count.BYTES_ACKNOWLEDGED]! += (sendBuffer.start - first) | 0;
  if (block.isWriteBlocked && sendBuffer.room >= Math.min(sendBuffer.limit >> 2, 1 << 16)) {
    block.isWriteBlocked = false;
    block.tellWritable();
  }
  if (!block.isFinAcknowledged) return true;
  switch (block.state) {
    case State.FIN_WAIT_1:
      block.state = State.FIN_WAIT_2;
      // No RFC says so, but every host does: a peer that never sends its FIN must not hold the memory.
      if (block.isOrphan) block.timers.waitForFin(now);
      return true;
    case State.CLOSING:
      // With the peer's FIN once more: what would answer for it later says nothing now.
      if (block.mustAcknowledge) block.layer.acknowledgeNow(block, now);
      block.layer.handled(segment);
      enterTimeWait(block, now);
      return false;
    case State.LAST_ACK:
      block.layer.handled(segment);
      end(block, Errno.NONE);
      return false;
    default:
      return true;
  }
}

/**
 * SND.WND, unless the segment is older than the one that set it. True when it changed. It may shrink (RFC 9293 §3.8.6,
 * MUST-34).
 */
function updateWindow(block: ControlBlock, segment: Segment): boolean {
  const { sequence, acknowledgement } = segment;
  const { windowUpdateSequence } = block;
  const isNewer =
    seq.isLess(windowUpdateSequence, sequence) ||
    (windowUpdateSequence === sequence && seq.isLessOrEqual(block.windowUpdateAcknowledgement, acknowledgement)) ||
    // A window that grows is never old news, whatever order the segments came in.
    seq.isGreater(acknowledgement, block.windowUpdateAcknowledgement);
  if (!isNewer) return false;
  const window = segment.window << block.sendWindowScale;
  block.windowUpdateSequence = sequence;
  block.windowUpdateAcknowledgement = acknowledgement;
  if (window === block.sendWindow) return false;
  // Nobody waited for the peer while its window was shut.
  if (block.sendWindow === 0) block.waitingSince = block.layer.milliseconds;
  block.sendWindow = window;
  if (window > block.maximumSendWindow) block.maximumSendWindow = window;
  if (window > 0) block.timers.windowOpened();
  return true;
}
