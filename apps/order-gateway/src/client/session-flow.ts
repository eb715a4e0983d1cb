import {
  CL_ORD_ID_BYTES,
  EnterOrder,
  OuchSide,
  ReplaceOrder,
  SYMBOL_BYTES,
  TimeInForce,
  writeAlpha,
  writeCancelOrder,
  writeEnterOrder,
  writeReplaceOrder,
} from '@prism-net/ouch';
import { copyBytes } from '@prism-net/soup-bin-tcp';
import { SeededRandom } from '@prism-net/tables';
import { ORDER_FLOW_MAX_BYTES, OrderFlow } from '../flow/order-flow.js';
import { orderPriceTicks, orderQuantityLots, orderSide, Side } from '../orders/order-message.js';
import { PRICE_UNITS_PER_TICK } from '../session-port/order-entry.js';

/** Of 256 messages: cancels, replacements, and orders that are immediate or cancelled; the rest are orders of the day. */
const CANCELS = 24;
const REPLACEMENTS = 16;
const IMMEDIATE = 16;
/** A cancel or replacement is for one of so many last orders. */
const RECENT_MASK = 127;
/** Shares of one order: what OUCH allows. */
const MAXIMUM_SHARES = 999_999;

export interface SessionFlowOptions {
  readonly seed: number;
  readonly symbol: string;
  readonly referenceTicks: number;
  readonly maximumQuantityLots: number;
}

/** The trading day in OUCH messages: the orders of the order flow, with cancels and replacements of recent ones. */
export class SessionFlow {
  /** The last message was a cancel, which has no UserRefNum of its own. */
  isCancel = false;
  readonly #flow: OrderFlow;
  readonly #random: SeededRandom;
  readonly #scratch = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
  readonly #symbol = new DataView(new ArrayBuffer(SYMBOL_BYTES));
  readonly #clOrdId = new DataView(new ArrayBuffer(CL_ORD_ID_BYTES));

  constructor({ seed, symbol, referenceTicks, maximumQuantityLots }: SessionFlowOptions) {
    const maximum = maximumQuantityLots === 0 ? MAXIMUM_SHARES : Math.min(maximumQuantityLots, MAXIMUM_SHARES);
    this.#flow = new OrderFlow({ seed, referenceTicks, maximumQuantityLots: maximum });
    this.#random = new SeededRandom(seed ^ 0x5e55);
    writeAlpha(this.#symbol, 0, SYMBOL_BYTES, symbol);
    writeAlpha(this.#clOrdId, 0, CL_ORD_ID_BYTES, `LOAD${seed}`);
  }

  get intensityPermille(): number {
    return this.#flow.intensityPermille;
  }

  /** Writes the next message at `at`, with this UserRefNum if it needs one. Returns its length. */
  next(view: DataView, at: number, userRefNum: number): number {
    const bits = this.#random.nextInt32();
    const choice = bits & 255;
    const recent = (userRefNum - 1 - ((bits >>> 8) & RECENT_MASK)) | 0;
    this.isCancel = choice < CANCELS && recent > 0;
    // A quarter of them in part: down to one round lot.
    if (this.isCancel) return writeCancelOrder(view, at, recent, (bits >>> 16) & 3 ? 0 : 10_000);
    this.#flow.next(this.#scratch, 0);
    const side = orderSide(this.#scratch, 0);
    const shares = Math.max(0, orderQuantityLots(this.#scratch, 0));
    const price = this.#price();
    if (choice < CANCELS + REPLACEMENTS && recent > 0) {
      copyBytes(view, at + ReplaceOrder.clOrdId, this.#clOrdId, 0, CL_ORD_ID_BYTES);
      return writeReplaceOrder(view, at, recent, userRefNum, shares, price);
    }
    const isImmediate = choice < CANCELS + REPLACEMENTS + IMMEDIATE;
    copyBytes(view, at + EnterOrder.symbol, this.#symbol, 0, SYMBOL_BYTES);
    copyBytes(view, at + EnterOrder.clOrdId, this.#clOrdId, 0, CL_ORD_ID_BYTES);
    return writeEnterOrder(
      view,
      at,
      userRefNum,
      side === Side.buy ? OuchSide.buy : side === Side.sell ? OuchSide.sell : side,
      shares,
      price,
      isImmediate ? TimeInForce.immediateOrCancel : TimeInForce.day,
    );
  }

  /** Of a bad order a price that is none here either. */
  #price(): number {
    const ticks = orderPriceTicks(this.#scratch, 0);
    return ticks < 0 ? 1 : ticks * PRICE_UNITS_PER_TICK;
  }
}
