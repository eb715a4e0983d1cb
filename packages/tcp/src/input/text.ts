import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { DropReason, seq, tcp } from '@prism-net/wire';
import { abort, enterTimeWait } from '../closing.js';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import { acknowledgeAtOnce, acknowledgeText } from '../receive/acknowledgement-policy.js';
import type { Segment } from '../segment.js';
import { State } from '../state.js';

const { FIN } = tcp.Flag;
const LEAST_RANGES = 16;

/** Seventh, process the segment text, and eighth, check the FIN bit (RFC 9293 §3.10.7.4). Takes the packet. */
export function textArrives(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = connection;
  if (!connection.canReceiveText) {
    // CLOSE-WAIT and later: "this should not occur, since a FIN has been received". Only a repetition is harmless.
    if (segment.length > 0 || seq.isGreaterOrEqual(segment.sequence, connection.receiveNext)) {
      connection.mustAcknowledge = true;
    }
    layer.drop(segment, DropReason.TCP_AFTER_CLOSE);
    return;
  }
  if (segment.length > 0 && connection.isOrphan) {
    // RFC 9293 §3.6.1, SHLD-3; RFC 2525 §2.17: text for an application that has gone. The peer must not believe it was
    // read.
    layer.drop(segment, DropReason.TCP_AFTER_CLOSE);
    abort(connection, Errno.NONE, now);
    return;
  }
  const hasFin = (segment.flags & FIN) !== 0;
  const finSequence = (segment.sequence + segment.length) | 0;
  if (segment.sequence === connection.receiveNext) {
    if (segment.length === 0) layer.handled(segment);
    else if (!takeInOrder(connection, segment, now)) return;
    if (connection.reassembly.count > 0) takeReassembled(connection);
  } else {
    keepOutOfOrder(connection, segment, now);
  }
  if (hasFin && seq.isGreaterOrEqual(finSequence, connection.receiveNext)) {
    connection.hasEarlyFin = true;
    connection.earlyFinSequence = finSequence;
  }
  if (!connection.hasEarlyFin) return;
  if (connection.earlyFinSequence === connection.receiveNext) finArrives(connection, now);
  // Text that goes on behind a FIN shows that it was none; it must not be found four gigabytes later.
  else if (seq.isLess(connection.earlyFinSequence, connection.receiveNext)) connection.hasEarlyFin = false;
}

/** False when there is no memory for it: dropped, the peer will send it again. */
function takeInOrder(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, receiveBuffer, reassembly } = connection;
  if (!layer.holdings.mayReceive(receiveBuffer)) {
    // Those who do not read must not bring everybody else to a stop.
    connection.mustAcknowledge = true;
    layer.drop(segment, DropReason.TCP_RECEIVE_BUFFER_FULL);
    return false;
  }
  if (reassembly.count > 0) {
    const end = reassembly.overlay(segment.packet!, segment.sequence, (segment.sequence + segment.length) | 0);
    layer.accounts.unholdFrames(reassembly.takenFrames);
    segment.frames = (segment.frames + reassembly.takenFrames) | 0;
    segment.length = (end - segment.sequence) | 0;
  }
  const { length, frames } = segment;
  const packet = segment.takePacket();
  if (connection.isReadShut) {
    packet.release();
    layer.accounts.handleFrames(frames);
  } else {
    receiveBuffer.push(packet);
    layer.accounts.deliverFrames(frames);
    connection.tellReadable();
  }
  connection.receiveNext = (connection.receiveNext + length) | 0;
  connection.counts[Count.BYTES_RECEIVED]! += length;
  // RFC 5681 §4.2: a segment that fills all or part of a gap is acknowledged at once.
  if (reassembly.count > 0) acknowledgeAtOnce(connection);
  acknowledgeText(connection, length, frames, now);
  return true;
}

/** A gap was filled: what waited behind it is in order now. */
function takeReassembled(connection: ControlBlock): void {
  const { layer, reassembly, receiveBuffer } = connection;
  const packet = reassembly.take(connection.receiveNext);
  const frames = reassembly.takenFrames;
  layer.accounts.unholdFrames(frames);
  if (packet === null) {
    if (frames > 0) layer.accounts.countDrops(frames, DropReason.TCP_DUPLICATE);
    return;
  }
  const length = (reassembly.takenEnd - connection.receiveNext) | 0;
  connection.receiveNext = reassembly.takenEnd;
  connection.counts[Count.BYTES_RECEIVED]! += length;
  layer.accounts.deliverFrames(frames);
  if (connection.isReadShut) packet.release();
  else {
    receiveBuffer.push(packet);
    connection.tellReadable();
  }
}

/** Text ahead of a gap is kept (RFC 9293 §3.10.7.4, SHLD-31) and acknowledged at once (MAY-13; RFC 5681 §4.2). */
function keepOutOfOrder(connection: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, reassembly } = connection;
  acknowledgeAtOnce(connection);
  // Without SACK the sender counts duplicates: one for each segment, not one for the burst.
  if (!connection.hasSelectiveAcknowledgements) layer.acknowledgeNow(connection, now);
  if (segment.length === 0) {
    layer.handled(segment);
    return;
  }
  const { frames } = segment;
  connection.counts[Count.OUT_OF_ORDER]! += frames;
  if (layer.isShortOfPackets() || !layer.shortage.mayKeep(connection)) {
    layer.drop(segment, DropReason.TCP_OUT_OF_ORDER_LIMIT);
    return;
  }
  const end = (segment.sequence + segment.length) | 0;
  const before = reassembly.count;
  if (reassembly.insert(segment.packet!, segment.sequence, end, frames, maximumRanges(connection))) {
    segment.packet = null;
    layer.accounts.holdFrames(frames);
    layer.shortage.noteGap(connection);
    return;
  }
  const isDuplicate =
    reassembly.latest >= 0 && reassembly.count === before && isCovered(connection, segment.sequence, end);
  if (isDuplicate && connection.hasSelectiveAcknowledgements) {
    connection.duplicateStart = segment.sequence;
    connection.duplicateEnd = end;
  }
  layer.drop(segment, isDuplicate ? DropReason.TCP_DUPLICATE : DropReason.TCP_OUT_OF_ORDER_LIMIT);
}

/** Each may take a frame: no more of them than a window of small segments has gaps, however short they are (CVE-2018-5390). */
function maximumRanges(connection: ControlBlock): number {
  return Math.min(LEAST_RANGES + (connection.receiveWindow.limit >> 10), connection.layer.settings.maximumRanges);
}

function isCovered(connection: ControlBlock, start: number, end: number): boolean {
  const { reassembly } = connection;
  const at = reassembly.latest;
  return seq.isLessOrEqual(reassembly.starts[at]!, start) && seq.isGreaterOrEqual(reassembly.ends[at]!, end);
}

/**
 * Eighth, check the FIN bit: everything before it has been received. The application sees the end of a stream (§3.6,
 * MUST-12).
 */
function finArrives(connection: ControlBlock, now: Instant): void {
  const { layer, reassembly } = connection;
  connection.receiveNext = (connection.receiveNext + 1) | 0;
  connection.isFinReceived = true;
  connection.hasEarlyFin = false;
  connection.mustAcknowledge = true;
  // Text behind a FIN is none.
  const beyond = reassembly.clear();
  if (beyond > 0) {
    layer.accounts.unholdFrames(beyond);
    layer.accounts.countDrops(beyond, DropReason.TCP_AFTER_CLOSE);
  }
  switch (connection.state) {
    case State.ESTABLISHED:
      connection.state = State.CLOSE_WAIT;
      break;
    case State.FIN_WAIT_1:
      // Ours is not acknowledged, or the state would be FIN-WAIT-2 by now.
      connection.state = State.CLOSING;
      break;
    case State.FIN_WAIT_2:
      layer.acknowledgeNow(connection, now);
      connection.tellReadable();
      enterTimeWait(connection, now);
      return;
    default:
      break;
  }
  connection.tellReadable();
}
