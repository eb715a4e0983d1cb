import { SeededRandom } from '@prism-net/tables';
import { tcp, tcpOptions } from '@prism-net/wire';
import { Forgery } from './forgery.js';
import { NOWHERE } from './interceptor.js';
import type { Target } from './target.js';

const { ACK, FIN, PSH, RST, SYN } = tcp.Flag;
const { Kind } = tcpOptions;
const EDGE_OFFSETS = [0, 0, 0, 1, -1, 2, -2, 3, -3, 7, 100, -100, 536, -536, 1460, -1460, 65_535, -65_535] as const;
const FAR = [1 << 16, 1 << 24, 1 << 28, 1 << 30, 0x7fff_ffff, 0x8000_0000 | 0, 0x8000_0001 | 0] as const;
const LENGTHS = [1, 1, 2, 3, 4, 7, 8, 100, 535, 536, 537, 1000, 1448, 1460] as const;
/** More does not fit into an Ethernet frame with all options. */
export const LONGEST_TEXT = 1440;

/** Draws the parts of forged segments from a seed: numbers at every edge, options of all kinds, text right and wrong. */
export class Forge {
  readonly random: SeededRandom;
  readonly forgery = new Forgery();
  /** The sequence number of the text that a flood sends next, and the like. */
  cursor = 0;

  constructor(seed: number) {
    this.random = new SeededRandom(seed);
  }

  below(limit: number): number {
    return this.random.nextBelow(limit);
  }

  /** Once in so many times. */
  oneIn(times: number): boolean {
    return this.random.nextBelow(times) === 0;
  }

  pick<T>(choices: readonly T[]): T {
    return choices[this.random.nextBelow(choices.length)]!;
  }

  word(): number {
    return this.random.nextInt32();
  }

  /** The frame of a segment as the peer would send it next: nothing new, nothing wrong. */
  begin(target: Target): Forgery {
    const { forgery } = this;
    const { connection } = target;
    forgery.begin(macOf(target), peerMacOf(target));
    forgery.source = target.peerAddress;
    forgery.destination = target.address;
    forgery.sourcePort = target.peerPort;
    forgery.destinationPort = target.port;
    forgery.identification = this.word() & 0xffff;
    forgery.sequence = connection.wake().receiveNext;
    forgery.acknowledgement = connection.wake().recovery.unacknowledged;
    forgery.flags = ACK;
    forgery.window = Math.min(connection.wake().sendWindow >>> connection.wake().sendWindowScale, 65_535);
    return forgery;
  }

  /** A sequence number at one of the edges of what a connection expects. */
  sequence(target: Target): number {
    const { connection, other } = target;
    const { receiveNext, receiveWindow, reassembly } = connection.wake();
    let base = receiveNext;
    switch (this.below(14)) {
      case 0:
      case 1:
      case 2:
        break;
      case 3:
      case 4:
        base = receiveWindow.edge;
        break;
      case 5:
        base = connection.wake().lastAcknowledgementSent;
        break;
      case 6:
        base = other.wake().recovery.next;
        break;
      case 7:
        base = other.wake().recovery.unacknowledged;
        break;
      case 8:
        base = connection.wake().initialReceiveSequence;
        break;
      case 9: {
        const range = this.below(Math.max(1, reassembly.count));
        if (reassembly.count > 0) base = this.oneIn(2) ? reassembly.starts[range]! : reassembly.ends[range]!;
        break;
      }
      case 10:
        base = receiveNext + this.below(Math.max(1, (receiveWindow.edge - receiveNext) | 0));
        break;
      case 11:
        base = receiveNext - this.below(1 << 17);
        break;
      case 12:
        base = receiveNext + this.pick(FAR);
        break;
      default:
        return this.word();
    }
    return (base + this.pick(EDGE_OFFSETS)) | 0;
  }

  /** An acknowledgement number at one of the edges of what a connection has sent. */
  acknowledgement(target: Target): number {
    const { connection, other } = target;
    const { unacknowledged, next } = connection.wake().recovery;
    let base = unacknowledged;
    switch (this.below(12)) {
      case 0:
      case 1:
      case 2:
      case 3:
        return base;
      case 4:
        break;
      case 5:
      case 6:
        base = next;
        break;
      case 7:
        base = unacknowledged - connection.wake().maximumSendWindow;
        break;
      case 8:
        base = other.wake().receiveNext;
        break;
      case 9:
        base = connection.wake().initialSendSequence;
        break;
      case 10:
        base = unacknowledged + this.pick(FAR);
        break;
      default:
        return this.word();
    }
    return (base + this.pick(EDGE_OFFSETS)) | 0;
  }

  /** Every combination; those that hosts send more often. */
  flags(): number {
    switch (this.below(16)) {
      case 0:
      case 1:
      case 2:
      case 3:
      case 4:
        return ACK;
      case 5:
      case 6:
        return ACK | PSH;
      case 7:
        return RST;
      case 8:
        return RST | ACK;
      case 9:
        return SYN;
      case 10:
        return SYN | ACK;
      case 11:
        return FIN | ACK;
      case 12:
        return FIN | ACK | PSH;
      default:
        return this.below(256);
    }
  }

  window(): number {
    return this.pick([0, 0, 1, 2, 100, 0x7fff, 0x8000, 0xffff, 0xffff, this.below(65_536)]);
  }

  /** The timestamps that the peer would send, if there are any. */
  addTimestamps(target: Target): void {
    const { connection, latestTimestamp } = target;
    if (connection.wake().hasTimestamps) this.writeTimestamps(latestTimestamp, this.#ownClock(target));
  }

  /** Timestamps at all edges. */
  addDrawnTimestamps(target: Target): void {
    const { connection, latestTimestamp } = target;
    const base = this.pick([
      connection.wake().timestampRecent,
      connection.wake().timestampRecent,
      latestTimestamp,
      this.word(),
    ]);
    const value = base + this.pick([0, 0, 1, -1, 2, -2, 1000, -1000, 60_000, -60_000, ...FAR]);
    const echo = this.#ownClock(target) + this.pick([0, 0, 1, -1, 10, -10, -1000, -59_000, -61_000, ...FAR]);
    this.writeTimestamps(value, this.oneIn(8) ? 0 : echo);
  }

  writeTimestamps(value: number, echo: number): void {
    const { forgery } = this;
    if (forgery.optionsRoom < tcpOptions.TIMESTAMPS_LENGTH) return;
    tcpOptions.writeTimestamps(forgery.optionsView, forgery.optionsLength, value, echo);
    forgery.optionsLength += tcpOptions.TIMESTAMPS_LENGTH;
  }

  /** SACK blocks: right, inverted, empty, far away, overlapping, thousands in turn. */
  addSack(target: Target): void {
    const { forgery } = this;
    const { recovery } = target.connection.wake();
    const room = (forgery.optionsRoom - 4) >> 3;
    if (room < 1) return;
    const count = 1 + this.below(Math.min(room, 4));
    const at = forgery.optionsLength;
    const view = forgery.optionsView;
    view.setInt32(at, 0x0101_0500 | (2 + (count << 3)));
    const outstanding = Math.max(1, recovery.outstanding);
    for (let block = 0; block < count; block++) {
      const start = this.pick([
        (recovery.unacknowledged + this.below(outstanding)) | 0,
        (recovery.unacknowledged + this.below(outstanding)) | 0,
        this.#record(target),
        this.#record(target),
        recovery.unacknowledged,
        (recovery.unacknowledged - this.below(10_000)) | 0,
        recovery.next,
        (recovery.next + this.pick(FAR)) | 0,
        this.word(),
      ]);
      const length = this.pick([1, 1, this.below(outstanding) + 1, 1448, 2896, outstanding, 0, -1, -1448, this.word()]);
      view.setInt32(at + 4 + (block << 3), start);
      view.setInt32(at + 8 + (block << 3), start + length);
    }
    forgery.optionsLength += 4 + (count << 3);
  }

  /** Options of every kind and of every length, in every order, until they are enough. */
  addDrawnOptions(target: Target): void {
    const { forgery } = this;
    while (forgery.optionsRoom > 0 && !this.oneIn(5)) {
      const kind = this.pick([0, 1, 2, 3, 4, 5, 8, 8, 34, this.below(256)]);
      if (kind === Kind.TIMESTAMPS && !this.oneIn(3)) {
        this.addDrawnTimestamps(target);
        continue;
      }
      if (kind === Kind.SACK && !this.oneIn(3)) {
        this.addSack(target);
        continue;
      }
      this.#addOption(kind);
    }
  }

  /** Options for a segment that is to get far: most often those that it should have. */
  addUsualOptions(target: Target): void {
    switch (this.below(8)) {
      case 0:
        return;
      case 1:
        this.addDrawnTimestamps(target);
        return;
      case 2:
        this.addDrawnOptions(target);
        return;
      case 3:
        this.addTimestamps(target);
        this.addSack(target);
        return;
      default:
        this.addTimestamps(target);
    }
  }

  length(): number {
    switch (this.below(6)) {
      case 0:
      case 1:
        return 0;
      case 2:
        return this.below(LONGEST_TEXT) + 1;
      default:
        return Math.min(this.pick(LENGTHS), LONGEST_TEXT);
    }
  }

  /** Lays out the segment with text: what the peer sends at this place, or anything. */
  finish(target: Target, textLength: number, isGenuine: boolean): void {
    const { forgery } = this;
    forgery.layOut(textLength);
    if (textLength > 0) {
      if (isGenuine) this.fillGenuine(target, 0, textLength);
      else this.fillGarbage(0, textLength);
    }
    forgery.seal();
  }

  /** Writes the peer's text between two positions of the segment's. */
  fillGenuine(target: Target, from: number, to: number): void {
    const { forgery } = this;
    const position = target.positionOf((forgery.sequence + from) | 0);
    // In front of the stream there is none.
    if (position > 0x8000_0000) this.fillGarbage(from, to);
    else target.content.fill(forgery.bytes, forgery.textAt + from, to - from, position);
  }

  fillGarbage(from: number, to: number): void {
    const { forgery } = this;
    let word = this.word();
    for (let i = from; i < to; i++) {
      forgery.bytes[forgery.textAt + i] = word;
      word = Math.imul(word, 0x9e37_79b1) + 0x7f4a_7c15;
    }
  }

  /** What the host's clock of timestamps shows. */
  #ownClock({ connection }: Target): number {
    return (connection.layer.milliseconds + connection.wake().timestampOffset) | 0;
  }

  /** Where a segment that is out begins. */
  #record({ connection }: Target): number {
    const { records, unacknowledged } = connection.wake().recovery;
    return records.count === 0 ? unacknowledged : records.recordStart(records.first + this.below(records.count));
  }

  #addOption(kind: number): void {
    const { forgery } = this;
    const { optionsView: view, optionsLength: at, optionsRoom: room } = forgery;
    view.setUint8(at, kind);
    if (kind <= Kind.NOP) {
      forgery.optionsLength += 1;
      return;
    }
    if (room < 2) {
      forgery.optionsLength += 1;
      return;
    }
    const right = RIGHT_LENGTHS.get(kind) ?? 2 + this.below(8);
    const said = this.oneIn(3) ? this.pick([0, 1, 2, 3, right - 1, right + 1, 40, 255, this.below(256)]) : right;
    view.setUint8(at + 1, said);
    const taken = Math.min(room, Math.max(2, this.oneIn(4) ? this.below(20) : said));
    for (let i = 2; i < taken; i++) view.setUint8(at + i, this.below(256));
    forgery.optionsLength += taken;
  }
}

const RIGHT_LENGTHS = new Map<number, number>([
  [Kind.MAXIMUM_SEGMENT_SIZE, 4],
  [Kind.WINDOW_SCALE, 3],
  [Kind.SACK_PERMITTED, 2],
  [Kind.SACK, 10],
  [Kind.TIMESTAMPS, 10],
  [Kind.FAST_OPEN, 18],
]);

export function macOf(target: Target) {
  return target.host.ports[0]!.capabilities.macAddress;
}

function peerMacOf(target: Target) {
  return target.peer.ports[0]?.capabilities.macAddress ?? NOWHERE;
}
