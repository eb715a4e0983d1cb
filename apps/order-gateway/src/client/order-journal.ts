import { requirePowerOfTwo } from '@prism-net/errors';

const SLOT_BYTES = 64;
const ANSWERED = 0;
const WAITING = 1;

/** What a session's client knows of the answers to its orders. */
export interface JournalTotals {
  /** Orders and replacements, each counted once however often it was sent. */
  readonly sent: number;
  readonly answered: number;
  readonly outstanding: number;
  /** Never answered: given up at the end, or when their place was needed. */
  readonly lost: number;
  /** Answers to what was answered already. */
  readonly doubled: number;
  /** Messages about a UserRefNum that was never used. */
  readonly unknown: number;
  /** Sent again after a reconnect. */
  readonly resent: number;
}

/**
 * The orders and replacements of a session, by UserRefNum from 1 on: those that wait for their answer are kept as they
 * were sent, to be sent again when the connection was lost. A ring of `capacity` messages; nothing is allocated.
 */
export class OrderJournal {
  /** Where messages are written and sent again from; see {@link open} and {@link at}. */
  readonly view: DataView;
  /** Of the next order. */
  nextUserRefNum = 1;
  /** When the order that was answered last was sent. */
  sentAt = 0;

  readonly #mask: number;
  readonly #lengths: Uint8Array;
  readonly #states: Uint8Array;
  readonly #sentTimes: Int32Array;
  /** answered, lost, doubled, unknown, resent */
  readonly #counts = new Float64Array(5);
  #outstanding = 0;
  /** None before it waits. */
  #oldest = 1;

  /** `capacity`: a power of two. */
  constructor(capacity: number) {
    requirePowerOfTwo('OrderJournal', 'capacity', capacity, 2, 1 << 20);
    this.#mask = capacity - 1;
    this.view = new DataView(new ArrayBuffer(capacity * SLOT_BYTES));
    this.#lengths = new Uint8Array(capacity);
    this.#states = new Uint8Array(capacity);
    this.#sentTimes = new Int32Array(capacity);
  }

  get outstanding(): number {
    return this.#outstanding;
  }

  /** The first UserRefNum that may wait for its answer. */
  get oldest(): number {
    while (this.#oldest !== this.nextUserRefNum && !this.isWaiting(this.#oldest)) this.#oldest = (this.#oldest + 1) | 0;
    return this.#oldest;
  }

  /** There is room for another order, with everything from the oldest on kept. */
  get hasRoom(): boolean {
    return ((this.nextUserRefNum - this.oldest) | 0) <= this.#mask;
  }

  at(userRefNum: number): number {
    return (userRefNum & this.#mask) * SLOT_BYTES;
  }

  lengthOf(userRefNum: number): number {
    return this.#lengths[userRefNum & this.#mask]!;
  }

  isWaiting(userRefNum: number): boolean {
    return this.#states[userRefNum & this.#mask] === WAITING;
  }

  /** The order with {@link nextUserRefNum}, `length` bytes already written at its place, is sent now. */
  open(length: number, now: number): void {
    const slot = this.nextUserRefNum & this.#mask;
    if (this.#states[slot] === WAITING) {
      this.#counts[1]! += 1;
      this.#outstanding = (this.#outstanding - 1) | 0;
    }
    this.#lengths[slot] = length;
    this.#states[slot] = WAITING;
    this.#sentTimes[slot] = now;
    this.#outstanding = (this.#outstanding + 1) | 0;
    this.nextUserRefNum = (this.nextUserRefNum + 1) | 0;
  }

  /** An answer came. True: the first to an order; its time is in {@link sentAt}. */
  answered(userRefNum: number): boolean {
    if (!this.#wasSent(userRefNum)) {
      this.#counts[3]! += 1;
      return false;
    }
    const slot = userRefNum & this.#mask;
    if (((this.nextUserRefNum - userRefNum) | 0) > this.#mask + 1 || this.#states[slot] !== WAITING) {
      this.#counts[2]! += 1;
      return false;
    }
    this.#states[slot] = ANSWERED;
    this.#outstanding = (this.#outstanding - 1) | 0;
    this.#counts[0]! += 1;
    this.sentAt = this.#sentTimes[slot]!;
    return true;
  }

  /** A message that is no answer names this order. */
  mentioned(userRefNum: number): void {
    if (!this.#wasSent(userRefNum)) this.#counts[3]! += 1;
  }

  resent(): void {
    this.#counts[4]! += 1;
  }

  totals(): JournalTotals {
    const [answered = 0, lost = 0, doubled = 0, unknown = 0, resent = 0] = this.#counts;
    const sent = answered + lost + this.#outstanding;
    return { sent, answered, outstanding: this.#outstanding, lost, doubled, unknown, resent };
  }

  get sentOrders(): number {
    return this.#counts[0]! + this.#counts[1]! + this.#outstanding;
  }

  get answeredOrders(): number {
    return this.#counts[0]!;
  }

  /** What still waits counts as lost. */
  giveUp(): void {
    for (let n = this.oldest; n !== this.nextUserRefNum; n = (n + 1) | 0) {
      if (!this.isWaiting(n)) continue;
      this.#states[n & this.#mask] = ANSWERED;
      this.#outstanding = (this.#outstanding - 1) | 0;
      this.#counts[1]! += 1;
    }
  }

  #wasSent(userRefNum: number): boolean {
    return userRefNum !== 0 && userRefNum >>> 0 < this.nextUserRefNum >>> 0;
  }
}
