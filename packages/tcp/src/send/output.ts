import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { seq, tcp } from '@prism-net/wire';
import { abort } from '../closing.js';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import { defaultSegmentSize } from '../default-segment-size.js';
import { followPath } from '../path/path-mtu.js';
import { State } from '../state.js';
import { transmitSyn } from './handshake.js';
import type { Pacer } from './pacer.js';
import { pace } from './pacing.js';
import { sackLength, transmit, transmitEmpty } from './segment-writer.js';
import { takeText, textSum } from './text-packets.js';

const { ACK, CWR, FIN, PSH } = tcp.Flag;
/** Largest IP datagram, and so the largest virtual segment with its headers. */
const LARGEST_DATAGRAM = 65_535;
/** Room for the longest headers, TCP options included. */
const LONGEST_HEADERS = 100;
/** Bytes one connection sends before others have their turn. */
const TURN = 262_144;
/** RFC 9293 §3.8.3, SHLD-10: after so many retransmissions the application hears of the trouble. */
const R1 = 3;

/** Sends what the connection has to send and may: lost segments, new text, FIN, or a bare acknowledgement. */
export function output(block: ControlBlock, now: Instant): void {
  const { path, state, layer, recovery } = block;
  if (path === null || state === State.CLOSED || state === State.LISTEN) return;
  if (!followRoute(block)) {
    block.timers.update(now);
    return;
  }
  if (state >= State.ESTABLISHED) {
    const room = path.network.room(path);
    const pacer = pace(block, now);
    block.isHeldBack = !sendAll(block, room, pacer, now);
    if (block.isHeldBack) layer.hold(block);
    if (pacer !== null) pacer.isBacklogged = pacer.isWaiting || block.isHeldBack;
    if (recovery.records.keepsRates && (pacer === null || !pacer.isBacklogged)) noteApplicationLimit(block);
    if (block.mustAcknowledge && !sendAcknowledgement(block, now)) block.timers.delayAcknowledgement(now);
  } else {
    retransmitSyn(block, now);
  }
  block.timers.update(now);
}

/** draft-ietf-ccwg-bbr, "Detecting application-limited phases". */
function noteApplicationLimit(block: ControlBlock): void {
  const { recovery, sendBuffer } = block;
  if (((sendBuffer.end - recovery.next) | 0) < block.segmentSize) recovery.limitedByApplication();
}

/** To be asked before anything is sent: there is a way to the peer, and the segment size is what it takes. */
export function followRoute(block: ControlBlock): boolean {
  const path = block.path!;
  if (!path.network.refresh(path)) {
    // A soft error: routes may come back.
    if (block.softError !== Errno.ENETUNREACH) block.report(Errno.ENETUNREACH);
    block.softError = Errno.ENETUNREACH;
    return false;
  }
  if (path.mtu !== block.pathMtu || block.searchedSegmentSize > 0) followPath(block);
  return true;
}

/** ACK with the present numbers; false when the pool is empty. */
export function sendAcknowledgement(block: ControlBlock, now: Instant): boolean {
  const sent = transmitEmpty(block, block.recovery.next, ACK, now);
  if (sent) block.observed(null, now);
  return sent;
}

/** False when the interface, or the turn, is full and more could be sent. */
function sendAll(block: ControlBlock, given: number, pacer: Pacer | null, now: Instant): boolean {
  let room = given;
  if (block.recovery.nextLost() >= 0) {
    room = retransmitLost(block, room, pacer, now);
    if (room <= 0) return false;
    if (pacer?.isWaiting) return true;
  }
  if (!block.hasUnsent) return true;
  return sendNew(block, room, false, now);
}

function retransmitSyn(block: ControlBlock, now: Instant): void {
  const { recovery } = block;
  const index = recovery.nextLost();
  if (index >= 0) {
    transmitSyn(block, now);
    block.counts[Count.RETRANSMITTED]! += 1;
    recovery.onRetransmitted(index, now);
  } else if (block.mustAcknowledge) {
    // RFC 9293 §3.10.7.4: also in SYN-RECEIVED what is not acceptable gets <SEQ=SND.NXT><ACK=RCV.NXT><CTL=ACK>.
    sendAcknowledgement(block, now);
  }
}

/** Sends lost segments again as far as the window of congestion allows; returns the room that is left. */
function retransmitLost(block: ControlBlock, given: number, pacer: Pacer | null, now: Instant): number {
  const { recovery } = block;
  let room = given;
  for (;;) {
    const index = recovery.nextLost();
    if (index < 0) return room;
    if (room <= 0) return 0;
    const start = recovery.recordStart(index);
    const end = recovery.recordEnd(index);
    const length = (end - start) | 0;
    // The first may always go: the timer asked for it, or recovery starts with it.
    if (recovery.allowance() < Math.min(length, block.segmentSize)) return room;
    // RFC 9293 §3.8.6, SHLD-16: not beyond a window that has shrunk, but for the first segment, which probes it
    // (MAY-7).
    if (start !== recovery.unacknowledged && seq.isGreater(end, block.sendWindowEnd)) return room;
    if (pacer !== null && !recovery.mustRetransmit && !pacer.mayPass()) return room;
    if (!retransmit(block, index, lastTogether(block, index, start), now)) return 0;
    room = (room - 1) | 0;
  }
}

/**
 * The last of the lost records from `index` on that go into one segment (RFC 1122 §4.2.2.15): what was written byte by
 * byte would else be sent again in hundreds of segments at once, for the window counts bytes. Together they are no longer
 * than every path carries, so that this says nothing about the search for a smaller segment.
 */
function lastTogether(block: ControlBlock, index: number, start: number): number {
  const { recovery } = block;
  const size = Math.min(block.segmentSize, defaultSegmentSize(block.path!.network.family));
  const most = Math.min((size - sackLength(block)) | 0, recovery.allowance());
  let last = index;
  for (;;) {
    const next = (last + 1) | 0;
    if (!recovery.isLost(next)) return last;
    const end = recovery.recordEnd(next);
    if (((end - start) | 0) > most || seq.isGreater(end, block.sendWindowEnd)) return last;
    last = next;
  }
}

/** Sends the records from `index` to `last` again; false when the pool is empty. */
export function retransmit(block: ControlBlock, index: number, last: number, now: Instant): boolean {
  const { recovery, sendBuffer } = block;
  const start = recovery.recordStart(index);
  const end = recovery.recordEnd(last);
  const hasFin = block.isFinSent && seq.isGreater(end, sendBuffer.end);
  const length = ((hasFin ? sendBuffer.end : end) - start) | 0;
  let flags = ACK;
  // RFC 9293 §3.9.1.2, MUST-61.
  if (length > 0 && seq.isGreaterOrEqual(end, sendBuffer.end)) flags |= PSH;
  if (hasFin) flags |= FIN;
  // RFC 3168 §6.1.5: retransmissions are not ECN-capable.
  if (!sendAgain(block, start, length, flags, now)) return false;
  block.counts[Count.RETRANSMITTED]! += 1;
  for (let each = index; each <= last; each = (each + 1) | 0) recovery.onRetransmitted(each, now);
  if (block.pacer !== null) block.pacer.onSent(length);
  block.observed(null, now);
  return true;
}

/**
 * Sends text for the first time, and the FIN behind it. `isOverride`: a short segment goes in spite of Nagle and of a
 * window that is small (RFC 9293 §3.8.6.2.1 (4)). False when room or turn is used up.
 */
export function sendNew(block: ControlBlock, given: number, isOverride: boolean, now: Instant): boolean {
  const { layer, pacer, recovery, sendBuffer } = block;
  const size = (block.segmentSize - sackLength(block)) | 0;
  let room = given;
  let turn = TURN;
  if (recovery.next === recovery.unacknowledged) {
    recovery.resume(now); // RFC 5681 §4.1
    block.waitingSince = block.layer.milliseconds;
    // Nothing is out, so nothing short is: a stale mark would mean the future after 2^31 bytes.
    block.lastShortEnd = recovery.unacknowledged;
  }
  while (block.hasUnsent) {
    const next = recovery.next;
    const unsent = (sendBuffer.end - next) | 0;
    if (!recovery.canRecord()) return true;
    if (turn <= 0) layer.hasTurnsLeft = true;
    if (room <= 0 || turn <= 0) return false;
    const offered = (block.sendWindowEnd - next) | 0;
    const allowed = recovery.allowance();
    if (unsent === 0) return sendFin(block, offered, now);
    let length = Math.min(offered, unsent);
    if (allowed < length) length = allowed;
    // RFC 9293 §3.8.6, SHLD-15: negative where the window has shrunk.
    if (length <= 0) return true;
    if (pacer !== null && !isOverride && pacer.rate !== 0) {
      if (!pacer.mayPass()) return true;
      if (length > pacer.quantum) length = pacer.quantum;
    }
    // The last packets are kept for acknowledgements, for what was lost, and for what the links receive.
    const spare = (layer.pool.available - (layer.pool.region.frames >> 4)) | 0;
    if (spare < block.segmentFrames) return false;
    if (length < size) {
      if (!maySendShort(block, length, unsent, offered, isOverride)) return true;
    } else if (length > size) {
      length = wholeSegments(block, length, size, unsent, Math.min(room, (spare + 1) >> 1));
    }
    // RFC 9293 §3.9.1.2, MUST-61: PSH says that nothing more waits here; SHLD-27: once, however many writes there were.
    const isLast = length === unsent;
    // RFC 9293 §3.8.6.2.1: FIN goes with the last text where the window has room for it.
    const hasFin = isLast && block.isFinQueued && offered > length;
    let flags = isLast ? ACK | PSH : ACK;
    if (hasFin) flags |= FIN;
    if (recovery.congestionWindowReduced) {
      if (block.hasEcn) flags |= CWR; // RFC 3168 §6.1.2
      recovery.congestionWindowReduced = false;
    }
    const packet = takeText(block, next, length, size);
    if (packet === null) return false;
    const segments = recordSent(block, next, length, size, hasFin, now);
    transmit(block, packet, next, flags, length, textSum, true, now);
    if (length < size || (isLast && length % size !== 0)) block.lastShortEnd = recovery.next;
    if (hasFin) block.isFinSent = true;
    if (pacer !== null) pacer.onSent(length);
    block.counts[Count.BYTES_SENT]! += length;
    block.lastSentAt = now;
    room = (room - segments) | 0;
    turn = (turn - length) | 0;
    block.observed(null, now);
  }
  return true;
}

/**
 * Whole segments (RFC 9293 §3.9.1.2, SHLD-28), up to what a virtual one holds; the short rest may come along at the end
 * when nothing holds it back.
 */
function wholeSegments(block: ControlBlock, given: number, size: number, unsent: number, room: number): number {
  let length = given;
  const most = Math.min(room, ((LARGEST_DATAGRAM - LONGEST_HEADERS) / size) | 0 || 1, block.recovery.recordsFree);
  // A segment that takes several frames is sent by itself, where the virtual one would have to be cut.
  const isAlone = block.segmentFrames > 1 && !block.path!.takesVirtualSegments;
  const limit = Math.imul(isAlone ? 1 : most, size);
  if (length > limit) return limit;
  const rest = (length % size) | 0;
  if (rest !== 0 && !(length === unsent && isShortAllowed(block))) length = (length - rest) | 0;
  return length;
}

/** One record for each segment on the wire; returns their number. */
function recordSent(
  block: ControlBlock,
  start: number,
  length: number,
  size: number,
  hasFin: boolean,
  now: Instant,
): number {
  const { recovery } = block;
  const end = (start + length + (hasFin ? 1 : 0)) | 0;
  if (length <= size) {
    recovery.onSent(end, now);
    return 1;
  }
  const segments = ((length + size - 1) / size) | 0;
  if (size === block.segmentSize && !hasFin) {
    recovery.onSent(end, now);
    return segments;
  }
  // Blocks of SACK make the segments shorter than recovery would cut its records.
  let at = start;
  for (let i = 1; i < segments; i = (i + 1) | 0) {
    at = (at + size) | 0;
    recovery.onSent(at, now);
  }
  recovery.onSent(end, now);
  return segments;
}

/** Text, or a FIN alone, for another time; after path MTU discovery it may have become several segments. */
function sendAgain(block: ControlBlock, sequence: number, length: number, flags: number, now: Instant): boolean {
  if (length === 0) return transmitEmpty(block, sequence, flags, now);
  const size = (block.segmentSize - sackLength(block)) | 0;
  const packet = takeText(block, sequence, length, size);
  if (packet === null) return false;
  transmit(block, packet, sequence, flags, length, textSum, false, now);
  return true;
}

function sendFin(block: ControlBlock, offered: number, now: Instant): boolean {
  const { recovery } = block;
  if (offered <= 0) return true;
  if (!transmitEmpty(block, recovery.next, FIN | ACK, now)) return false;
  recovery.onSent((recovery.next + 1) | 0, now);
  block.isFinSent = true;
  block.lastSentAt = now;
  block.observed(null, now);
  return true;
}

/** Sender's silly-window avoidance and Nagle's algorithm (RFC 9293 §3.8.6.2.1, MUST-38; §3.7.4, SHLD-7). */
function maySendShort(
  block: ControlBlock,
  length: number,
  unsent: number,
  offered: number,
  isOverride: boolean,
): boolean {
  if (isOverride) return true;
  if (length === unsent) return isShortAllowed(block);
  // (3): half of the largest window ever offered, where it is the peer's window that is small.
  return length === offered && length >= block.maximumSendWindow >> 1;
}

function isShortAllowed(block: ControlBlock): boolean {
  if (block.isFinQueued) return true;
  if (block.cork) return false; // RFC 9293 §3.9.1.2, MAY-16
  if (block.noDelay) return true; // RFC 9293 §3.7.4, MUST-17
  // Minshall's variant: only a short segment that is still out holds the next one back.
  return seq.isLessOrEqual(block.lastShortEnd, block.recovery.unacknowledged);
}

/**
 * The retransmission timer expired: gives up, or looks for a smaller segment, else lets {@link output} send again.
 * `unanswered`: the segments in a row, this one apart, to which the peer has said nothing.
 */
export function timedOut(block: ControlBlock, unanswered: number, now: Instant): void {
  const { recovery, layer } = block;
  const isSynchronizing = block.state < State.ESTABLISHED;
  // RFC 9293 §3.8.6, SHLD-17: what the peer has taken its window back from may wait; the retransmission is a probe (MUST-35).
  const shut = isShut(block);
  if (shut ? isSilent(block, unanswered) : isGivenUp(block, isSynchronizing)) {
    giveUp(block, now);
    return;
  }
  // It says nothing about the path.
  if (shut) recovery.consecutiveTimeouts = 0;
  // RFC 9293 §3.8.3, SHLD-9.
  else if (recovery.consecutiveTimeouts === R1) block.report(Errno.ETIMEDOUT);
  layer.markPending(block);
}

/** RFC 9293 §3.8.3, MUST-20 (d) and MUST-21: R2 is the user's timeout, or a number of retransmissions. */
function isGivenUp(block: ControlBlock, isSynchronizing: boolean): boolean {
  const { recovery, layer, userTimeout } = block;
  if (userTimeout > 0) return userTimeLeft(block) === 0;
  const { synRetransmissions, retransmissions } = layer.settings;
  // RFC 9293 §3.8.3, MUST-22: a SYN is counted like anything else, with an R2 of its own.
  return recovery.consecutiveTimeouts > (isSynchronizing ? synRetransmissions : retransmissions);
}

/**
 * Milliseconds that what is out may still stay unacknowledged (RFC 5482 §1); -1: as long as it takes, because the user has
 * set no time or the peer's window is shut.
 */
export function userTimeLeft(block: ControlBlock): number {
  const { userTimeout, layer, waitingSince } = block;
  if (userTimeout === 0 || isShut(block)) return -1;
  return Math.max(0, userTimeout - ((layer.milliseconds - waitingSince) | 0));
}

/** RFC 9293 §3.8.3, MUST-20 (c): R2 was reached. */
export function giveUp(block: ControlBlock, now: Instant): void {
  abort(block, block.softError === Errno.NONE ? Errno.ETIMEDOUT : block.softError, now);
}

function isShut(block: ControlBlock): boolean {
  return block.state >= State.ESTABLISHED && block.sendWindow === 0;
}

/** RFC 9293 §3.8.6.1, MUST-37: a peer that answers may keep its window closed for ever; one that does not, may not. */
export function isSilent(block: ControlBlock, unanswered: number): boolean {
  if (unanswered === 0) return false;
  const { layer, userTimeout } = block;
  const silence = (layer.milliseconds - block.lastReceivedAt) | 0;
  return userTimeout > 0 ? silence >= userTimeout : unanswered > layer.settings.retransmissions;
}
