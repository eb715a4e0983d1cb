import { invalidArgument } from '@prism-net/errors';
import type { SpscRing } from '@prism-net/rings';
import { OrderWord, ReportWord } from '../gateway/book-messages.js';
import { answerKind, ReplyKind } from '../orders/reply-message.js';
import { EXECUTION_WORDS, ExecutionWord, type OrderBook } from './order-book.js';

/** Takes orders off one ring, matches them, and puts what happened on another: one answer per order, one fill per execution. */
export class BookService {
  readonly #book: OrderBook;
  readonly #orders: SpscRing;
  readonly #reports: SpscRing;
  /** Room in the ring of reports, as last seen. */
  #room = 0;
  /** orders, executions */
  readonly #counts = new Float64Array(2);

  constructor(book: OrderBook, orders: SpscRing, reports: SpscRing) {
    if (reports.capacity <= book.executionLimit) {
      throw invalidArgument('BookService', `a ring of ${reports.capacity} reports cannot hold those of one order`);
    }
    this.#book = book;
    this.#orders = orders;
    this.#reports = reports;
  }

  /** Orders worked on. */
  get orders(): number {
    return this.#counts[0]!;
  }

  get executions(): number {
    return this.#counts[1]!;
  }

  get hasOrders(): boolean {
    return this.#orders.length > 0;
  }

  /** Works on up to `maximum` orders and returns how many there were. An order is taken only if all its reports find room. */
  poll(maximum: number): number {
    const orders = this.#orders;
    const { words } = orders;
    let done = 0;
    while (done < maximum) {
      const at = orders.peek();
      if (at < 0) break;
      if (this.#room <= this.#book.executionLimit) {
        this.#room = this.#reports.free;
        if (this.#room <= this.#book.executionLimit) break;
      }
      this.#submit(
        words[at + OrderWord.owner]!,
        words[at + OrderWord.idLow]!,
        words[at + OrderWord.idHigh]!,
        words[at + OrderWord.side]!,
        words[at + OrderWord.priceTicks]!,
        words[at + OrderWord.quantityLots]!,
      );
      orders.consume();
      done = (done + 1) | 0;
    }
    if (done > 0) {
      orders.release();
      this.#reports.commit();
      this.#counts[0]! += done;
    }
    return done;
  }

  #submit(owner: number, idLow: number, idHigh: number, side: number, priceTicks: number, quantityLots: number): void {
    const book = this.#book;
    const reason = book.submit(idLow, idHigh, owner, side as 0 | 1, priceTicks, quantityLots);
    const { executionCount, executions, filledLots, remainingLots } = book;
    const kind = answerKind(reason, filledLots, remainingLots);
    const lastTicks = executionCount > 0 ? book.lastTradeTicks : 0;
    this.#report(owner, kind, reason, executionCount, idLow, idHigh, filledLots, remainingLots, lastTicks);
    for (let n = 0; n < executionCount; n = (n + 1) | 0) {
      const at = n * EXECUTION_WORDS;
      this.#report(
        executions[at + ExecutionWord.restingOwner]!,
        ReplyKind.fill,
        0,
        1,
        executions[at + ExecutionWord.restingIdLow]!,
        executions[at + ExecutionWord.restingIdHigh]!,
        executions[at + ExecutionWord.quantityLots]!,
        executions[at + ExecutionWord.restingRemainingLots]!,
        executions[at + ExecutionWord.priceTicks]!,
      );
    }
    this.#room = (this.#room - 1 - executionCount) | 0;
    this.#counts[1]! += executionCount;
  }

  #report(
    owner: number,
    kind: ReplyKind,
    reason: number,
    executions: number,
    idLow: number,
    idHigh: number,
    filledLots: number,
    remainingLots: number,
    lastPriceTicks: number,
  ): void {
    const at = this.#reports.reserve();
    const { words } = this.#reports;
    words[at + ReportWord.owner] = owner;
    words[at + ReportWord.kind] = kind;
    words[at + ReportWord.reason] = reason;
    words[at + ReportWord.executions] = executions;
    words[at + ReportWord.idLow] = idLow;
    words[at + ReportWord.idHigh] = idHigh;
    words[at + ReportWord.filledLots] = filledLots;
    words[at + ReportWord.remainingLots] = remainingLots;
    words[at + ReportWord.lastPriceTicks] = lastPriceTicks;
  }
}
