import type { Instant } from '@prism-net/time';
import { DropReason, tcp } from '@prism-net/wire';
import type { ControlBlock } from '../control-block.js';
import type { Segment } from '../segment.js';
import { State } from '../state.js';
import { segmentArrives } from './segment-arrives.js';

const { ACK, PSH } = tcp.Flag;
/** Text held together at most: what a virtual segment may carry. */
const LARGEST = 65_536;

/**
 * Receive coalescing in software: text segments of one connection that follow each other in a burst become one large
 * segment, and TCP judges it, queues it and acknowledges it once (RFC 9293 §3.10.7.4, MUST-58). Held until the end of
 * the burst, or until something comes that does not fit. Returns true when the segment's packet was taken.
 */
export function coalesce(block: ControlBlock, segment: Segment, now: Instant): boolean {
  const { options, length } = segment;
  const isPlain =
    length > 0 &&
    (segment.flags & ~PSH) === ACK &&
    options.sackCount === 0 &&
    !options.isMalformed &&
    block.state >= State.ESTABLISHED &&
    block.reassembly.count === 0;
  if (block.heldPacket !== null) {
    if (isPlain && fits(block, segment)) {
      append(block, segment);
      return true;
    }
    releaseHeld(block, now);
  }
  return isPlain && isInOrder(block, segment) && hold(block, segment);
}

/** It is what the connection waits for. Behind a gap each segment counts, and old ones must not take good ones along. */
function isInOrder(block: ControlBlock, segment: Segment): boolean {
  return (
    segment.sequence === block.receiveNext &&
    block.state >= State.ESTABLISHED &&
    (!block.hasTimestamps || ((segment.options.timestampValue - block.timestampRecent) | 0) >= 0)
  );
}

/** Hands the held segment to TCP. */
export function releaseHeld(block: ControlBlock, now: Instant): void {
  if (block.heldPacket === null) return;
  const held = block.layer.heldSegment;
  // Of one that an exception of a link has left unfinished.
  if (held.packet !== null) block.layer.drop(held, DropReason.TCP_AFTER_CLOSE);
  held.packet = block.heldPacket;
  block.heldPacket = null;
  block.heldLast = null;
  held.sequence = block.heldSequence;
  held.acknowledgement = block.heldAcknowledgement;
  held.flags = block.heldFlags;
  held.window = block.heldWindow;
  held.length = block.heldLength;
  held.frames = block.heldFrames;
  held.ecn = block.heldEcn;
  held.options.hasTimestamps = block.heldHasTimestamps;
  held.options.timestampValue = block.heldTimestampValue;
  held.options.timestampEcho = block.heldTimestampEcho;
  segmentArrives(block, held, now);
}

function hold(block: ControlBlock, segment: Segment): boolean {
  const { options } = segment;
  const packet = segment.takePacket();
  block.heldPacket = packet;
  let last = packet;
  while (last.nextSegment !== null) last = last.nextSegment;
  block.heldLast = last;
  block.heldSequence = segment.sequence;
  block.heldLength = segment.length;
  block.heldAcknowledgement = segment.acknowledgement;
  block.heldFlags = segment.flags;
  block.heldWindow = segment.window;
  block.heldEcn = segment.ecn;
  block.heldFrames = segment.frames;
  block.heldHasTimestamps = options.hasTimestamps;
  block.heldTimestampValue = options.timestampValue;
  block.heldTimestampEcho = options.timestampEcho;
  block.layer.keepHeld(block);
  return true;
}

function fits(block: ControlBlock, segment: Segment): boolean {
  const { options } = segment;
  return (
    segment.sequence === ((block.heldSequence + block.heldLength) | 0) &&
    segment.acknowledgement === block.heldAcknowledgement &&
    segment.window === block.heldWindow &&
    segment.ecn === block.heldEcn &&
    options.hasTimestamps === block.heldHasTimestamps &&
    // The first timestamp is the one to echo (RFC 7323 §4.3 (c)); a later one must not be older.
    ((options.timestampValue - block.heldTimestampValue) | 0) >= 0 &&
    ((block.heldLength + segment.length) | 0) <= LARGEST
  );
}

function append(block: ControlBlock, segment: Segment): void {
  const packet = segment.takePacket();
  block.heldLast!.nextSegment = packet;
  let last = packet;
  while (last.nextSegment !== null) last = last.nextSegment;
  block.heldLast = last;
  block.heldLength = (block.heldLength + segment.length) | 0;
  block.heldFrames = (block.heldFrames + segment.frames) | 0;
  block.heldFlags |= segment.flags & PSH;
}
