import { ChecksumState, type Packet, type PacketPool } from '@prism-net/buffers';
import { SeededRandom } from '@prism-net/tables';
import { elapsed, type Instant } from '@prism-net/time';
import { DelayQueue } from './delay-queue.js';
import { isShared } from './exclusive-packet.js';
import { ImpairmentKind, ImpairmentStatistics, NEVER, type ResolvedImpairments } from './impairments.js';

/**
 * One direction of an impaired link. A packet meets, in this order: loss, corruption, duplication, the queue for the
 * line's rate, delay. The random numbers are drawn in this order too, so that a seed gives the same fate to the same
 * sequence of packets.
 */
export class ImpairedPath {
  readonly statistics = new ImpairmentStatistics();

  readonly #impairments: ResolvedImpairments;
  readonly #pool: PacketPool;
  readonly #random: SeededRandom;
  readonly #inOrder: DelayQueue;
  /** Packets held back; also in order among themselves. */
  readonly #heldBack: DelayQueue;
  /** When the line has sent all it was given: microseconds, and the fraction of one in the array. */
  #lineFree: Instant = 0;
  readonly #lineFreeFraction = new Float64Array(1);
  /** Due time of the last packet in each queue, which later ones do not undercut. */
  #lastInOrder: Instant = 0;
  #lastHeldBack: Instant = 0;
  #isBad = false;

  constructor(impairments: ResolvedImpairments, pool: PacketPool, seed: number) {
    this.#impairments = impairments;
    this.#pool = pool;
    this.#random = new SeededRandom(seed);
    this.#inOrder = new DelayQueue(impairments.queueLimit);
    this.#heldBack = new DelayQueue(impairments.queueLimit);
  }

  /** Packets on the way. */
  get length(): number {
    return (this.#inOrder.length + this.#heldBack.length) | 0;
  }

  get isFull(): boolean {
    return this.length >= this.#impairments.queueLimit;
  }

  /** Takes a packet. Returns the number of packets lost in here. */
  push(packet: Packet, now: Instant): number {
    const { corrupt, duplicate } = this.#impairments;
    if (this.#loses()) {
      packet.release();
      return 1;
    }
    let sent: Packet | null = packet;
    if (corrupt !== NEVER && this.#happens(corrupt)) {
      sent = this.#corrupt(packet);
      if (sent === null) return 1;
    }
    let lost = 0;
    if (duplicate !== NEVER && this.#happens(duplicate)) {
      const copy = sent.copyTo(this.#pool);
      if (copy === null) this.statistics.count(ImpairmentKind.NO_FRAME);
      else {
        this.statistics.count(ImpairmentKind.DUPLICATED);
        lost = this.#enqueue(copy, now);
      }
    }
    return (lost + this.#enqueue(sent, now)) | 0;
  }

  /** The next packet that is due, now the caller's; null when there is none. */
  shiftDue(now: Instant): Packet | null {
    const queue = this.#firstQueue();
    return queue !== null && elapsed(now, queue.firstDue) >= 0 ? queue.shift() : null;
  }

  /** Microseconds until the next packet is due, 0 when one is; -1 when none is on the way. */
  untilDue(now: Instant): number {
    const queue = this.#firstQueue();
    return queue === null ? -1 : Math.max(0, elapsed(queue.firstDue, now));
  }

  clear(): void {
    this.#inOrder.clear();
    this.#heldBack.clear();
  }

  #firstQueue(): DelayQueue | null {
    if (this.#heldBack.length === 0) return this.#inOrder.length === 0 ? null : this.#inOrder;
    if (this.#inOrder.length === 0) return this.#heldBack;
    return elapsed(this.#heldBack.firstDue, this.#inOrder.firstDue) < 0 ? this.#heldBack : this.#inOrder;
  }

  #happens(threshold: number): boolean {
    return this.#random.nextInt32() <= threshold;
  }

  #loses(): boolean {
    const { loss, goodToBad, badToGood, lossBad } = this.#impairments;
    if (loss !== NEVER && this.#happens(loss)) {
      this.statistics.count(ImpairmentKind.LOST);
      return true;
    }
    if (goodToBad === NEVER) return false;
    if (this.#happens(this.#isBad ? badToGood : goodToBad)) this.#isBad = !this.#isBad;
    if (!this.#isBad || lossBad === NEVER || !this.#happens(lossBad)) return false;
    this.statistics.count(ImpairmentKind.LOST_IN_BURST);
    return true;
  }

  /** Takes the packet and returns it, or a copy if others own it too, with one bit flipped. Null: there was no frame for a copy. */
  #corrupt(packet: Packet): Packet | null {
    let changed: Packet | null = packet;
    if (isShared(packet)) {
      changed = packet.copyTo(this.#pool);
      packet.release();
      if (changed === null) {
        this.statistics.count(ImpairmentKind.NO_FRAME);
        return null;
      }
    }
    const length = changed.totalLength;
    if (length === 0) return changed;
    let at = this.#random.nextBelow(length);
    let segment: Packet = changed;
    while (at >= segment.length && segment.nextSegment !== null) {
      at = (at - segment.length) | 0;
      segment = segment.nextSegment;
    }
    const byte = (segment.offset + at) | 0;
    segment.view.setUint8(byte, segment.view.getUint8(byte) ^ (1 << this.#random.nextBelow(8)));
    // Whoever vouched for the checksum did so before.
    changed.checksumState = ChecksumState.UNKNOWN;
    this.statistics.count(ImpairmentKind.CORRUPTED);
    return changed;
  }

  /** Takes a packet; returns 1 when the queue was full and it is lost. */
  #enqueue(packet: Packet, now: Instant): number {
    const { delayMicroseconds, jitterMicroseconds, reorder, reorderMicroseconds, microsecondsPerByte } =
      this.#impairments;
    if (this.isFull) {
      packet.release();
      this.statistics.count(ImpairmentKind.QUEUE_FULL);
      return 1;
    }
    let due = (now + delayMicroseconds) | 0;
    if (microsecondsPerByte !== 0) due = (this.#occupyLine(packet.totalLength, now) + delayMicroseconds) | 0;
    if (jitterMicroseconds !== 0) due = (due + this.#random.nextBelow(jitterMicroseconds + 1)) | 0;
    if (reorder !== NEVER && this.#happens(reorder)) {
      due = (due + reorderMicroseconds) | 0;
      if (this.#heldBack.length !== 0 && elapsed(due, this.#lastHeldBack) < 0) due = this.#lastHeldBack;
      this.#lastHeldBack = due;
      this.#heldBack.push(packet, due);
      this.statistics.count(ImpairmentKind.REORDERED);
      return 0;
    }
    if (this.#inOrder.length !== 0 && elapsed(due, this.#lastInOrder) < 0) due = this.#lastInOrder;
    this.#lastInOrder = due;
    this.#inOrder.push(packet, due);
    return 0;
  }

  /** When the last bit has left, if sending starts as soon as the line is free. */
  #occupyLine(bytes: number, now: Instant): Instant {
    const fraction = this.#lineFreeFraction;
    if (elapsed(this.#lineFree, now) < 0) {
      this.#lineFree = now;
      fraction[0] = 0;
    }
    fraction[0]! += bytes * this.#impairments.microsecondsPerByte;
    const whole = Math.floor(fraction[0]!);
    fraction[0]! -= whole;
    this.#lineFree = (this.#lineFree + whole) | 0;
    return this.#lineFree;
  }
}
