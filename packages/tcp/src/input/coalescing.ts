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
export function coalesce(connection: ControlBlock, segment: Segment, now: Instant): boolean {
  const { options, length } = segment;
  const isPlain =
    length > 0 &&
    (segment.flags & ~PSH) === ACK &&
    options.sackCount === 0 &&
    !options.isMalformed &&
    connection.state >= State.ESTABLISHED &&
    connection.reassembly.count === 0;
  if (connection.heldPacket !== null) {
    if (isPlain && fits(connection, segment)) {
      append(connection, segment);
      return true;
    }
    releaseHeld(connection, now);
  }
  return isPlain && isInOrder(connection, segment) && hold(connection, segment);
}

/** It is what the connection waits for. Behind a gap each segment counts, and old ones must not take good ones along. */
function isInOrder(connection: ControlBlock, segment: Segment): boolean {
  return (
    segment.sequence === connection.receiveNext &&
    connection.state >= State.ESTABLISHED &&
    (!connection.hasTimestamps || ((segment.options.timestampValue - connection.timestampRecent) | 0) >= 0)
  );
}

/** Hands the held segment to TCP. */
export function releaseHeld(connection: ControlBlock, now: Instant): void {
  if (connection.heldPacket === null) return;
  const held = connection.layer.heldSegment;
  // Of one that an exception of a user's congestion control has left unfinished.
  if (held.packet !== null) connection.layer.drop(held, DropReason.TCP_AFTER_CLOSE);
  held.packet = connection.heldPacket;
  connection.heldPacket = null;
  connection.heldLast = null;
  held.sequence = connection.heldSequence;
  held.acknowledgement = connection.heldAcknowledgement;
  held.flags = connection.heldFlags;
  held.window = connection.heldWindow;
  held.length = connection.heldLength;
  held.frames = connection.heldFrames;
  held.ecn = connection.heldEcn;
  held.options.hasTimestamps = connection.heldHasTimestamps;
  held.options.timestampValue = connection.heldTimestampValue;
  held.options.timestampEcho = connection.heldTimestampEcho;
  segmentArrives(connection, held, now);
}

function hold(connection: ControlBlock, segment: Segment): boolean {
  const { options } = segment;
  const packet = segment.takePacket();
  connection.heldPacket = packet;
  let last = packet;
  while (last.nextSegment !== null) last = last.nextSegment;
  connection.heldLast = last;
  connection.heldSequence = segment.sequence;
  connection.heldLength = segment.length;
  connection.heldAcknowledgement = segment.acknowledgement;
  connection.heldFlags = segment.flags;
  connection.heldWindow = segment.window;
  connection.heldEcn = segment.ecn;
  connection.heldFrames = segment.frames;
  connection.heldHasTimestamps = options.hasTimestamps;
  connection.heldTimestampValue = options.timestampValue;
  connection.heldTimestampEcho = options.timestampEcho;
  connection.layer.keepHeld(connection);
  return true;
}

function fits(connection: ControlBlock, segment: Segment): boolean {
  const { options } = segment;
  return (
    segment.sequence === ((connection.heldSequence + connection.heldLength) | 0) &&
    segment.acknowledgement === connection.heldAcknowledgement &&
    segment.window === connection.heldWindow &&
    segment.ecn === connection.heldEcn &&
    options.hasTimestamps === connection.heldHasTimestamps &&
    // The first timestamp is the one to echo (RFC 7323 §4.3 (c)); a later one must not be older.
    ((options.timestampValue - connection.heldTimestampValue) | 0) >= 0 &&
    ((connection.heldLength + segment.length) | 0) <= LARGEST
  );
}

function append(connection: ControlBlock, segment: Segment): void {
  const packet = segment.takePacket();
  connection.heldLast!.nextSegment = packet;
  let last = packet;
  while (last.nextSegment !== null) last = last.nextSegment;
  connection.heldLast = last;
  connection.heldLength = (connection.heldLength + segment.length) | 0;
  connection.heldFrames = (connection.heldFrames + segment.frames) | 0;
  connection.heldFlags |= segment.flags & PSH;
}
