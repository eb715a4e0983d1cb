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
export function segmentArrives(connection: ControlBlock, segment: Segment, now: Instant): void {
  connection.counts[Count.SEGMENTS_IN]! += segment.frames;
  if (connection.state === State.SYN_SENT) segmentArrivesInSynSent(connection, segment, now);
  else segmentArrivesSynchronized(connection, segment, now);
  if (connection.state !== State.CLOSED) connection.layer.markPending(connection);
  connection.observed(segment, now);
}

/** §3.10.7.4: all states but CLOSED, LISTEN and SYN-SENT, in the order of the RFC. */
function segmentArrivesSynchronized(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = connection;
  const { flags } = segment;
  if (connection.hasTimestamps && (flags & RST) === 0 && !checkTimestamp(connection, segment, now)) return;

  // First, check the sequence number.
  if (!isAcceptable(connection, segment)) {
    refuse(connection, segment, now);
    return;
  }
  connection.lastReceivedAt = layer.milliseconds;
  connection.unansweredKeepAlives = 0;

  // Second, check the RST bit.
  if ((flags & RST) !== 0) {
    resetArrives(connection, segment, now);
    return;
  }
  // Fourth, check the SYN bit. RFC 5961 §4.2: challenged in every state, whatever the sequence number.
  if ((flags & SYN) !== 0) {
    synArrives(connection, segment, now);
    return;
  }
  // Fifth, check the ACK field.
  if ((flags & ACK) === 0) {
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_MISSING);
    return;
  }
  if (connection.state === State.SYN_RECEIVED && !leaveSynReceived(connection, segment, now)) return;
  // RFC 5961 §5.2: not when the acknowledgement is refused. A timestamp far ahead, forged blindly, would make all that the
  // peer sends look old.
  if (connection.hasTimestamps && isBelievable(connection, segment.acknowledgement))
    rememberTimestamp(connection, segment);
  if (connection.hasEcn) {
    // RFC 9293 §3.8.2, SHLD-8; RFC 3168 §6.1.3: the echo goes on until the peer says that it has reacted.
    if (connection.recovery.preciseEcn) {
      if (segment.length > 0) echoPrecisely(connection, segment.ecn === CONGESTION_EXPERIENCED, now);
    } else {
      if ((flags & CWR) !== 0) connection.isEchoingCongestion = false;
      if (segment.ecn === CONGESTION_EXPERIENCED) connection.isEchoingCongestion = true;
    }
  }
  trimToWindow(connection, segment);
  if (!acknowledgementArrives(connection, segment, now)) return;

  // Sixth, the URG bit: urgent text is ordinary text, of any length (RFC 9293 §3.8.5, MUST-30, MUST-31; RFC 6093 §6); the
  // pointer is not even read.
  // Seventh, process the segment text; eighth, check the FIN bit.
  if (segment.length > 0 || (segment.flags & FIN) !== 0) textArrives(connection, segment, now);
  else layer.handled(segment);
}

/**
 * RFC 8257 §3.2: `isEchoingCongestion` is DCTCP.CE. The text before a change is acknowledged for itself, so that the peer
 * can count bytes; that with it at once. CWR says nothing that the next mark, or none, does not say.
 */
function echoPrecisely(connection: ControlBlock, isMarked: boolean, now: Instant): void {
  if (isMarked === connection.isEchoingCongestion) return;
  const waits = connection.mustAcknowledge || connection.receiveNext !== connection.lastAcknowledgementSent;
  if (waits) connection.layer.acknowledgeNow(connection, now);
  connection.isEchoingCongestion = isMarked;
  connection.mustAcknowledge = true;
}

/** False when the segment was dropped because of its timestamp (RFC 7323 §5.3). */
function checkTimestamp(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer } = connection;
  if (!segment.options.hasTimestamps) {
    // §3.2: should be dropped silently. A SYN is left to the rules of RFC 5961.
    if (segment.has(SYN)) return true;
    layer.drop(segment, DropReason.TCP_TIMESTAMP_MISSING);
    return false;
  }
  if (!isOldTimestamp(connection, segment)) return true;
  // R1: acknowledged and dropped; but not a bare acknowledgement that was overtaken, or two hosts could go on for ever.
  if (segment.sequenceLength > 0) {
    reportDuplicate(connection, segment);
    answerLimited(connection, segment, now);
  }
  layer.drop(segment, DropReason.TCP_TIMESTAMP_OLD);
  return false;
}

/** The four cases of §3.10.7.4, first. */
function isAcceptable(connection: ControlBlock, segment: Segment): boolean {
  const next = connection.receiveNext;
  const { sequence } = segment;
  const length = segment.sequenceLength;
  const window = (connection.receiveWindow.edge - next) | 0;
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
function refuse(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = connection;
  if (segment.has(RST)) {
    layer.drop(segment, DropReason.TCP_RESET_INVALID);
    return;
  }
  if (segment.has(SYN)) {
    synArrives(connection, segment, now);
    return;
  }
  const isDuplicate = seq.isLessOrEqual((segment.sequence + segment.sequenceLength) | 0, connection.receiveNext);
  if (isDuplicate) {
    connection.counts[Count.DUPLICATES]! += segment.frames;
    reportDuplicate(connection, segment);
  }
  // The FIN of a peer that did not get our acknowledgement of it, or its text once more: not to be kept waiting.
  if (segment.sequenceLength > 0 && isDuplicate) connection.mustAcknowledge = true;
  else answerLimited(connection, segment, now);
  // Its acknowledgement may be news all the same: our own last one may have got lost on both ways.
  const isRecent = ((connection.receiveNext - segment.sequence) | 0) <= connection.receiveWindow.limit;
  if (isDuplicate && isRecent && segment.has(ACK) && connection.state >= State.ESTABLISHED) {
    if (!acknowledgementArrives(connection, segment, now)) return;
  }
  layer.drop(segment, isDuplicate ? DropReason.TCP_DUPLICATE : DropReason.TCP_OUT_OF_WINDOW);
}

/** An acknowledgement in answer to what should not have come, so often at most that no two hosts keep each other busy. */
function answerLimited(connection: ControlBlock, segment: Segment, now: Instant): void {
  if (segment.length > 0) {
    connection.mustAcknowledge = true;
    return;
  }
  challenge(connection, now);
}

/**
 * RFC 5961 §3.2: only the very next sequence number resets, with text or without (RFC 9293 §3.5.3, SHLD-2); anything
 * else in the window is challenged.
 */
function resetArrives(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, state } = connection;
  if (segment.sequence !== connection.receiveNext) {
    challenge(connection, now);
    layer.drop(segment, DropReason.TCP_RESET_INVALID);
    return;
  }
  layer.handled(segment);
  // §3.6, MUST-12: the application learns that the connection was aborted. §3.10.7.4, second: but whoever was only
  // closing has lost nothing.
  const isClosing = state === State.CLOSING || state === State.LAST_ACK;
  if (isClosing) end(connection, Errno.NONE);
  else end(connection, state === State.SYN_RECEIVED ? Errno.ECONNREFUSED : Errno.ECONNRESET);
}

function synArrives(connection: ControlBlock, segment: Segment, now: Instant): void {
  // A repeated SYN of a simultaneous open is answered by our SYN once more.
  const isRepeated = connection.state === State.SYN_RECEIVED && segment.sequence === connection.initialReceiveSequence;
  if (isRepeated && connection.hasTimestamps) rememberTimestamp(connection, segment);
  if (isRepeated && !segment.has(ACK)) transmitSyn(connection, now);
  else if (isRepeated && leaveSynReceived(connection, segment, now)) {
    connection.mustAcknowledge = true;
    segment.sequence = (segment.sequence + 1) | 0;
    if (!acknowledgementArrives(connection, segment, now)) return;
    connection.layer.handled(segment);
    return;
  } else if (segment.packet !== null) challenge(connection, now);
  if (segment.packet !== null) connection.layer.drop(segment, DropReason.TCP_SYN_UNEXPECTED);
}

/** Fifth, SYN-RECEIVED. False when the segment was dropped. */
function leaveSynReceived(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, recovery } = connection;
  const { acknowledgement } = segment;
  // Of a passive open the SYN cache has sent the SYN: it counts as acknowledged already.
  const least = connection.isPassive ? recovery.unacknowledged : (recovery.unacknowledged + 1) | 0;
  if (seq.isLess(acknowledgement, least) || seq.isGreater(acknowledgement, recovery.next)) {
    layer.resetFor(connection, segment, now);
    layer.drop(segment, DropReason.TCP_ACKNOWLEDGEMENT_INVALID);
    return false;
  }
  // The window of the segment is scaled already: only the SYN itself is not (RFC 7323 §2.2).
  const scale = segment.has(SYN) ? 0 : connection.sendWindowScale;
  connection.sendWindow = segment.window << scale;
  connection.maximumSendWindow = Math.max(connection.maximumSendWindow, connection.sendWindow);
  connection.windowUpdateSequence = segment.sequence;
  connection.windowUpdateAcknowledgement = segment.acknowledgement;
  becomeEstablished(connection, segment, now);
  return true;
}
