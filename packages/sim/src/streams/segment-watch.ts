import type { Packet } from '@prism-net/buffers';
import { formatIpv4Address, tcp } from '@prism-net/wire';
import { FrameEvent } from '../frame-event.js';
import type { Line } from '../line.js';
import type { Simulation } from '../simulation.js';
import { RangeSet } from './range-set.js';
import { SegmentReader } from './segment-reader.js';

const { ACK, FIN, RST, SYN, URG } = tcp.Flag;
/** RFC 9293 §3.7.1: of a peer that did not say. */
const DEFAULT_SEGMENT_SIZE = 536;

/** What one side of a connection has sent, as seen on the wire. Positions count from its initial sequence number. */
class Side {
  initialSequence: number | null = null;
  segmentSize = DEFAULT_SEGMENT_SIZE;
  /** -1: not offered. */
  windowScale = -1;
  hasTimestamps = false;
  /** The position behind all it has sent. */
  sent = 1;
  /** Position of its FIN. */
  fin: number | null = null;
  /** The last acknowledgement it sent, and the furthest end of its window, as positions of the other side. */
  acknowledged = 0;
  windowEdge = 0;
  lastTimestamp = 0;
  isReset = false;

  // What reached the other side.
  readonly arrived = new RangeSet();
  arrivedWindowEdge = 0;
  arrivedTimestamp = 0;
  arrivedAny = false;
}

type Ends = readonly [address: number, port: number, otherAddress: number, otherPort: number];

class Conversation {
  readonly sides: readonly [Side, Side] = [new Side(), new Side()];
  /** Nothing can be said about it any more. */
  isUnclear = false;
  readonly #ends: Ends;

  constructor(ends: Ends) {
    this.#ends = ends;
  }

  isOf(address: number, port: number, otherAddress: number, otherPort: number): boolean {
    const ends = this.#ends;
    return ends[1] === port && ends[3] === otherPort && ends[0] === address && ends[2] === otherAddress;
  }
}

export interface SegmentWatchOptions {
  /** True: the frame, with this segment in it, is as if it were not there. Default: all count. */
  readonly ignores?: (packet: Packet, segment: SegmentReader) => boolean;
}

/**
 * Watches every TCP segment that hosts send, from outside, and compares it with what had arrived at the host by then:
 * checksums, options, sequence numbers within the window offered, acknowledgements and SACK blocks of nothing but what
 * came, windows that do not shrink, timestamps that do not run back. The first violation ends the simulation.
 */
export class SegmentWatch {
  /** Segments looked at. */
  segments = 0;
  readonly #simulation: Simulation;
  readonly #conversations = new Map<string, Conversation>();
  #last = new Conversation([0, 0, 0, 0]);
  readonly #reader = new SegmentReader();
  readonly #ignores: SegmentWatchOptions['ignores'];
  /** By line: 1 leaves a host, 2 ends at a host, 0 neither. */
  readonly #roles: Uint8Array;

  constructor(simulation: Simulation, options: SegmentWatchOptions = {}) {
    this.#simulation = simulation;
    this.#ignores = options.ignores;
    this.#roles = new Uint8Array(simulation.cables.length * 2);
    const ends = new Set(simulation.hosts.filter(({ ipv4 }) => ipv4.forwarder === null).flatMap(({ ports }) => ports));
    for (const { ends: jacks, forward, backward } of simulation.cables) {
      for (const [jack, out, into] of [
        [jacks[0], forward, backward],
        [jacks[1], backward, forward],
      ] as const) {
        if (!ends.has(jack as never)) continue;
        this.#roles[out.index]! |= 1;
        this.#roles[into.index]! |= 2;
      }
    }
    simulation.watch((event, line, packet) => this.#onFrame(event, line, packet));
  }

  #onFrame(event: FrameEvent, line: Line, packet: Packet): void {
    const role = this.#roles[line.index]!;
    const isSent = event === FrameEvent.SENT && (role & 1) !== 0;
    const isArrived = event === FrameEvent.ARRIVED && (role & 2) !== 0;
    if (!(isSent || isArrived) || !this.#reader.read(packet)) return;
    const reader = this.#reader;
    if (isArrived && !reader.isChecksumRight) return;
    if (this.#ignores?.(packet, reader)) return;
    this.segments++;
    const isForward =
      reader.source === reader.destination
        ? reader.sourcePort < reader.destinationPort
        : reader.source < reader.destination;
    const conversation = this.#conversation(isForward);
    if (conversation.isUnclear) return;
    const [one, other] = conversation.sides;
    const from = isForward ? one : other;
    const to = isForward ? other : one;
    if (isArrived) this.#arrive(from, to);
    else if (isNewCookie(reader, from)) conversation.isUnclear = true;
    else {
      const problem = this.#judge(conversation, from, to);
      if (problem !== '') this.#report(problem);
    }
  }

  #conversation(isForward: boolean): Conversation {
    const { source, sourcePort, destination, destinationPort } = this.#reader;
    const last = this.#last;
    // Most segments belong to the conversation of the one before.
    if (last.isOf(source, sourcePort, destination, destinationPort)) return last;
    if (last.isOf(destination, destinationPort, source, sourcePort)) return last;
    const [one, other] = [
      [source, sourcePort],
      [destination, destinationPort],
    ] as const;
    const ends = isForward ? ([...one, ...other] as const) : ([...other, ...one] as const);
    const key = ends.join(':');
    let conversation = this.#conversations.get(key);
    if (conversation === undefined) {
      conversation = new Conversation(ends);
      this.#conversations.set(key, conversation);
    }
    this.#last = conversation;
    return conversation;
  }

  /** A segment reached the other side unharmed: from now on that side may know what it says. */
  #arrive(from: Side, to: Side): void {
    const { sequence, acknowledgement, window, length, options } = this.#reader;
    const reader = this.#reader;
    if (from.initialSequence === null || reader.has(RST)) return;
    const start = position(sequence, from.initialSequence);
    const end = start + length + (reader.has(SYN) ? 1 : 0) + (reader.has(FIN) ? 1 : 0);
    from.arrived.add(Math.max(start, 0), end);
    from.arrivedAny = true;
    if (options.hasTimestamps && ((options.timestampValue - from.arrivedTimestamp) | 0) > 0) {
      from.arrivedTimestamp = options.timestampValue;
    }
    if (!reader.has(ACK) || to.initialSequence === null) return;
    const edge = position(acknowledgement, to.initialSequence) + scaled(window, from, to, reader.has(SYN));
    from.arrivedWindowEdge = Math.max(from.arrivedWindowEdge, edge);
  }

  /** What is wrong with a segment that `from` sends; empty when nothing is. */
  #judge(conversation: Conversation, from: Side, to: Side): string {
    const reader = this.#reader;
    const { options, length } = reader;
    if (!reader.isChecksumRight) return 'a wrong checksum';
    if (reader.isFragment) return 'a fragment';
    if (options.isMalformed) return 'malformed options';
    if (reader.has(URG)) return 'urgent data that nobody sent';
    if (reader.has(SYN)) {
      const problem = this.#judgeSyn(from);
      if (problem !== '') return problem;
    }
    if (from.initialSequence === null) return reader.has(RST) ? '' : 'a segment in front of the SYN';
    if (reader.has(RST)) {
      // Whoever answered with a cookie does not know its own connection until the client's first segment comes.
      if (from.sent === 1 && from.acknowledged <= 1) conversation.isUnclear = true;
      from.isReset = true;
      return '';
    }
    if (from.isReset) return 'a segment behind a reset';
    const start = position(reader.sequence, from.initialSequence) + (reader.has(SYN) ? 1 : 0);
    return (
      this.#judgeText(from, to, start + length) ||
      this.#judgeTimestamps(from, to) ||
      (reader.has(ACK) ? this.#judgeAcknowledgement(from, to) : '')
    );
  }

  #judgeSyn(from: Side): string {
    const { sequence, options } = this.#reader;
    if (from.initialSequence !== null) {
      return from.initialSequence === sequence ? '' : 'a SYN with another initial sequence number than before';
    }
    from.initialSequence = sequence;
    if (options.maximumSegmentSize >= 0) from.segmentSize = options.maximumSegmentSize;
    from.windowScale = options.windowScale;
    from.hasTimestamps = options.hasTimestamps;
    from.lastTimestamp = options.timestampValue;
    return '';
  }

  #judgeText(from: Side, to: Side, end: number): string {
    const { length, optionsLength } = this.#reader;
    const isFin = this.#reader.has(FIN);
    if (length + (length > 0 ? optionsLength : 0) > to.segmentSize) {
      return `${length} bytes of text and ${optionsLength} of options for a maximum segment size of ${to.segmentSize}`;
    }
    // One byte, or the FIN, may probe a window that is closed (RFC 9293 §3.8.6.1).
    const allowance = length + (isFin ? 1 : 0) === 1 ? 1 : 0;
    const last = end + (isFin ? 1 : 0);
    if (length + (isFin ? 1 : 0) > 0 && last > to.arrivedWindowEdge + allowance) {
      return `text to ${last}, the window offered ends at ${to.arrivedWindowEdge}`;
    }
    from.sent = Math.max(from.sent, last);
    if (from.fin !== null && length > 0 && end > from.fin) return `text to ${end} behind the FIN at ${from.fin}`;
    if (isFin) {
      if (from.fin !== null && from.fin !== end) return `a FIN at ${end}, after one at ${from.fin}`;
      from.fin = end;
    }
    return '';
  }

  #judgeTimestamps(from: Side, to: Side): string {
    const { options } = this.#reader;
    const isAgreed = from.hasTimestamps && to.hasTimestamps;
    if (!this.#reader.has(SYN) && isAgreed !== options.hasTimestamps) {
      return isAgreed ? 'no timestamps although they were agreed upon' : 'timestamps that were not agreed upon';
    }
    if (!options.hasTimestamps) return '';
    // SYN cookies hide options in the low bits, so that the next may be a little less.
    const isBack = ((options.timestampValue - from.lastTimestamp) | 0) < 0;
    if (isBack && !this.#reader.has(SYN)) return 'a timestamp that goes back';
    from.lastTimestamp = options.timestampValue;
    if (to.arrivedAny && ((options.timestampEcho - to.arrivedTimestamp) | 0) > 0)
      return 'an echo of a timestamp to come';
    return '';
  }

  #judgeAcknowledgement(from: Side, to: Side): string {
    const { acknowledgement, window, options } = this.#reader;
    if (to.initialSequence === null) return 'an acknowledgement of nothing';
    const acknowledged = position(acknowledgement, to.initialSequence);
    if (acknowledged > to.arrived.prefix) return `acknowledges ${acknowledged}, but only ${to.arrived.prefix} came`;
    if (acknowledged < from.acknowledged) return `acknowledges ${acknowledged}, after ${from.acknowledged}`;
    from.acknowledged = acknowledged;
    const edge = acknowledged + scaled(window, from, to, this.#reader.has(SYN));
    // Once the peer has sent its FIN its window means nothing; and by less than the unit of the scaled window it may
    // shrink, lest the buffer must hold more than it can (RFC 7323 §2.4).
    const isOver = to.fin !== null && acknowledged > to.fin;
    const unit = scaled(1, from, to, false);
    if (edge + unit <= from.windowEdge && !isOver)
      return `a window to ${edge} that was offered to ${from.windowEdge} before`;
    from.windowEdge = Math.max(from.windowEdge, edge);
    for (let i = 0; i < options.sackCount; i++) {
      const start = position(options.sackStart[i]!, to.initialSequence);
      const end = position(options.sackEnd[i]!, to.initialSequence);
      if (end <= start) return `an empty SACK block ${start}–${end}`;
      if (!to.arrived.covers(start, end)) return `a SACK block ${start}–${end} of what did not come`;
      // Only the first may report a duplicate (RFC 2883 §4).
      if (i > 0 && start < acknowledged) return `a SACK block ${start}–${end} below ${acknowledged}`;
    }
    return '';
  }

  #report(problem: string): void {
    const { source, sourcePort, destination, destinationPort, sequence, acknowledgement, length } = this.#reader;
    const addresses = `${formatIpv4Address(source)}:${sourcePort} → ${formatIpv4Address(destination)}:${destinationPort}`;
    const what = `sequence ${sequence >>> 0}, acknowledgement ${acknowledgement >>> 0}, ${length} bytes`;
    this.#simulation.fail(this.#simulation.error(`${addresses} sent ${problem} (${what})`));
  }
}

/** A second answer to a SYN, by a host that kept nothing of the first: either may be what the connection begins with. */
function isNewCookie(reader: SegmentReader, from: Side): boolean {
  const isAnswer = reader.has(SYN) && reader.has(ACK);
  return isAnswer && from.initialSequence !== null && from.initialSequence !== reader.sequence && from.sent === 1;
}

/** How far a sequence number is from the first; up to 2^31 behind it is negative. */
function position(sequence: number, initial: number): number {
  const difference = (sequence - initial) >>> 0;
  return difference > 0xffff_0000 ? difference - 2 ** 32 : difference;
}

/** The window of a segment in bytes: scaled if both offered it, but never in a SYN (RFC 7323 §2.2). */
function scaled(window: number, from: Side, to: Side, isSyn: boolean): number {
  return isSyn || from.windowScale < 0 || to.windowScale < 0 ? window : window * 2 ** from.windowScale;
}
