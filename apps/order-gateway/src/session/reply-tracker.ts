import { requirePowerOfTwo } from '@prism-net/errors';
import { RejectReason } from '../orders/reject-reason.js';
import { ReplyKind } from '../orders/reply-message.js';

/** What a client knows of its orders' answers. */
export interface ReplyTotals {
  /** Orders sent, duplicates among them. */
  readonly sent: number;
  /** Orders answered, duplicates among them. */
  readonly answered: number;
  /** Sent and not yet answered. */
  readonly outstanding: number;
  /** Never answered: given up when its place was needed, or by `giveUp`. */
  readonly lost: number;
  /** Answers to orders that were answered already. */
  readonly doubled: number;
  /** Replies with an id that was never sent. */
  readonly unknown: number;
  /** Answers to orders too old to tell whether they are doubled or counted as lost. */
  readonly late: number;
  /** Deliberate duplicates that the gateway took for new orders, although it had let the first order pass. */
  readonly duplicatesAccepted: number;
  /** Orders sent once that were rejected as duplicates. */
  readonly falseDuplicates: number;
  /** Later executions of resting orders, which are no answers. */
  readonly fills: number;
  /** Answers by `ReplyKind`. */
  readonly answersByKind: Readonly<Record<'accepted' | 'filled' | 'partiallyFilled' | 'rejected', number>>;
}

/** Indices of the counters; Float64, as they pass 2^31 in a long run. */
const SENT = 0;
const ANSWERED = 1;
const LOST = 2;
const DOUBLED = 3;
const UNKNOWN = 4;
const LATE = 5;
const DUPLICATES_ACCEPTED = 6;
const FALSE_DUPLICATES = 7;
const FILLS = 8;
const COUNTERS = 9;

/** States of an order itself. */
const ANSWERED_ORDER = 0;
const WAITING = 1;
/** Answered by a reject from before the book: its id did not count as used, so that a duplicate may rightly be accepted. */
const REFUSED = 2;

/**
 * Watches, on the client's side, that every order gets exactly one answer: finds lost, doubled and unknown ones, and
 * gives the sending time back for the latency. O(1) per order and per reply, nothing is allocated.
 *
 * The client numbers its orders 1, 2, 3 … as 64-bit ids, so a ring indexed by the lower bits of the id is all that is
 * needed; `capacity` is how far the newest id may be ahead of the oldest one still outstanding.
 *
 * A deliberate duplicate has the id of an earlier order, still in the ring. It is counted beside that order: of the
 * answers under this id, a reject for `duplicateOrderId` belongs to the duplicate and any other to the order itself.
 */
export class ReplyTracker {
  /** Sending time of the order that the last `answered` call was about. */
  sentAt = 0;

  readonly #mask: number;
  readonly #idLow: Int32Array;
  readonly #idHigh: Int32Array;
  readonly #sentTimes: Int32Array;
  readonly #duplicateTimes: Int32Array;
  readonly #states: Uint8Array;
  /** Duplicates of it that wait for theirs. */
  readonly #waitingDuplicates: Int32Array;
  readonly #counters = new Float64Array(COUNTERS);
  readonly #kinds = new Float64Array(ReplyKind.fill + 1);
  readonly #reasons = new Float64Array(256);
  #lastLow = 0;
  #lastHigh = 0;
  #open = 0;

  /** `capacity`: a power of two from 2 to 2^24. */
  constructor(capacity: number) {
    requirePowerOfTwo('ReplyTracker', 'capacity', capacity, 2, 1 << 24);
    this.#mask = capacity - 1;
    this.#idLow = new Int32Array(capacity);
    this.#idHigh = new Int32Array(capacity);
    this.#sentTimes = new Int32Array(capacity);
    this.#duplicateTimes = new Int32Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#waitingDuplicates = new Int32Array(capacity);
  }

  /** Orders sent and not yet answered: what a sender compares with its window. */
  get outstanding(): number {
    return this.#open;
  }

  /** Orders sent, duplicates among them. These four are for live displays: unlike {@link totals} they allocate nothing. */
  get sentOrders(): number {
    return this.#counters[SENT]!;
  }

  get answeredOrders(): number {
    return this.#counters[ANSWERED]!;
  }

  get rejectedOrders(): number {
    return this.#kinds[ReplyKind.rejected]!;
  }

  get fills(): number {
    return this.#counters[FILLS]!;
  }

  /**
   * An order was sent, at `now`, which is the caller's int32 clock. `duplicate`: it repeats, on purpose, the id of an
   * earlier order not more than `capacity` ids ago; otherwise ids go up by one.
   */
  sent(idLow: number, idHigh: number, duplicate: boolean, now: number): void {
    const at = idLow & this.#mask;
    this.#counters[SENT] = this.#counters[SENT]! + 1;
    this.#open = (this.#open + 1) | 0;
    if (duplicate) {
      this.#waitingDuplicates[at] = this.#waitingDuplicates[at]! + 1;
      this.#duplicateTimes[at] = now;
      return;
    }
    this.#abandon(at);
    this.#idLow[at] = idLow;
    this.#idHigh[at] = idHigh;
    this.#sentTimes[at] = now;
    this.#states[at] = WAITING;
    this.#lastLow = idLow;
    this.#lastHigh = idHigh;
  }

  /**
   * A reply came. True if it answers an order that was waiting: its sending time is in `sentAt`. False for later fills
   * and for whatever is wrong, which is counted.
   */
  answered(kind: number, reason: number, idLow: number, idHigh: number): boolean {
    const counters = this.#counters;
    if (!this.#wasSent(idLow, idHigh)) {
      counters[UNKNOWN] = counters[UNKNOWN]! + 1;
      return false;
    }
    if (kind === ReplyKind.fill) {
      counters[FILLS] = counters[FILLS]! + 1;
      return false;
    }
    const at = idLow & this.#mask;
    if (this.#idLow[at] !== idLow || this.#idHigh[at] !== idHigh) {
      counters[LATE] = counters[LATE]! + 1;
      return false;
    }
    const duplicates = this.#waitingDuplicates[at]!;
    const rejectedAsDuplicate = reason === RejectReason.duplicateOrderId;
    const state = this.#states[at]!;
    if (duplicates > 0 && (rejectedAsDuplicate || state !== WAITING)) {
      this.#waitingDuplicates[at] = duplicates - 1;
      this.sentAt = this.#duplicateTimes[at]!;
      if (kind !== ReplyKind.rejected) {
        if (state !== REFUSED) counters[DUPLICATES_ACCEPTED] = counters[DUPLICATES_ACCEPTED]! + 1;
        this.#states[at] = ANSWERED_ORDER;
      }
    } else if (state === WAITING) {
      this.#states[at] = kind === ReplyKind.rejected && !isFromBook(reason) ? REFUSED : ANSWERED_ORDER;
      this.sentAt = this.#sentTimes[at]!;
      if (rejectedAsDuplicate) counters[FALSE_DUPLICATES] = counters[FALSE_DUPLICATES]! + 1;
    } else {
      counters[DOUBLED] = counters[DOUBLED]! + 1;
      return false;
    }
    this.#open = (this.#open - 1) | 0;
    counters[ANSWERED] = counters[ANSWERED]! + 1;
    this.#kinds[kind] = this.#kinds[kind]! + 1;
    this.#reasons[reason] = this.#reasons[reason]! + 1;
    return true;
  }

  /** Counts everything still outstanding as lost: when the run is over and nothing more is waited for. */
  giveUp(): void {
    for (let at = 0; at <= this.#mask; at++) this.#abandon(at);
  }

  /** How many answers carried a `RejectReason`. */
  answersFor(reason: RejectReason): number {
    return this.#reasons[reason]!;
  }

  /** All counters at this moment. Allocates: not for every packet. */
  totals(): ReplyTotals {
    const counters = this.#counters;
    const kinds = this.#kinds;
    return {
      sent: counters[SENT]!,
      answered: counters[ANSWERED]!,
      outstanding: this.#open,
      lost: counters[LOST]!,
      doubled: counters[DOUBLED]!,
      unknown: counters[UNKNOWN]!,
      late: counters[LATE]!,
      duplicatesAccepted: counters[DUPLICATES_ACCEPTED]!,
      falseDuplicates: counters[FALSE_DUPLICATES]!,
      fills: counters[FILLS]!,
      answersByKind: {
        accepted: kinds[ReplyKind.accepted]!,
        filled: kinds[ReplyKind.filled]!,
        partiallyFilled: kinds[ReplyKind.partiallyFilled]!,
        rejected: kinds[ReplyKind.rejected]!,
      },
    };
  }

  /** Ids from 1 to the last one sent, as unsigned 64-bit numbers. */
  #wasSent(idLow: number, idHigh: number): boolean {
    if (idHigh !== this.#lastHigh) return idHigh >>> 0 < this.#lastHigh >>> 0 && (idHigh | idLow) !== 0;
    return idLow >>> 0 <= this.#lastLow >>> 0 && (idHigh | idLow) !== 0;
  }

  /** Counts what still waits in a place as lost. */
  #abandon(at: number): void {
    const lost = (this.#states[at] === WAITING ? 1 : 0) + this.#waitingDuplicates[at]!;
    if (lost === 0) return;
    this.#counters[LOST] = this.#counters[LOST]! + lost;
    this.#open = (this.#open - lost) | 0;
    this.#states[at] = ANSWERED_ORDER;
    this.#waitingDuplicates[at] = 0;
  }
}

function isFromBook(reason: number): boolean {
  return reason >= RejectReason.priceOutsideLadder && reason <= RejectReason.executionLimit;
}

/** Is everything as it must be at the end of a run: each order answered exactly once and rightly? */
export function isFlawless(totals: ReplyTotals): boolean {
  const { lost, doubled, unknown, late, duplicatesAccepted, falseDuplicates, outstanding } = totals;
  return lost + doubled + unknown + late + duplicatesAccepted + falseDuplicates + outstanding === 0;
}
