import { invalidArgument } from '@prism-net/errors';
import type { SpscRing } from '@prism-net/rings';
import { FIRST_SESSION_OWNER, OrderWord } from '../gateway/book-messages.js';
import { answerKind, ReplyKind } from '../orders/reply-message.js';
import { EXECUTION_WORDS, ExecutionWord, type OrderBook } from './order-book.js';
import { ReportWriter } from './report-writer.js';
import { SessionDesk } from './session-desk.js';

/** Takes orders off one ring, matches them, and puts what happened on another: one answer per order, one fill per execution. */
export class BookService {
  readonly #book: OrderBook;
  readonly #orders: SpscRing;
  readonly #reports: SpscRing;
  readonly #report: ReportWriter;
  readonly #desk: SessionDesk | null;
  /** Reports that one order may bring about. */
  readonly #reportsOfOne: number;
  /** Room in the ring of reports, as last seen. */
  #room = 0;
  /** orders, executions */
  readonly #counts = new Float64Array(2);

  /** `desk`: for the orders of sessions, if there are any. */
  constructor(book: OrderBook, orders: SpscRing, reports: SpscRing, desk: SessionDesk | null = null) {
    this.#desk = desk;
    this.#reportsOfOne = desk === null ? book.executionLimit + 1 : SessionDesk.reportsOf(book.executionLimit);
    if (reports.capacity < this.#reportsOfOne) {
      throw invalidArgument('BookService', `a ring of ${reports.capacity} reports cannot hold those of one order`);
    }
    this.#book = book;
    this.#orders = orders;
    this.#reports = reports;
    this.#report = new ReportWriter(reports);
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
      if (this.#room < this.#reportsOfOne) {
        this.#room = this.#reports.free;
        if (this.#room < this.#reportsOfOne) break;
      }
      const owner = words[at + OrderWord.owner]!;
      if (owner >= FIRST_SESSION_OWNER && this.#desk !== null) {
        this.#command(this.#desk, words, at);
        orders.consume();
        done = (done + 1) | 0;
        continue;
      }
      this.#submit(
        owner,
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
    const { executionCount, filledLots, remainingLots } = book;
    const kind = answerKind(reason, filledLots, remainingLots);
    const lastTicks = executionCount > 0 ? book.lastTradeTicks : 0;
    this.#report.write(owner, kind, reason, executionCount, idLow, idHigh, filledLots, remainingLots, lastTicks);
    for (let n = 0; n < executionCount; n = (n + 1) | 0) this.#reportResting(n);
    this.#room = (this.#room - 1 - executionCount) | 0;
    this.#counts[1]! += executionCount;
  }

  /** A session's order, replacement or cancel. */
  #command(desk: SessionDesk, words: Int32Array, at: number): void {
    const owner = words[at + OrderWord.owner]!;
    const userRefNum = words[at + OrderWord.idLow]!;
    desk.execute(words, at);
    const { executionCount } = this.#book;
    for (let n = 0; n < executionCount; n = (n + 1) | 0) {
      this.#reportResting(n);
      desk.executedIncoming(owner, userRefNum, n);
    }
    desk.finish(owner, userRefNum);
    // At most: an answer, two reports per trade, a rest.
    this.#room = (this.#room - SessionDesk.reportsOf(executionCount)) | 0;
    this.#counts[1]! += executionCount;
  }

  /** Tells whoever's order rested of entry `n` of the executions. */
  #reportResting(n: number): void {
    const { executions } = this.#book;
    const at = n * EXECUTION_WORDS;
    const owner = executions[at + ExecutionWord.restingOwner]!;
    this.#desk?.nextMatch();
    if (owner >= FIRST_SESSION_OWNER && this.#desk !== null) {
      this.#desk.executed(n);
      return;
    }
    this.#report.write(
      owner,
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
}
