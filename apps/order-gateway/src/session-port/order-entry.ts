import {
  ACCOUNT_QUERY_RESPONSE_BYTES,
  CancelOrder,
  CrossType,
  checkEnterOrder,
  checkInbound,
  checkReplaceOrder,
  ENTER_ORDER_BYTES,
  EnterOrder,
  InboundType,
  OuchFault,
  OuchRejectReason,
  OuchSide,
  priceOf,
  REJECTED_BYTES,
  REPLACE_ORDER_BYTES,
  ReplaceOrder,
  SYMBOL_BYTES,
  TimeInForce,
  writeAccountQueryResponse,
  writeAlpha,
  writeRejected,
} from '@prism-net/ouch';
import type { SpscRing } from '@prism-net/rings';
import type { MessageReceiver, ServerSession } from '@prism-net/soup-bin-tcp';
import { Command, FIRST_SESSION_OWNER, OrderWord, packCommand } from '../gateway/book-messages.js';
import { Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import type { RiskCheck } from '../risk/risk-check.js';
import { checkOptions } from './order-options.js';
import type { PendingRequests } from './pending-requests.js';
import { rejectCodeOf } from './reject-codes.js';
import type { TimeOfDay } from './time-of-day.js';

/** A tick of 0.01 in units of 0.0001. */
export const PRICE_UNITS_PER_TICK = 100;
const VISIBLE = 0x59;
const ATTRIBUTABLE = 0x41;

export interface OrderEntryOptions {
  readonly toBook: SpscRing;
  readonly risk: RiskCheck;
  readonly pending: PendingRequests;
  readonly time: TimeOfDay;
  readonly sessions: number;
  /** Of the one instrument there is, at most 8 characters. */
  readonly symbol: string;
}

/** OUCH messages from clients: checked, risk-checked, and put on the ring to the book; or rejected at once. */
export class OrderEntry implements MessageReceiver {
  readonly #options: OrderEntryOptions;
  readonly #symbol = new DataView(new ArrayBuffer(SYMBOL_BYTES));
  /** The greatest UserRefNum seen, by session. */
  readonly #lastUserRefNums: Int32Array;
  #room = 0;
  /** Commands put on the ring and not yet published. */
  #unpublished = 0;
  /** orders and replacements; cancels; duplicates ignored; malformed or unsupported messages; rejected */
  readonly #counts = new Float64Array(5);

  constructor(options: OrderEntryOptions) {
    this.#options = options;
    this.#lastUserRefNums = new Int32Array(options.sessions);
    writeAlpha(this.#symbol, 0, SYMBOL_BYTES, options.symbol);
  }

  /** Orders and replacements with a new UserRefNum: each is answered exactly once. */
  get orders(): number {
    return this.#counts[0]!;
  }

  get cancels(): number {
    return this.#counts[1]!;
  }

  /** Orders and replacements whose UserRefNum was not greater than the last: ignored, as they were sent again after a reconnect. */
  get duplicates(): number {
    return this.#counts[2]!;
  }

  /** Messages that OUCH has not, or that this gateway does not take: ignored. */
  get malformed(): number {
    return this.#counts[3]!;
  }

  /** Rejected before the book. */
  get rejected(): number {
    return this.#counts[4]!;
  }

  /** The ring's symbol, padded. */
  get symbol(): DataView {
    return this.#symbol;
  }

  /** To be called before messages are taken. False when there is no room for one. */
  prepare(): boolean {
    const { pending, toBook } = this.#options;
    this.#room = Math.min(toBook.free, pending.room);
    return this.#room > 0;
  }

  /** Publishes the commands put on the ring; true when there were any. */
  publish(): boolean {
    if (this.#unpublished === 0) return false;
    this.#unpublished = 0;
    this.#options.toBook.commit();
    return true;
  }

  receiveMessage(session: ServerSession, view: DataView, at: number, length: number): boolean {
    if (checkInbound(view, at, length) !== OuchFault.none) {
      this.#malformed(session);
      return true;
    }
    switch (view.getUint8(at)) {
      case InboundType.enterOrder:
        this.#enter(session, view, at, length);
        break;
      case InboundType.replaceOrder:
        this.#replace(session, view, at, length);
        break;
      case InboundType.cancelOrder:
        this.#cancel(session, view, at);
        break;
      default:
        this.#query(session);
    }
    return this.#room > 0;
  }

  #enter(session: ServerSession, view: DataView, at: number, length: number): void {
    if (!this.#isNew(session, view.getInt32(at + EnterOrder.userRefNum))) return;
    let code: number = checkEnterOrder(view, at);
    if (code === OuchRejectReason.none) code = this.#checkEnter(view, at, length);
    const ticks = (priceOf(view, at + EnterOrder.price) / PRICE_UNITS_PER_TICK) | 0;
    const quantity = view.getInt32(at + EnterOrder.quantity);
    if (code === OuchRejectReason.none) code = this.#checkRisk(ticks, quantity);
    if (code !== OuchRejectReason.none) {
      this.#reject(session, view, at, EnterOrder.userRefNum, EnterOrder.clOrdId, code);
      return;
    }
    const letter = view.getUint8(at + EnterOrder.side);
    const side = letter === OuchSide.buy ? Side.buy : Side.sell;
    const isImmediate = view.getUint8(at + EnterOrder.timeInForce) === TimeInForce.immediateOrCancel;
    const memo = letter | (view.getUint8(at + EnterOrder.capacity) << 8);
    const packed = packCommand(Command.enter, side, isImmediate, memo);
    this.#options.pending.push(view, at, ENTER_ORDER_BYTES);
    this.#put(session, view.getInt32(at + EnterOrder.userRefNum), 0, packed, ticks, quantity);
  }

  #replace(session: ServerSession, view: DataView, at: number, length: number): void {
    if (!this.#isNew(session, view.getInt32(at + ReplaceOrder.userRefNum))) return;
    let code: number = checkReplaceOrder(view, at);
    if (code === OuchRejectReason.none) {
      code = this.#checkTerms(view, at, ReplaceOrder.price, ReplaceOrder.timeInForce, ReplaceOrder.display);
    }
    if (code === OuchRejectReason.none)
      code = checkOptions(view, at + REPLACE_ORDER_BYTES, length - REPLACE_ORDER_BYTES);
    const ticks = (priceOf(view, at + ReplaceOrder.price) / PRICE_UNITS_PER_TICK) | 0;
    const quantity = view.getInt32(at + ReplaceOrder.quantity);
    if (code === OuchRejectReason.none) code = this.#checkRisk(ticks, quantity);
    if (code !== OuchRejectReason.none) {
      this.#reject(session, view, at, ReplaceOrder.userRefNum, ReplaceOrder.clOrdId, code);
      return;
    }
    const isImmediate = view.getUint8(at + ReplaceOrder.timeInForce) === TimeInForce.immediateOrCancel;
    const original = view.getInt32(at + ReplaceOrder.originalUserRefNum);
    const packed = packCommand(Command.replace, 0, isImmediate, 0);
    this.#options.pending.push(view, at, REPLACE_ORDER_BYTES);
    this.#put(session, view.getInt32(at + ReplaceOrder.userRefNum), original, packed, ticks, quantity);
  }

  /** Whether there is anything to cancel only the book knows; if not, nothing happens. */
  #cancel(session: ServerSession, view: DataView, at: number): void {
    this.#counts[1]! += 1;
    const size = view.getInt32(at + CancelOrder.quantity);
    // What is read as negative is more than any order has.
    if (size < 0) return;
    const packed = packCommand(Command.cancel, 0, false, 0);
    this.#put(session, view.getInt32(at + CancelOrder.userRefNum), 0, packed, 0, size);
  }

  #query(session: ServerSession): void {
    const next = (this.#lastUserRefNums[session.index]! + 1) | 0;
    const at = session.add(ACCOUNT_QUERY_RESPONSE_BYTES);
    writeAccountQueryResponse(session.store.view, at, this.#options.time, next);
  }

  #checkEnter(view: DataView, at: number, length: number): number {
    for (let n = 0; n < SYMBOL_BYTES; n = (n + 4) | 0) {
      if (view.getInt32(at + EnterOrder.symbol + n) !== this.#symbol.getInt32(n)) return OuchRejectReason.invalidSymbol;
    }
    if (view.getUint8(at + EnterOrder.crossType) !== CrossType.continuous) return OuchRejectReason.invalidCrossOrder;
    const code = this.#checkTerms(view, at, EnterOrder.price, EnterOrder.timeInForce, EnterOrder.display);
    if (code !== OuchRejectReason.none) return code;
    return checkOptions(view, at + ENTER_ORDER_BYTES, length - ENTER_ORDER_BYTES);
  }

  /** What OUCH knows and this market has not: prices between ticks, hidden orders, times in force but two. */
  #checkTerms(view: DataView, at: number, price: number, timeInForce: number, display: number): number {
    if (priceOf(view, at + price) % PRICE_UNITS_PER_TICK !== 0) return OuchRejectReason.invalidPrice;
    const time = view.getUint8(at + timeInForce);
    if (time !== TimeInForce.day && time !== TimeInForce.immediateOrCancel) return OuchRejectReason.other;
    const shown = view.getUint8(at + display);
    return shown === VISIBLE || shown === ATTRIBUTABLE ? OuchRejectReason.none : OuchRejectReason.invalidDisplay;
  }

  #checkRisk(ticks: number, quantity: number): number {
    const reason = this.#options.risk.checkLimits(ticks, quantity);
    return reason === RejectReason.none ? OuchRejectReason.none : rejectCodeOf(reason);
  }

  /** OUCH 5.0 §1.2: numbers increase strictly. A message with an old one is ignored, so a client may send it again. */
  #isNew(session: ServerSession, userRefNum: number): boolean {
    const last = this.#lastUserRefNums[session.index]!;
    if (userRefNum >>> 0 <= last >>> 0) {
      this.#counts[2]! += 1;
      return false;
    }
    this.#lastUserRefNums[session.index] = userRefNum;
    this.#counts[0]! += 1;
    return true;
  }

  #put(session: ServerSession, idLow: number, idHigh: number, packed: number, ticks: number, quantity: number): void {
    const { toBook } = this.#options;
    const record = toBook.reserve();
    const { words } = toBook;
    words[record + OrderWord.owner] = FIRST_SESSION_OWNER + session.index;
    words[record + OrderWord.idLow] = idLow;
    words[record + OrderWord.idHigh] = idHigh;
    words[record + OrderWord.side] = packed;
    words[record + OrderWord.priceTicks] = ticks;
    words[record + OrderWord.quantityLots] = quantity;
    this.#room = (this.#room - 1) | 0;
    this.#unpublished = (this.#unpublished + 1) | 0;
  }

  #reject(session: ServerSession, view: DataView, at: number, userRefNum: number, clOrdId: number, code: number): void {
    this.#counts[4]! += 1;
    const to = session.add(REJECTED_BYTES);
    writeRejected(session.store.view, to, this.#options.time, view, at, userRefNum, clOrdId, code);
  }

  #malformed(session: ServerSession): void {
    this.#counts[3]! += 1;
    session.connection?.debug('a message was ignored: unknown type, wrong length, or malformed appendage');
  }
}
