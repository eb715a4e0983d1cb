import type { Instant } from '@prism-net/time';
import type { StateCursor } from '../parking/state-cursor.js';

/** int32 words of a record: a power of two, so that a record lies in one cache line. */
export const RECORD_SHIFT = 3;
const WORDS = 1 << RECORD_SHIFT;
/** The same for the data of delivery rates. */
export const RATE_SHIFT = 3;
const NO_RATES = new Int32Array(0);

/** The sequence number that follows the record; it starts where the one before ends, the first at SND.UNA. */
export const END = 0;
/** When it was last put on the wire. */
export const SENT_AT = 1;
export const FLAGS = 2;
/** In one of the two lists: the record behind. In a SACKed one: a record up to which all are SACKed as well. */
export const NEXT = 3;
/** In one of the two lists: the record before. */
export const PREVIOUS = 4;
/**
 * Its last transmission counted, modulo 2^32. Instants do not tell what was sent first: a burst has one for all, and new data
 * may leave before a retransmission.
 */
export const ORDER = 5;

/**
 * What is known of a record. With no flag set it was sent once and may be on its way. The states exclude one another: SACKED;
 * LOST; LOST and RETRANSMISSION_IN_FLIGHT; RETRANSMISSION_IN_FLIGHT alone (a probe). RETRANSMITTED says something of the past.
 */
export const RecordFlag = {
  SACKED: 1,
  LOST: 2,
  /** It was retransmitted, and the retransmission may be on its way. */
  RETRANSMISSION_IN_FLIGHT: 4,
  /** It was retransmitted at least once: its round trip is ambiguous (Karn). */
  RETRANSMITTED: 8,
} as const;

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT, RETRANSMITTED } = RecordFlag;

export const NONE = -1;

/** Indices stay below this; a power of two, larger than any capacity. */
const INDEX_LIMIT = 1 << 29;
/** Few connections have more outstanding at first; 64 bytes are what V8 allocates with the array itself. */
const SMALLEST_CAPACITY = 2;
/** A ring with more places than this is not kept for the next connection. */
const LARGEST_KEPT = 64;
/** How far from its beginning the list of losses is searched for the place of a record. */
const SORTED_WITHIN = 16;

/**
 * One record for each segment outstanding, in order of sequence, in a ring that grows by doubling.
 *
 * ```
 *   SND.UNA                                                        SND.NXT
 *      ├─ first ─┼─────────┼── SACKED ─┼─ LOST ──┼─ LOST, again ─┼─ end - 1 ─┤
 *                                         │            │
 *                         list of losses ─┘            └─ list of retransmissions, in order of time
 * ```
 *
 * Originals were sent in order of sequence, so that order is also the order of their transmission; only retransmissions need
 * a list for it (RFC 8985 §6.2 step 5). {@link firstOriginal} is where the originals that may be lost begin. Every
 * operation is O(1), but {@link find} is O(log n), and runs of SACKed records are skipped by paths that shorten as they are used.
 *
 * An index is an int32 that grows by one per record; it stays good until the next {@link append}.
 */
export class TransmissionRecords {
  /** The ring: the words of record `index` begin at `(index & mask) << RECORD_SHIFT`. */
  words: Int32Array;
  mask: number;
  /** What delivery-rate.ts knows of each record, in places parallel to {@link words}; empty unless {@link keepsRates}. */
  rates: Int32Array = NO_RATES;
  keepsRates = false;
  /** The oldest record. */
  first = 0;
  /** One more than the newest. */
  end = 0;
  /** SND.UNA. */
  start = 0;

  /** {@link ORDER} of the last transmission. */
  transmissions = 0;

  sackedBytes = 0;
  sackedCount = 0;
  /** Of records marked lost, retransmitted or not. */
  lostBytes = 0;
  /** Of retransmissions that may be on their way. */
  retransmittedBytes = 0;
  /** Ever marked lost, modulo 2^32; each time counts. */
  lostTotal = 0;

  /** Records marked lost and to be retransmitted, the lowest sequence number first as far as that is cheap. */
  firstLost = NONE;
  lastLost = NONE;
  /** Retransmissions in flight in order of transmission. */
  firstRetransmission = NONE;
  lastRetransmission = NONE;
  /** No record before this one is an original in flight. It may lie before {@link first}. */
  firstOriginal = 0;

  readonly maximumRecords: number;

  /** `maximumRecords`: 1 to 2^20. */
  constructor(maximumRecords: number) {
    this.maximumRecords = maximumRecords;
    const capacity = capacityFor(Math.min(maximumRecords, SMALLEST_CAPACITY));
    this.words = new Int32Array(capacity << RECORD_SHIFT);
    this.mask = capacity - 1;
  }

  /** No records, SND.UNA = `sequence`. */
  reset(sequence: number): void {
    this.start = sequence;
    this.first = 0;
    this.end = 0;
    this.transmissions = 0;
    this.sackedBytes = 0;
    this.sackedCount = 0;
    this.lostBytes = 0;
    this.retransmittedBytes = 0;
    this.lostTotal = 0;
    this.rates.fill(0);
    this.firstLost = NONE;
    this.lastLost = NONE;
    this.firstRetransmission = NONE;
    this.lastRetransmission = NONE;
    this.firstOriginal = 0;
  }

  /** Only while there are none. */
  exchange(state: StateCursor): void {
    const start = state.number(this.start);
    if (!state.isSaving) this.reset(start);
    this.transmissions = state.number(this.transmissions);
    this.lostTotal = state.rare(this.lostTotal);
  }

  /** Gives up the memory of a ring that has grown. Only while there are none. */
  shrink(): void {
    if (this.mask < LARGEST_KEPT) return;
    const capacity = capacityFor(Math.min(this.maximumRecords, SMALLEST_CAPACITY));
    this.words = new Int32Array(capacity << RECORD_SHIFT);
    this.mask = capacity - 1;
    if (this.keepsRates) this.keepRates(true);
  }

  /** Begins or ends to keep delivery rates. Records outstanding have none. */
  keepRates(isWanted: boolean): void {
    this.keepsRates = isWanted;
    this.rates = isWanted ? new Int32Array((this.mask + 1) << RATE_SHIFT) : NO_RATES;
  }

  get count(): number {
    return (this.end - this.first) | 0;
  }

  /** Every record is an original in flight: no list, no counter has anything. */
  get isClean(): boolean {
    return (this.sackedBytes | this.lostBytes | this.retransmittedBytes) === 0;
  }

  /** Bytes outstanding that are not on their way: to be subtracted from SND.NXT - SND.UNA (RFC 6675 §2, pipe). */
  get absentBytes(): number {
    return (this.sackedBytes + this.lostBytes - this.retransmittedBytes) | 0;
  }

  recordStart(index: number): number {
    return index === this.first ? this.start : this.words[((index - 1) & this.mask) << RECORD_SHIFT]!;
  }

  recordEnd(index: number): number {
    return this.words[(index & this.mask) << RECORD_SHIFT]!;
  }

  recordLength(index: number): number {
    return (this.recordEnd(index) - this.recordStart(index)) | 0;
  }

  sentAt(index: number): Instant {
    return this.words[((index & this.mask) << RECORD_SHIFT) | SENT_AT]!;
  }

  order(index: number): number {
    return this.words[((index & this.mask) << RECORD_SHIFT) | ORDER]!;
  }

  flags(index: number): number {
    return this.words[((index & this.mask) << RECORD_SHIFT) | FLAGS]!;
  }

  /** A segment that ends at `sequence` was sent. Holding to {@link maximumRecords} is the caller's business. */
  append(sequence: number, now: Instant): void {
    if (((this.end - this.first) | 0) > this.mask || this.end >= INDEX_LIMIT) this.#makeRoom();
    const at = (this.end & this.mask) << RECORD_SHIFT;
    const words = this.words;
    words[at] = sequence;
    words[at | SENT_AT] = now;
    words[at | FLAGS] = 0;
    words[at | ORDER] = this.transmissions = (this.transmissions + 1) | 0;
    this.end = (this.end + 1) | 0;
  }

  /** The record that contains the byte `sequence`; {@link end} if it lies behind them all, {@link first} if before. */
  find(sequence: number): number {
    const words = this.words;
    const mask = this.mask;
    let low = this.first;
    let high = this.end;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (((words[(middle & mask) << RECORD_SHIFT]! - sequence) | 0) > 0) high = middle;
      else low = (middle + 1) | 0;
    }
    return low;
  }

  /** The first record from `index` on that is not SACKed, or {@link end}. */
  skipSacked(index: number): number {
    const words = this.words;
    const mask = this.mask;
    let i = index;
    while (i < this.end) {
      const at = (i & mask) << RECORD_SHIFT;
      if ((words[at | FLAGS]! & SACKED) === 0) return i;
      const next = words[at | NEXT]!;
      if (next >= this.end) return this.end;
      const nextAt = (next & mask) << RECORD_SHIFT;
      // Path halving: each walk halves the way of the next.
      if ((words[nextAt | FLAGS]! & SACKED) !== 0) words[at | NEXT] = words[nextAt | NEXT]!;
      i = next;
    }
    return this.end;
  }

  /** It has arrived, beyond a hole. Must not be SACKed already. */
  markSacked(index: number): void {
    const length = this.recordLength(index);
    this.#leave(index, length);
    const at = (index & this.mask) << RECORD_SHIFT;
    this.words[at | FLAGS] = (this.words[at | FLAGS]! & RETRANSMITTED) | SACKED;
    this.words[at | NEXT] = (index + 1) | 0;
    this.sackedBytes = (this.sackedBytes + length) | 0;
    this.sackedCount = (this.sackedCount + 1) | 0;
  }

  /** Its last transmission is lost. Must not be SACKed, nor lost and not yet retransmitted. */
  markLost(index: number): void {
    const length = this.recordLength(index);
    this.#leave(index, length);
    const at = (index & this.mask) << RECORD_SHIFT;
    this.words[at | FLAGS] = (this.words[at | FLAGS]! & RETRANSMITTED) | LOST;
    this.lostBytes = (this.lostBytes + length) | 0;
    this.lostTotal = (this.lostTotal + length) | 0;
    this.#enlistLoss(index);
  }

  /** It was sent again: a loss, or, as a probe, what may be on its way. A SACKed one is left alone. */
  markRetransmitted(index: number, now: Instant): void {
    const at = (index & this.mask) << RECORD_SHIFT;
    const flags = this.words[at | FLAGS]!;
    if ((flags & SACKED) !== 0) return;
    const length = this.recordLength(index);
    this.#leave(index, length);
    this.words[at | SENT_AT] = now;
    this.words[at | ORDER] = this.transmissions = (this.transmissions + 1) | 0;
    this.words[at | FLAGS] = (flags & LOST) | RETRANSMISSION_IN_FLIGHT | RETRANSMITTED;
    if ((flags & LOST) !== 0) this.lostBytes = (this.lostBytes + length) | 0;
    this.retransmittedBytes = (this.retransmittedBytes + length) | 0;
    this.enlistRetransmission(index);
  }

  /** The oldest record is acknowledged: SND.UNA is its end. */
  removeFirst(): void {
    const index = this.first;
    const at = (index & this.mask) << RECORD_SHIFT;
    const end = this.words[at]!;
    const length = (end - this.start) | 0;
    const flags = this.words[at | FLAGS]!;
    if ((flags & SACKED) !== 0) {
      this.sackedBytes = (this.sackedBytes - length) | 0;
      this.sackedCount = (this.sackedCount - 1) | 0;
    } else {
      this.#leave(index, length);
    }
    this.start = end;
    this.first = (index + 1) | 0;
  }

  /** The first bytes of the oldest record are acknowledged, but not all: SND.UNA is `sequence`. */
  trimFirst(sequence: number): void {
    const length = (sequence - this.start) | 0;
    const flags = this.flags(this.first);
    if ((flags & SACKED) !== 0) this.sackedBytes = (this.sackedBytes - length) | 0;
    if ((flags & LOST) !== 0) this.lostBytes = (this.lostBytes - length) | 0;
    if ((flags & RETRANSMISSION_IN_FLIGHT) !== 0) this.retransmittedBytes = (this.retransmittedBytes - length) | 0;
    this.start = sequence;
  }

  /**
   * No record is SACKed any longer: the peer has discarded what it had (RFC 2018 §8). They count as lost, and as retransmitted:
   * when they are acknowledged, that is no measure of a round trip.
   */
  forgetSacked(): void {
    for (let index = this.first; index < this.end; index = (index + 1) | 0) {
      const at = (index & this.mask) << RECORD_SHIFT;
      if ((this.words[at | FLAGS]! & SACKED) !== 0) this.words[at | FLAGS] = LOST | RETRANSMITTED;
    }
    this.lostBytes = (this.lostBytes + this.sackedBytes) | 0;
    this.lostTotal = (this.lostTotal + this.sackedBytes) | 0;
    this.sackedBytes = 0;
    this.sackedCount = 0;
    this.sortLosses();
  }

  /** The losses were none: records never retransmitted are on their way again. Those sent twice keep their state. */
  forgetLost(): void {
    let index = this.firstLost;
    while (index !== NONE) {
      const at = (index & this.mask) << RECORD_SHIFT;
      const next = this.words[at | NEXT]!;
      if ((this.words[at | FLAGS]! & RETRANSMITTED) === 0) {
        this.#leave(index, this.recordLength(index));
        this.words[at | FLAGS] = 0;
        if (index < this.firstOriginal) this.firstOriginal = index;
      }
      index = next;
    }
  }

  /** Takes the record out of the list and the counters of its state. Not for SACKed ones. */
  #leave(index: number, length: number): void {
    const flags = this.flags(index);
    if ((flags & LOST) !== 0) this.lostBytes = (this.lostBytes - length) | 0;
    if ((flags & RETRANSMISSION_IN_FLIGHT) !== 0) {
      this.retransmittedBytes = (this.retransmittedBytes - length) | 0;
      this.#delistRetransmission(index);
    } else if ((flags & LOST) !== 0) {
      this.#delistLoss(index);
    }
  }

  /** Puts a record whose flags say so at the end of the list of retransmissions. */
  enlistRetransmission(index: number): void {
    const last = this.lastRetransmission;
    this.#link(last, index);
    this.#link(index, NONE);
    if (last === NONE) this.firstRetransmission = index;
    this.lastRetransmission = index;
  }

  #delistRetransmission(index: number): void {
    const at = (index & this.mask) << RECORD_SHIFT;
    const next = this.words[at | NEXT]!;
    const previous = this.words[at | PREVIOUS]!;
    if (previous === NONE) this.firstRetransmission = next;
    if (next === NONE) this.lastRetransmission = previous;
    this.#link(previous, next);
  }

  // Losses are found in order of transmission: nearly always the new one belongs at the end, or, when it is a retransmission
  // that was lost, near the beginning. In between the order is given up rather than searched for long: a peer could make
  // every acknowledgement cost a walk.
  #enlistLoss(index: number): void {
    let previous = this.lastLost;
    if (previous !== NONE && index < previous) {
      previous = NONE;
      let behind = this.firstLost;
      for (let i = 0; i < SORTED_WITHIN && behind < index; i++) {
        previous = behind;
        behind = this.words[((behind & this.mask) << RECORD_SHIFT) | NEXT]!;
      }
    }
    const next = previous === NONE ? this.firstLost : this.words[((previous & this.mask) << RECORD_SHIFT) | NEXT]!;
    this.#link(previous, index);
    this.#link(index, next);
    if (previous === NONE) this.firstLost = index;
    if (next === NONE) this.lastLost = index;
  }

  #delistLoss(index: number): void {
    const at = (index & this.mask) << RECORD_SHIFT;
    const next = this.words[at | NEXT]!;
    const previous = this.words[at | PREVIOUS]!;
    if (previous === NONE) this.firstLost = next;
    if (next === NONE) this.lastLost = previous;
    this.#link(previous, next);
  }

  /** Makes the list of losses anew, in order of sequence. Walks over all records. */
  sortLosses(): void {
    this.firstLost = NONE;
    this.lastLost = NONE;
    for (let index = this.first; index < this.end; index = (index + 1) | 0) {
      if ((this.flags(index) & (LOST | RETRANSMISSION_IN_FLIGHT)) === LOST) this.#enlistLoss(index);
    }
  }

  /** Makes `next` follow `previous` in their list; either may be NONE. */
  #link(previous: number, next: number): void {
    if (previous !== NONE) this.words[((previous & this.mask) << RECORD_SHIFT) | NEXT] = next;
    if (next !== NONE) this.words[((next & this.mask) << RECORD_SHIFT) | PREVIOUS] = previous;
  }

  #makeRoom(): void {
    if (this.end >= INDEX_LIMIT) this.#rebase();
    if (this.count <= this.mask) return;
    const capacity = (this.mask + 1) << 1;
    this.words = this.#moved(this.words, capacity);
    if (this.keepsRates) this.rates = this.#moved(this.rates, capacity);
    this.mask = capacity - 1;
  }

  /** What is kept of the records, in a ring of `capacity`. Both rings have as many words for each. */
  #moved(words: Int32Array, capacity: number): Int32Array {
    const moved = new Int32Array(capacity << RECORD_SHIFT);
    for (let index = this.first; index < this.end; index = (index + 1) | 0) {
      const from = (index & this.mask) << RECORD_SHIFT;
      const to = (index & (capacity - 1)) << RECORD_SHIFT;
      for (let word = 0; word < WORDS; word++) moved[to | word] = words[from | word]!;
    }
    return moved;
  }

  /** Makes all indices smaller by a multiple of the capacity: places in the ring stay. */
  #rebase(): void {
    const by = this.first & ~this.mask;
    for (let index = this.first; index < this.end; index = (index + 1) | 0) {
      const at = (index & this.mask) << RECORD_SHIFT;
      const flags = this.words[at | FLAGS]!;
      if ((flags & (SACKED | LOST | RETRANSMISSION_IN_FLIGHT)) === 0) continue;
      if (this.words[at | NEXT] !== NONE) this.words[at | NEXT] = this.words[at | NEXT]! - by;
      if (this.words[at | PREVIOUS] !== NONE) this.words[at | PREVIOUS] = this.words[at | PREVIOUS]! - by;
    }
    this.first -= by;
    this.end -= by;
    this.firstOriginal = Math.max(this.firstOriginal - by, 0);
    if (this.firstLost !== NONE) this.firstLost -= by;
    if (this.lastLost !== NONE) this.lastLost -= by;
    if (this.firstRetransmission !== NONE) this.firstRetransmission -= by;
    if (this.lastRetransmission !== NONE) this.lastRetransmission -= by;
  }
}

/** The least power of two that is not less than `records`. */
export function capacityFor(records: number): number {
  let capacity = 1;
  while (capacity < records) capacity <<= 1;
  return capacity;
}
