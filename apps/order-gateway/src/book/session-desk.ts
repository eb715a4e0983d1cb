import { CancelReason } from '@prism-net/ouch';
import type { SpscRing } from '@prism-net/rings';
import { type HashKey, KeyedTable } from '@prism-net/tables';
import { Command, OrderWord, SessionReport } from '../gateway/book-messages.js';
import { RejectReason } from '../orders/reject-reason.js';
import { EXECUTION_WORDS, ExecutionWord, type OrderBook } from './order-book.js';
import { ReportWriter } from './report-writer.js';

/** Reports of one command beside two for each execution: an answer, and the cancellation of the rest. */
const OTHER_REPORTS = 2;

/**
 * The book's desk for sessions, which enter, replace and cancel orders by their UserRefNum and hear of every single
 * execution. It knows where the orders of sessions rest, and of no others.
 */
export class SessionDesk {
  readonly #book: OrderBook;
  readonly #report: ReportWriter;
  /** Slot in the book by owner and UserRefNum. */
  readonly #resting: KeyedTable;
  /** Of the last match. */
  #matchLow = 0;
  #matchHigh = 0;
  /** What the last command leaves over: not in the book, to be reported as cancelled once its trades are. */
  #restLots = 0;
  #restLetter = 0;

  constructor(book: OrderBook, reports: SpscRing, hashKey: HashKey) {
    this.#book = book;
    this.#report = new ReportWriter(reports);
    this.#resting = new KeyedTable({ capacity: book.capacity, keyWords: 2, key: hashKey });
  }

  /** Most reports of one command. */
  static reportsOf(executionLimit: number): number {
    return 2 * executionLimit + OTHER_REPORTS;
  }

  /** Orders of sessions now in the book. */
  get restingOrders(): number {
    return this.#resting.size;
  }

  /**
   * Works on the command in the record at `at` and answers it. Its trades are in the book's `executions`, to be reported
   * by `nextMatch`, `executedIncoming` and `executed` for each; then `finish`.
   */
  execute(words: Int32Array, at: number): void {
    const owner = words[at + OrderWord.owner]!;
    const packed = words[at + OrderWord.side]!;
    const userRefNum = words[at + OrderWord.idLow]!;
    const quantity = words[at + OrderWord.quantityLots]!;
    const price = words[at + OrderWord.priceTicks]!;
    this.#book.executionCount = 0;
    this.#restLots = 0;
    const command = (packed >> 4) & 3;
    if (command === Command.enter) this.#enter(owner, userRefNum, packed, price, quantity);
    else if (command === Command.cancel) this.#cancel(owner, userRefNum, quantity);
    else this.#replace(owner, words[at + OrderWord.idHigh]!, userRefNum, packed, price, quantity);
  }

  /** An order of a session, at rest, was executed by somebody else's: entry `n` of the book's executions. */
  executed(n: number): void {
    const { executions } = this.#book;
    const at = n * EXECUTION_WORDS;
    const owner = executions[at + ExecutionWord.restingOwner]!;
    const userRefNum = executions[at + ExecutionWord.restingIdLow]!;
    const quantity = executions[at + ExecutionWord.quantityLots]!;
    const left = executions[at + ExecutionWord.restingRemainingLots]!;
    if (left === 0) this.#resting.remove(owner, userRefNum, 0, 0);
    const price = executions[at + ExecutionWord.priceTicks]!;
    this.#report.write(
      owner,
      SessionReport.executedAdding,
      this.#matchHigh,
      this.#matchLow,
      userRefNum,
      0,
      quantity,
      left,
      price,
    );
  }

  /** Numbers the next match: each execution has two sides and one number. */
  nextMatch(): void {
    this.#matchLow = (this.#matchLow + 1) | 0;
    if (this.#matchLow === 0) this.#matchHigh = (this.#matchHigh + 1) | 0;
  }

  /** The side that came in of entry `n` of the executions, if it is a session's. */
  executedIncoming(owner: number, userRefNum: number, n: number): void {
    const { executions } = this.#book;
    const at = n * EXECUTION_WORDS;
    const quantity = executions[at + ExecutionWord.quantityLots]!;
    const price = executions[at + ExecutionWord.priceTicks]!;
    this.#report.write(
      owner,
      SessionReport.executedRemoving,
      this.#matchHigh,
      this.#matchLow,
      userRefNum,
      0,
      quantity,
      0,
      price,
    );
  }

  /** Ends a command, after its trades. */
  finish(owner: number, userRefNum: number): void {
    if (this.#restLots === 0) return;
    this.#report.write(owner, SessionReport.cancelled, this.#restLetter, 0, userRefNum, 0, this.#restLots, 0, 0);
  }

  #enter(owner: number, userRefNum: number, packed: number, price: number, quantity: number): void {
    const isImmediate = (packed & 2) !== 0;
    const reason = this.#submit(owner, userRefNum, packed & 1, packed >>> 8, price, quantity, quantity, isImmediate);
    if (isRefused(reason)) {
      this.#report.write(owner, SessionReport.rejected, reason, 0, userRefNum, 0, 0, 0, 0);
      return;
    }
    this.#report.write(owner, SessionReport.accepted, 0, 0, userRefNum, 0, quantity, 0, 0);
  }

  /** `total`: the order's size with what was executed of the orders it replaces. */
  #submit(
    owner: number,
    userRefNum: number,
    side: number,
    memo: number,
    price: number,
    quantity: number,
    total: number,
    isImmediate: boolean,
  ): RejectReason {
    const book = this.#book;
    const reason = book.submit(userRefNum, memo, owner, side, price, quantity, isImmediate);
    if (!isRefused(reason) && book.remainingLots > 0 && book.restingSlot < 0) {
      this.#restLots = book.remainingLots;
      this.#restLetter = isImmediate ? CancelReason.immediateOrCancel : CancelReason.systemCancel;
    }
    const slot = book.restingSlot;
    if (slot >= 0) {
      book.setMemo(slot, total);
      this.#resting.insert(owner, userRefNum, 0, 0, slot);
    }
    return reason;
  }

  /** OUCH 5.0 §2.3: what there is nothing left of to cancel is ignored. */
  #cancel(owner: number, userRefNum: number, size: number): void {
    const book = this.#book;
    const slot = this.#resting.find(owner, userRefNum, 0, 0);
    if (slot < 0) return;
    const remaining = book.remainingIn(slot);
    const executed = (book.memo(slot) - remaining) | 0;
    const lots = (remaining - Math.max(0, size - executed)) | 0;
    if (lots <= 0) return;
    this.#reduce(owner, userRefNum, slot, lots, remaining);
    this.#report.write(owner, SessionReport.cancelled, CancelReason.userRequested, 0, userRefNum, 0, lots, 0, 0);
  }

  /** OUCH 5.0 §2.2: the quantity includes what was executed of the order that is replaced. */
  #replace(owner: number, original: number, userRefNum: number, packed: number, price: number, quantity: number): void {
    const book = this.#book;
    const slot = this.#resting.find(owner, original, 0, 0);
    if (slot < 0) {
      this.#report.write(owner, SessionReport.rejected, RejectReason.orderNotLive, 0, userRefNum, 0, 0, 0, 0);
      return;
    }
    const remaining = book.remainingIn(slot);
    const open = (quantity - (book.memo(slot) - remaining)) | 0;
    const side = book.sideOf(slot);
    const memo = book.idHighIn(slot);
    if (open > 0 && !book.hasLevel(price)) {
      this.#report.write(owner, SessionReport.rejected, RejectReason.priceOutsideLadder, 0, userRefNum, 0, 0, 0, 0);
      return;
    }
    this.#reduce(owner, original, slot, remaining, remaining);
    if (open <= 0) {
      this.#report.write(owner, SessionReport.replacedByNothing, 0, 0, original, 0, remaining, 0, 0);
      return;
    }
    // A slot has just become free, and the price is on the ladder: the book takes it.
    this.#submit(owner, userRefNum, side, memo, price, open, quantity, (packed & 2) !== 0);
    this.#report.write(owner, SessionReport.replaced, 0, 0, userRefNum, memo, open, side, 0);
  }

  #reduce(owner: number, userRefNum: number, slot: number, lots: number, remaining: number): void {
    if (lots === remaining) this.#resting.remove(owner, userRefNum, 0, 0);
    else this.#book.setMemo(slot, (this.#book.memo(slot) - lots) | 0);
    this.#book.reduce(slot, lots);
  }
}

/** The book took nothing of it. */
function isRefused(reason: RejectReason): boolean {
  return reason === RejectReason.priceOutsideLadder || reason === RejectReason.bookFull;
}
