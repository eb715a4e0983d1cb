import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { DropReason, seq, tcp } from '@prism-net/wire';
import { end } from '../closing.js';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import type { Segment } from '../segment.js';
import { transmitSyn } from '../send/handshake.js';
import { State } from '../state.js';
import { acknowledgementArrives, isBelievable } from './acknowledgement.js';
import { challenge } from './challenge.js';
import { reportDuplicate } from './duplicate-report.js';
import { becomeEstablished } from './established.js';
import { segmentArrivesInSynSent } from './syn-sent.js';
import { textArrives } from './text.js';
import { isOldTimestamp, rememberTimestamp } from './timestamps.js';
import { trimToWindow } from './trimming.js';

const { ACK, CWR, FIN, RST, SYN } = tcp.Flag;
const CONGESTION_EXPERIENCED = 3;

/** SEGMENT ARRIVES (RFC 9293 §3.10.7) for a connection. Takes the segment's packet. */
export function segmentArrives(block: ControlBlock, segment: Segment, now: Instant): void {
  block.counts[Count.SEGMENTS_IN]! += segment.frames;
  if (block.state === State.SYN_SENT) segmentArrivesInSynSent(block, segment, now);
  else segmentArrivesSynchronized(block, segment, now);
  if (block.state !== State.CLOSED) block.layer.markPending(block);
  block.observed(segment, now);
}

/** §3.10.7.4: all states but CLOSED, LISTEN and SYN-SENT, in the order of the RFC. */
function segmentArrivesSynchronized(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = block;
  const { flags } = segment;
  if (block.hasTimestamps && (flags & RST) === 0 && !checkTimestamp(block, segment, now)) return;

  // First, check the sequence number.
  if (!isAcceptable(block, segment)) {
    refuse(block, segment, now);
    return;
  }
  block.lastReceivedAt = layer.milliseconds;
  block.unansweredKeepAlives = 0;

  // Second, check the RST bit.
  if ((flags & RST) !== 0) {
    resetArrives(block, segment, now);
    return;
  }
  // Fourth, check the SYN bit. RFC 5961 §4.2: challenged in every state, whatever the sequence number.
  if ((flags & SYN) !== 0) {
    synArrives(block, segment, now);
    return;
  }
  // Fifth, check the ACK field.
  if ((flags & ACK) === 0) {
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_MISSING);
    return;
  }
  if (block.state === State.SYN_RECEIVED && !leaveSynReceived(block, segment, now)) return;
  // RFC 5961 §5.2: not when the acknowledgement is refused. A timestamp far ahead, forged blindly, would make all that the
  // peer sends look old.
  if (block.hasTimestamps && isBelievable(block, segment.acknowledgement)) rememberTimestamp(block, segment);
  if (block.hasEcn) {
    // RFC 9293 §3.8.2, SHLD-8; RFC 3168 §6.1.3: the echo goes on until the peer says that it has reacted.
    if (block.recovery.preciseEcn) {
      if (segment.length > 0) echoPrecisely(block, segment.ecn === CONGESTION_EXPERIENCED, now);
    } else {
      if ((flags & CWR) !== 0) block.isEchoingCongestion = false;
      if (segment.ecn === CONGESTION_EXPERIENCED) block.isEchoingCongestion = true;
    }
  }
  trimToWindow(block, segment);
  if (!acknowledgementArrives(block, segment, now)) return;

  // Sixth, the URG bit: urgent text is ordinary text, of any length (RFC 9293 §3.8.5, MUST-30, MUST-31; RFC 6093 §6); the
  // pointer is not even read.
  // Seventh, process the segment text; eighth, check the FIN bit.
  if (segment.length > 0 || (segment.flags & FIN) !== 0) textArrives(block, segment, now);
  else layer.handled(segment);
}

/**
 * RFC 8257 §3.2: `isEchoingCongestion` is DCTCP.CE. The text before a change is acknowledged for itself, so that the peer
 * can count bytes; that with it at once. CWR says nothing that the next mark, or none, does not say.
 */
function echoPrecisely(block: ControlBlock, isMarked: boolean, now: Instant): void {
  if (isMarked === block.isEchoingCongestion) return;
  const waits = block.mustAcknowledge || block.receiveNext !== block.lastAcknowledgementSent;
  if (waits) block.layer.acknowledgeNow(block, now);
  block.isEchoingCongestion = isMarked;
  block.mustAcknowledge = true;
}

/** False when the segment was dropped because of its timestamp (RFC 7323 §5.3). */
function checkTimestamp(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer } = block;
  if (!segment.options.hasTimestamps) {
    // §3.2: should be dropped silently. A SYN is left to the rules of RFC 5961.
    if (segment.has(SYN)) return true;
    layer.drop(segment, DropReason.TCP_TIMESTAMP_MISSING);
    return false;
  }
  if (!isOldTimestamp(block, segment)) return true;
  // R1: acknowledged and dropped; but not a bare acknowledgement that was overtaken, or two hosts could go on for ever.
  if (segment.sequenceLength > 0) {
    reportDuplicate(block, segment);
    answerLimited(block, segment, now);
  }
  layer.drop(segment, DropReason.TCP_TIMESTAMP_OLD);
  return false;
}

/** The four cases of §3.10.7.4, first. */
function isAcceptable(block: ControlBlock, segment: Segment): boolean {
  const next = block.receiveNext;
  const { sequence } = segment;
  const length = segment.sequenceLength;
  const window = (block.receiveWindow.edge - next) | 0;
  if (window <= 0) {
    // Nothing is acceptable; but the RST (RFC 9293 §3.4, MUST-66) or the acknowledgement of a segment that begins where
    // it should is taken.
    return sequence === next;
  }
  if (length === 0) return seq.isBetween(next, sequence, (next + window) | 0) || sequence === next;
  return (
    seq.isBetween(next, sequence, (next + window) | 0) ||
    seq.isBetween(next, (sequence + length - 1) | 0, (next + window) | 0)
  );
}

/** A segment outside the window: told where the window is, unless it says RST. */
function refuse(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = block;
  if (segment.has(RST)) {
    layer.drop(segment, DropReason.TCP_RESET_INVALID);
    return;
  }
  if (segment.has(SYN)) {
    synArrives(block, segment, now);
    return;
  }
  const isDuplicate = seq.isLessOrEqual((segment.sequence + segment.sequenceLength) | 0, block.receiveNext);
  if (isDuplicate) {
    block.counts[Count.DUPLICATES]! += segment.frames;
    reportDuplicate(block, segment);
  }
  // The FIN of a peer that did not get our acknowledgement of it, or its text once more: not to be kept waiting.
  if (segment.sequenceLength > 0 && isDuplicate) block.mustAcknowledge = true;
  else answerLimited(block, segment, now);
  // Its acknowledgement may be news all the same: our own last one may have got lost on both ways.
  const isRecent = ((block.receiveNext - segment.sequence) | 0) <= block.receiveWindow.limit;
  if (isDuplicate && isRecent && segment.has(ACK) && block.state >= State.ESTABLISHED) {
    if (!acknowledgementArrives(block, segment, now)) return;
  }
  layer.drop(segment, isDuplicate ? DropReason.TCP_DUPLICATE : DropReason.TCP_OUT_OF_WINDOW);
}

/** An acknowledgement in answer to what should not have come, so often at most that no two hosts keep each other busy. */
function answerLimited(block: ControlBlock, segment: Segment, now: Instant): void {
  if (segment.length > 0) {
    block.mustAcknowledge = true;
    return;
  }
  challenge(block, now);
}

/**
 * RFC 5961 §3.2: only the very next sequence number resets, with text or without (RFC 9293 §3.5.3, SHLD-2); anything
 * else in the window is challenged.
 */
function resetArrives(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, state } = block;
  if (segment.sequence !== block.receiveNext) {
    challenge(block, now);
    layer.drop(segment, DropReason.TCP_RESET_INVALID);
    return;
  }
  layer.handled(segment);
  // §3.6, MUST-12: the application learns that the connection was aborted. §3.10.7.4, second: but whoever was only
  // closing has lost nothing.
  const isClosing = state === State.CLOSING || state === State.LAST_ACK;
  if (isClosing) end(block, Errno.NONE);
  else end(block, state === State.SYN_RECEIVED ? Errno.ECONNREFUSED : Errno.ECONNRESET);
}

function synArrives(block: ControlBlock, segment: Segment, now: Instant): void {
  // A repeated SYN of a simultaneous open is answered by our SYN once more.
  const isRepeated = block.state === State.SYN_RECEIVED && segment.sequence === block.initialReceiveSequence;
  if (isRepeated && block.hasTimestamps) rememberTimestamp(block, segment);
  if (isRepeated && !segment.has(ACK)) transmitSyn(block, now);
  else if (isRepeated && leaveSynReceived(block, segment, now)) {
    block.mustAcknowledge = true;
    segment.sequence = (segment.sequence + 1) | 0;
    if (!acknowledgementArrives(block, segment, now)) return;
    block.layer.handled(segment);
    return;
  } else if (segment.packet !== null) challenge(block, now);
  if (segment.packet !== null) block.layer.drop(segment, DropReason.TCP_SYN_UNEXPECTED);
}

/** Fifth, SYN-RECEIVED. False when the segment was dropped. */
function leaveSynReceived(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, recovery } = block;
  const { acknowledgement } = segment;
  // Of a passive open the SYN cache has sent the SYN: it counts as acknowledged already.
  const least = block.isPassive ? recovery.unacknowledged : (recovery.unacknowledged + 1) | 0;
  if (seq.isLess(acknowledgement, least) || seq.isGreater(acknowledgement, recovery.next)) {
    layer.resetFor(block, segment, now);
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
    return false;
  }
  // The window of the segment is scaled already: only the SYN itself is not (RFC 7323 §2.2).
  const scale = segment.has(SYN) ? 0 : block.sendWindowScale;
  block.sendWindow = segment.window << scale;
  block.maximumSendWindow = Math.max(block.maximumSendWindow, block.sendWindow);
  block.windowUpdateSequence = segment.sequence;
  block.windowUpdateAcknowledgement = segment.acknowledgement;
  becomeEstablished(block, segment, now);
  return true;
}
