import { addWord32, finishSum, foldSum, type Packet, type PatchedBytes } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { PreparedFrame } from '@prism-net/ethernet';
import type { Instant } from '@prism-net/time';
import { seq, tcp } from '@prism-net/wire';
import { abort } from '../closing.js';
import type { Connection } from '../connection.js';
import { Count } from '../connection-counts.js';
import type { ControlBlock } from '../control-block.js';
import { acknowledged } from '../receive/acknowledgement-policy.js';
import { RecoveryPhase } from '../recovery/index.js';
import { canSend } from '../state.js';
import { sackLength, transmit } from './segment-writer.js';
import { refuse, writeError } from './writing.js';

const { ACK, PSH } = tcp.Flag;
const HEADER = tcp.MINIMUM_HEADER_LENGTH;
/** From the start of the TCP header. */
const SEQUENCE = 4;
const ACKNOWLEDGEMENT = 8;
const WINDOW = 14;
const CHECKSUM = 16;
/** Behind NOP, NOP, kind and length: RFC 7323 appendix A. */
const TIMESTAMP_VALUE = HEADER + 4;
const TIMESTAMP_ECHO = HEADER + 8;
/** Packets that must be left beside those for acknowledgements and losses: for a copy of the text, and for what a link copies. */
const SPARE = 8;

/**
 * Text of a connection that is ready to leave as one segment: the frame with all its headers stands in a packet, and a send
 * writes sequence number, acknowledgement, window and timestamps into it, takes the checksum from the sum of the text that
 * patches keep (RFC 1624), and hands it to the interface. Only then is the text added to the send buffer, recorded and timed
 * like any other segment: loss recovery does not know about templates.
 *
 * A frame is fired when `output` would do just that and nothing else: the connection is established, nothing waits to be
 * sent or sent again, the windows of peer and congestion control have room, nothing is paced, nothing is owed but an
 * acknowledgement. Else the text is written whole to the send buffer, or not at all, and leaves when it may.
 */
export class SegmentTemplate {
  readonly payload: PatchedBytes;
  /** The last send left something to be done by a poll. */
  needsPoll = false;
  readonly #connection: Connection;
  readonly #frame: PreparedFrame;
  /** What the frame was made from; the header's length is 0 while there is no frame. */
  #headerLength = 0;
  #routeGeneration = 0;
  #trafficClass = 0;
  #timeToLive = 0;
  /** The sum of pseudo-header and header but for what a send writes. */
  #headerSum = 0;
  #completesChecksum = false;

  /** Takes the packet, whose data is the text; made by `Connection.template`. */
  constructor(connection: Connection, packet: Packet) {
    this.#connection = connection;
    this.#frame = new PreparedFrame(packet, connection.layer.pool);
    this.payload = this.#frame.payload;
    this.payload.sum = packet.memory.sum(packet.offset, packet.length, 0);
    const { block } = connection;
    if (block !== null && sackLength(block) === 0) this.#prepare(block, 0);
  }

  get isClosed(): boolean {
    return this.#frame.isClosed;
  }

  /**
   * Sends the text as the next of the stream, and hands it to the link before it returns where TCP allows it to leave; with
   * `flush` false it waits for the next poll. Returns its length; 0 when it does not fit the send buffer whole (`writable`
   * will tell); or a negative error number: that of a write, and -EBADF once closed.
   */
  send(flush: boolean, now: Instant): number {
    const { block } = this.#connection;
    if (this.#frame.isClosed || block === null) return -Errno.EBADF;
    if (!this.#mayFire(block) || !(this.#isFrameCurrent(block) || this.#prepare(block, now))) {
      return this.#sendPlain(block, flush, now);
    }
    const frame = this.#frame;
    const packet = frame.next();
    if (packet === null) return this.#sendPlain(block, flush, now);
    block.layer.enter(now);
    this.#stamp(block, packet, block.receiveWindow.advertise(block));
    frame.send(packet, flush);
    this.needsPoll = frame.interface!.transmitQueued !== 0;
    this.#note(block, now);
    frame.load();
    return this.payload.length;
  }

  /** Does what {@link send} would, up to the link, where nothing arrives; returns what it would, and changes nothing. */
  warm(now: Instant): number {
    const { block } = this.#connection;
    if (this.#frame.isClosed || block === null) return -Errno.EBADF;
    const errno = writeError(block, true);
    if (errno !== Errno.NONE) return -errno;
    const { length } = this.payload;
    if (!block.sendBuffer.hasRoomFor(length)) return 0;
    if (!this.#mayFire(block) || !(this.#isFrameCurrent(block) || this.#prepare(block, now))) return length;
    const packet = this.#frame.next();
    if (packet === null) return length;
    this.#stamp(block, packet, block.receiveWindow.preview(block));
    this.#frame.rehearse(packet);
    return length;
  }

  /** Gives the packets back. Idempotent. */
  close(): void {
    if (this.#frame.isClosed) return;
    this.#frame.close();
    this.#connection.forgetTemplate(this);
  }

  /** Whether `output` would send this text now, by itself, in a segment that says nothing but ACK and PSH. */
  #mayFire(block: ControlBlock): boolean {
    const { recovery, sendBuffer, layer } = block;
    const { length } = this.payload;
    const { next, window } = recovery;
    if (!canSend(block.state) || block.isFinQueued || block.heldPacket !== null) return false;
    if (next !== sendBuffer.end || ((block.sendWindowEnd - next) | 0) < length) return false;
    if (recovery.phase !== RecoveryPhase.OPEN || recovery.congestionWindowReduced || recovery.nextLost() >= 0)
      return false;
    if (((window.window - recovery.inFlight) | 0) < window.maximumSegmentSize || isPaced(block)) return false;
    if (recovery.probe.isDue || !recovery.canRecord() || length > block.segmentSize) return false;
    if (length < block.segmentSize && !this.#mayBeShort(block)) return false;
    if (block.isEchoingCongestion || sackLength(block) !== 0) return false;
    if (layer.starved.size > 0 || block.turn !== 0) return false;
    const { available, region } = layer.pool;
    return sendBuffer.hasRoomFor(length) && available - (region.frames >> 4) >= SPARE;
  }

  /** Nagle's algorithm, as Minshall has it (RFC 9293 §3.7.4). */
  #mayBeShort(block: ControlBlock): boolean {
    if (block.cork) return false;
    const { next, unacknowledged } = block.recovery;
    return block.noDelay || next === unacknowledged || seq.isLessOrEqual(block.lastShortEnd, unacknowledged);
  }

  #isFrameCurrent(block: ControlBlock): boolean {
    const path = block.path!;
    if (this.#headerLength === 0 || path.ipv4Route.generation !== this.#routeGeneration) return false;
    if (!path.network.isCurrent(path) || path.mtu !== block.pathMtu || block.searchedSegmentSize > 0) return false;
    if (block.trafficClass !== this.#trafficClass || block.timeToLive !== this.#timeToLive) return false;
    return this.#frame.interface!.transmitRoom > 0 && this.#frame.isNeighbourAsBefore;
  }

  /** Makes the frame by a rehearsed transmission, and keeps it. False when none comes of it, or it cannot leave by itself. */
  #prepare(block: ControlBlock, now: Instant): boolean {
    const frame = this.#frame;
    const { path } = block;
    frame.unload();
    this.#headerLength = 0;
    if (path === null || !path.network.refresh(path)) return false;
    const route = path.ipv4Route;
    if (route.interface === null) return false;
    const sum = path.completesChecksum ? -1 : foldSum(this.payload.sum);
    transmit(block, frame.beginRehearsal(), block.recovery.next, ACK | PSH, this.payload.length, sum, true, now);
    if (!frame.isWhole) return false;
    const header = HEADER + (block.hasTimestamps ? TIMESTAMP_ECHO + 4 - HEADER : 0);
    this.#headerLength = header;
    frame.follow(route.interface, route.nextHop, route.macHigh >= 0);
    this.#routeGeneration = route.generation;
    this.#trafficClass = block.trafficClass;
    this.#timeToLive = block.timeToLive;
    this.#completesChecksum = path.completesChecksum;
    this.#sumHeader(path.pseudoHeader, header);
    frame.load();
    return this.#isFrameCurrent(block);
  }

  /** What a send writes is zero meanwhile. */
  #sumHeader(pseudoHeader: number, header: number): void {
    const { view, memory } = this.#frame.kept!;
    const at = (this.payload.at - header) | 0;
    const checksum = tcp.checksum(view, at);
    view.setInt32((at + SEQUENCE) | 0, 0);
    view.setInt32((at + ACKNOWLEDGEMENT) | 0, 0);
    view.setUint16((at + WINDOW) | 0, 0);
    view.setUint16((at + CHECKSUM) | 0, 0);
    if (header > HEADER) {
      view.setInt32((at + TIMESTAMP_VALUE) | 0, 0);
      view.setInt32((at + TIMESTAMP_ECHO) | 0, 0);
    }
    this.#headerSum = memory.sum(at, header, foldSum((pseudoHeader + header + this.payload.length) | 0));
    // For a link that completes it, the field holds the sum of the pseudo-header and stays as it is.
    if (this.#completesChecksum) tcp.setChecksum(view, at, checksum);
  }

  /** Writes into the header what is true now. */
  #stamp(block: ControlBlock, packet: Packet, window: number): void {
    const { view } = packet;
    const header = this.#headerLength;
    const kept = this.#frame.kept!;
    const at = (packet.offset + this.payload.at - kept.offset - header) | 0;
    const { next } = block.recovery;
    const { receiveNext } = block;
    view.setInt32((at + SEQUENCE) | 0, next);
    view.setInt32((at + ACKNOWLEDGEMENT) | 0, receiveNext);
    view.setUint16((at + WINDOW) | 0, window);
    let sum = addWord32(addWord32((this.#headerSum + this.payload.sum + window) | 0, next), receiveNext);
    if (header > HEADER) {
      const value = (block.layer.milliseconds + block.timestampOffset) | 0;
      const { timestampRecent } = block;
      view.setInt32((at + TIMESTAMP_VALUE) | 0, value);
      view.setInt32((at + TIMESTAMP_ECHO) | 0, timestampRecent);
      sum = addWord32(addWord32(sum, value), timestampRecent);
    }
    if (!this.#completesChecksum) view.setUint16((at + CHECKSUM) | 0, finishSum(sum));
  }

  /** The text is on its way: what `output` notes of a segment (see `sendNew`). */
  #note(block: ControlBlock, now: Instant): void {
    const { recovery, sendBuffer, counts } = block;
    const { length, at } = this.payload;
    if (recovery.next === recovery.unacknowledged) {
      recovery.resume(now);
      block.waitingSince = block.layer.milliseconds;
      block.lastShortEnd = recovery.unacknowledged;
    }
    // It was made sure that there is room. A stream with a hole in it must not go on.
    if (sendBuffer.writeFrom(at, length) < length) {
      abort(block, Errno.ENOBUFS, now);
      return;
    }
    recovery.onSent(sendBuffer.end, now);
    acknowledged(block);
    if (length < block.segmentSize) block.lastShortEnd = recovery.next;
    counts[Count.SEGMENTS_OUT]! += 1;
    counts[Count.BYTES_SENT]! += length;
    block.lastSentAt = now;
    block.observed(null, now);
    if (recovery.records.keepsRates) recovery.limitedByApplication();
    block.timers.update(now);
  }

  /** The way of any other write, whole or not at all. */
  #sendPlain(block: ControlBlock, flush: boolean, now: Instant): number {
    const errno = writeError(block);
    if (errno !== Errno.NONE) return -errno;
    const { layer, sendBuffer } = block;
    const { at, length } = this.payload;
    this.needsPoll = true;
    if (!sendBuffer.hasRoomFor(length) || layer.starved.allow(block, length) < length) {
      refuse(block);
      return 0;
    }
    const taken = sendBuffer.writeFrom(at, length);
    layer.markPending(block);
    if (flush) {
      layer.sendNow(block, now);
      block.path?.ipv4Route.interface?.flush();
    }
    return taken;
  }
}

/** Its segments leave when the pacer says so. */
function isPaced(block: ControlBlock): boolean {
  return (
    block.pacer !== null || block.pacing || block.maximumPacingRate > 0 || block.recovery.window.bytesPerSecond > 0
  );
}
