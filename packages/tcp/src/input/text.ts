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
export function textArrives(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer } = block;
  if (!block.canReceiveText) {
    // CLOSE-WAIT and later: "this should not occur, since a FIN has been received". Only a repetition is harmless.
    if (segment.length > 0 || seq.isGreaterOrEqual(segment.sequence, block.receiveNext)) {
      block.mustAcknowledge = true;
    }
    layer.drop(segment, DropReason.TCP_AFTER_CLOSE);
    return;
  }
  if (segment.length > 0 && block.isOrphan) {
    // RFC 9293 §3.6.1, SHLD-3; RFC 2525 §2.17: text for an application that has gone. The peer must not believe it was
    // read.
    layer.drop(segment, DropReason.TCP_AFTER_CLOSE);
    abort(block, Errno.NONE, now);
    return;
  }
  const hasFin = (segment.flags & FIN) !== 0;
  const finSequence = (segment.sequence + segment.length) | 0;
  if (segment.sequence === block.receiveNext) {
    if (segment.length === 0) layer.handled(segment);
    else if (!takeInOrder(block, segment, now)) return;
    if (block.reassembly.count > 0) takeReassembled(block);
  } else {
    keepOutOfOrder(block, segment, now);
  }
  if (hasFin && seq.isGreaterOrEqual(finSequence, block.receiveNext)) {
    block.hasEarlyFin = true;
    block.earlyFinSequence = finSequence;
  }
  if (!block.hasEarlyFin) return;
  if (block.earlyFinSequence === block.receiveNext) finArrives(block, now);
  // Text that goes on behind a FIN shows that it was none; it must not be found four gigabytes later.
  else if (seq.isLess(block.earlyFinSequence, block.receiveNext)) block.hasEarlyFin = false;
}

/** False when there is no memory for it: dropped, the peer will send it again. */
function takeInOrder(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { layer, receiveBuffer, reassembly } = block;
  if (!layer.holdings.mayReceive(receiveBuffer)) {
    // Those who do not read must not bring everybody else to a stop.
    block.mustAcknowledge = true;
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
  if (block.isReadShut) {
    packet.release();
    layer.accounts.handleFrames(frames);
  } else {
    receiveBuffer.push(packet);
    layer.accounts.deliverFrames(frames);
    block.tellReadable();
  }
  block.receiveNext = (block.receiveNext + length) | 0;
  block.counts[Count.BYTES_RECEIVED]! += length;
  // RFC 5681 §4.2: a segment that fills all or part of a gap is acknowledged at once.
  if (reassembly.count > 0) acknowledgeAtOnce(block);
  acknowledgeText(block, length, frames, now);
  return true;
}

/** A gap was filled: what waited behind it is in order now. */
function takeReassembled(block: ControlBlock): void {
  const { layer, reassembly, receiveBuffer } = block;
  const packet = reassembly.take(block.receiveNext);
  const frames = reassembly.takenFrames;
  layer.accounts.unholdFrames(frames);
  if (packet === null) {
    if (frames > 0) layer.accounts.countDrops(frames, DropReason.TCP_DUPLICATE);
    return;
  }
  const length = (reassembly.takenEnd - block.receiveNext) | 0;
  block.receiveNext = reassembly.takenEnd;
  block.counts[Count.BYTES_RECEIVED]! += length;
  layer.accounts.deliverFrames(frames);
  if (block.isReadShut) packet.release();
  else {
    receiveBuffer.push(packet);
    block.tellReadable();
  }
}

/** Text ahead of a gap is kept (RFC 9293 §3.10.7.4, SHLD-31) and acknowledged at once (MAY-13; RFC 5681 §4.2). */
function keepOutOfOrder(block: ControlBlock, segment: Segment, now: Instant): void {
  const { layer, reassembly } = block;
  acknowledgeAtOnce(block);
  // Without SACK the sender counts duplicates: one for each segment, not one for the burst.
  if (!block.hasSelectiveAcknowledgements) layer.acknowledgeNow(block, now);
  if (segment.length === 0) {
    layer.handled(segment);
    return;
  }
  const { frames } = segment;
  block.counts[Count.OUT_OF_ORDER]! += frames;
  if (layer.isShortOfPackets() || !layer.shortage.mayKeep(block)) {
    layer.drop(segment, DropReason.TCP_OUT_OF_ORDER_LIMIT);
    return;
  }
  const end = (segment.sequence + segment.length) | 0;
  const before = reassembly.count;
  if (reassembly.insert(segment.packet!, segment.sequence, end, frames, maximumRanges(block))) {
    segment.packet = null;
    layer.accounts.holdFrames(frames);
    layer.shortage.noteGap(block);
    return;
  }
  const isDuplicate = reassembly.latest >= 0 && reassembly.count === before && isCovered(block, segment.sequence, end);
  if (isDuplicate && block.hasSelectiveAcknowledgements) {
    block.duplicateStart = segment.sequence;
    block.duplicateEnd = end;
  }
  layer.drop(segment, isDuplicate ? DropReason.TCP_DUPLICATE : DropReason.TCP_OUT_OF_ORDER_LIMIT);
}

/** Each may take a frame: no more of them than a window of small segments has gaps, however short they are (CVE-2018-5390). */
function maximumRanges(block: ControlBlock): number {
  return Math.min(LEAST_RANGES + (block.receiveWindow.limit >> 10), block.layer.settings.maximumRanges);
}

function isCovered(block: ControlBlock, start: number, end: number): boolean {
  const { reassembly } = block;
  const at = reassembly.latest;
  return seq.isLessOrEqual(reassembly.starts[at]!, start) && seq.isGreaterOrEqual(reassembly.ends[at]!, end);
}

/**
 * Eighth, check the FIN bit: everything before it has been received. The application sees the end of a stream (§3.6,
 * MUST-12).
 */
function finArrives(block: ControlBlock, now: Instant): void {
  const { layer, reassembly } = block;
  block.receiveNext = (block.receiveNext + 1) | 0;
  block.isFinReceived = true;
  block.hasEarlyFin = false;
  block.mustAcknowledge = true;
  // Text behind a FIN is none.
  const beyond = reassembly.clear();
  if (beyond > 0) {
    layer.accounts.unholdFrames(beyond);
    layer.accounts.countDrops(beyond, DropReason.TCP_AFTER_CLOSE);
  }
  switch (block.state) {
    case State.ESTABLISHED:
      block.state = State.CLOSE_WAIT;
      break;
    case State.FIN_WAIT_1:
      // Ours is not acknowledged, or the state would be FIN-WAIT-2 by now.
      block.state = State.CLOSING;
      break;
    case State.FIN_WAIT_2:
      layer.acknowledgeNow(block, now);
      block.tellReadable();
      enterTimeWait(block, now);
      return;
    default:
      break;
  }
  block.tellReadable();
}
