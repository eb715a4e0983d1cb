import {
  ACCEPTED_BYTES,
  CANCELLED_BYTES,
  CancelReason,
  EnterOrder,
  EXECUTED_BYTES,
  InboundType,
  LiquidityFlag,
  OrderState,
  OuchRejectReason,
  REJECTED_BYTES,
  REPLACED_BYTES,
  ReplaceOrder,
  SYSTEM_EVENT_BYTES,
  writeAccepted,
  writeCancelled,
  writeExecuted,
  writeRejected,
  writeReplaced,
  writeSystemEvent,
} from '@prism-net/ouch';
import type { ServerSession } from '@prism-net/soup-bin-tcp';
import { FIRST_SESSION_OWNER, ReportWord, SessionReport } from '../gateway/book-messages.js';
import type { SessionReports } from '../gateway/order-gateway.js';
import { PRICE_UNITS_PER_TICK } from './order-entry.js';
import type { PendingRequests } from './pending-requests.js';
import { rejectCodeOf } from './reject-codes.js';
import type { TimeOfDay } from './time-of-day.js';

/** Turns what the book reports into the sequenced messages of a session. */
export class OrderAnswers implements SessionReports {
  readonly #sessions: readonly ServerSession[];
  readonly #pending: PendingRequests;
  readonly #time: TimeOfDay;
  readonly #symbol: DataView;
  /** Order reference numbers given out. */
  #referenceLow = 0;
  #referenceHigh = 0;
  /** answers; executions, each side for itself; cancellations */
  readonly #counts = new Float64Array(3);

  constructor(sessions: readonly ServerSession[], pending: PendingRequests, time: TimeOfDay, symbol: DataView) {
    this.#sessions = sessions;
    this.#pending = pending;
    this.#time = time;
    this.#symbol = symbol;
  }

  /** Orders and replacements that the book has answered. */
  get answers(): number {
    return this.#counts[0]!;
  }

  get executions(): number {
    return this.#counts[1]!;
  }

  get cancellations(): number {
    return this.#counts[2]!;
  }

  /** Start or end of the day, to one session. */
  systemEvent(session: ServerSession, isStart: boolean): void {
    writeSystemEvent(session.store.view, session.add(SYSTEM_EVENT_BYTES), this.#time, isStart);
  }

  report(words: Int32Array, at: number): void {
    const session = this.#sessions[words[at + ReportWord.owner]! - FIRST_SESSION_OWNER]!;
    const kind = words[at + ReportWord.kind]!;
    switch (kind) {
      case SessionReport.accepted:
        this.#accepted(session);
        break;
      case SessionReport.executedAdding:
        this.#executed(session, words, at, LiquidityFlag.added);
        break;
      case SessionReport.executedRemoving:
        this.#executed(session, words, at, LiquidityFlag.removed);
        break;
      case SessionReport.cancelled:
        this.#cancelled(session, words, at, words[at + ReportWord.reason]!);
        break;
      case SessionReport.replaced:
        this.#replaced(session, words, at);
        break;
      case SessionReport.replacedByNothing:
        // The order is gone, and so that every UserRefNum has an answer the replacement is rejected.
        this.#cancelled(session, words, at, CancelReason.userRequested);
        this.#rejected(session, OuchRejectReason.invalidQuantity);
        break;
      default:
        this.#rejected(session, rejectCodeOf(words[at + ReportWord.reason]!));
    }
  }

  #accepted(session: ServerSession): void {
    this.#answered();
    this.#nextReference();
    const from = this.#pending.shift();
    writeAccepted(
      session.store.view,
      session.add(ACCEPTED_BYTES),
      this.#time,
      this.#pending.view,
      from,
      this.#referenceLow,
      this.#referenceHigh,
      OrderState.live,
    );
  }

  #replaced(session: ServerSession, words: Int32Array, at: number): void {
    this.#answered();
    this.#nextReference();
    const from = this.#pending.shift();
    const memo = words[at + ReportWord.idHigh]!;
    writeReplaced(
      session.store.view,
      session.add(REPLACED_BYTES),
      this.#time,
      this.#pending.view,
      from,
      memo & 0xff,
      words[at + ReportWord.filledLots]!,
      this.#symbol,
      (memo >> 8) & 0xff,
      this.#referenceLow,
      this.#referenceHigh,
      OrderState.live,
    );
  }

  #rejected(session: ServerSession, code: number): void {
    this.#answered();
    const from = this.#pending.shift();
    const { view } = this.#pending;
    const isEnter = view.getUint8(from) === InboundType.enterOrder;
    const userRefNum = isEnter ? EnterOrder.userRefNum : ReplaceOrder.userRefNum;
    const clOrdId = isEnter ? EnterOrder.clOrdId : ReplaceOrder.clOrdId;
    const to = session.add(REJECTED_BYTES);
    writeRejected(session.store.view, to, this.#time, view, from, userRefNum, clOrdId, code);
  }

  #executed(session: ServerSession, words: Int32Array, at: number, liquidity: number): void {
    this.#counts[1]! += 1;
    writeExecuted(
      session.store.view,
      session.add(EXECUTED_BYTES),
      this.#time,
      words[at + ReportWord.idLow]!,
      words[at + ReportWord.filledLots]!,
      words[at + ReportWord.lastPriceTicks]! * PRICE_UNITS_PER_TICK,
      liquidity,
      words[at + ReportWord.executions]!,
      words[at + ReportWord.reason]!,
    );
  }

  #cancelled(session: ServerSession, words: Int32Array, at: number, letter: number): void {
    this.#counts[2]! += 1;
    const userRefNum = words[at + ReportWord.idLow]!;
    const lots = words[at + ReportWord.filledLots]!;
    writeCancelled(session.store.view, session.add(CANCELLED_BYTES), this.#time, userRefNum, lots, letter);
  }

  #answered(): void {
    this.#counts[0]! += 1;
  }

  #nextReference(): void {
    this.#referenceLow = (this.#referenceLow + 1) | 0;
    if (this.#referenceLow === 0) this.#referenceHigh = (this.#referenceHigh + 1) | 0;
  }
}
