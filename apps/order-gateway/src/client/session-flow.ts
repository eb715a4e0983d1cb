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
import { ExpectedMarket } from '../flow/expected-market.js';
import { ORDER_FLOW_MAX_BYTES, OrderFlow, OrderKind } from '../flow/order-flow.js';
import { orderPriceTicks, orderQuantityLots, orderSide, Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { PRICE_UNITS_PER_TICK } from '../session-port/order-entry.js';

/** Of 256 messages: cancels, replacements, and orders that are immediate or cancelled; the rest are orders of the day. */
const CANCELS = 24;
const REPLACEMENTS = 16;
const IMMEDIATE = 16;
/** A cancel or replacement is for one of so many last orders. */
const RECENT_MASK = 127;
/** A replacement looks at so many of them for one that should still be at rest, and be on its side. */
const CANDIDATES = 32;
/** So far behind the touch: what is nearer may be executed while its replacement is on its way. */
const BEHIND_TICKS = 10;
/**
 * Messages on two ways overtake each other, and a cancel may come too late, so the book drifts from what the flow expects.
 * Orders left over would add up unseen: after so many orders both sides are cleared.
 */
const CLEARING_EVERY = 32_768;
/** Immediate orders to either side beyond what is expected to be there. */
const CLEARING_EXCESS = 32;
const CLEARING_MOST = 512;
/** How far from the value they go: both ways within the collar around the other's last trade. */
const CLEARING_TICKS = 150;
/** What a cancel in part leaves: a round lot. */
const ROUND_LOT = 10_000;
/** Shares of one order: what OUCH allows. */
const MAXIMUM_SHARES = 999_999;

export interface SessionFlowOptions {
  readonly seed: number;
  readonly symbol: string;
  readonly referenceTicks: number;
  readonly maximumQuantityLots: number;
  /** See `OrderFlowOptions`. */
  readonly market?: ExpectedMarket;
}

/**
 * The trading day in OUCH messages: the orders of the order flow, with cancels and replacements of recent ones, and now
 * and then immediate orders that clear the book.
 */
export class SessionFlow {
  /** The last message was a cancel, which has no UserRefNum of its own. */
  isCancel = false;
  /** The last message was an order that must be rejected. */
  isBad = false;
  readonly #flow: OrderFlow;
  readonly #market: ExpectedMarket;
  readonly #maximumLots: number;
  /** Orders of a clearing still to be sent: to buy, to sell. */
  #clearingBuys = 0;
  #clearingSells = 0;
  readonly #random: SeededRandom;
  readonly #scratch = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
  readonly #symbol = new DataView(new ArrayBuffer(SYMBOL_BYTES));
  readonly #clOrdId = new DataView(new ArrayBuffer(CL_ORD_ID_BYTES));
  /** Of the last orders, by UserRefNum: price, and lots that should rest there, those of sellers negative. */
  readonly #recentTicks = new Int32Array(RECENT_MASK + 1);
  readonly #recentLots = new Int32Array(RECENT_MASK + 1);

  constructor({ market, maximumQuantityLots, referenceTicks, seed, symbol }: SessionFlowOptions) {
    const maximum = maximumQuantityLots === 0 ? MAXIMUM_SHARES : Math.min(maximumQuantityLots, MAXIMUM_SHARES);
    this.#maximumLots = maximum;
    this.#market = market ?? new ExpectedMarket(referenceTicks);
    this.#flow = new OrderFlow({ seed, referenceTicks, maximumQuantityLots: maximum, market: this.#market });
    this.#random = new SeededRandom(seed ^ 0x5e55);
    writeAlpha(this.#symbol, 0, SYMBOL_BYTES, symbol);
    writeAlpha(this.#clOrdId, 0, CL_ORD_ID_BYTES, `LOAD${seed}`);
  }

  get intensityPermille(): number {
    return this.#flow.intensityPermille;
  }

  /** Writes the next message at `at`, with this UserRefNum if it needs one. Returns its length. */
  next(view: DataView, at: number, userRefNum: number): number {
    if (this.#market.ordersSinceClearing >= CLEARING_EVERY) this.#startClearing();
    if ((this.#clearingBuys | this.#clearingSells) !== 0) return this.#clear(view, at, userRefNum);
    const bits = this.#random.nextInt32();
    const choice = bits & 255;
    const recent = (userRefNum - 1 - ((bits >>> 8) & RECENT_MASK)) | 0;
    this.isCancel = choice < CANCELS && recent > 0;
    if (this.isCancel) {
      // A quarter of them in part.
      const left = (bits >>> 16) & 3 ? 0 : ROUND_LOT;
      this.#cancelExpected(recent, left);
      return writeCancelOrder(view, at, recent, left);
    }
    this.#flow.next(this.#scratch, 0);
    this.isBad = this.#flow.kind === OrderKind.bad;
    const side = orderSide(this.#scratch, 0);
    const price = this.#price();
    const isImmediate = !this.isBad && choice >= CANCELS + REPLACEMENTS && choice < CANCELS + REPLACEMENTS + IMMEDIATE;
    const replaced = this.isBad || choice >= CANCELS + REPLACEMENTS ? 0 : this.#replaceable(side, recent);
    if (replaced !== 0) this.#cancelExpected(replaced, 0);
    this.#expect(userRefNum, side, isImmediate);
    if (replaced !== 0) {
      copyBytes(view, at + ReplaceOrder.clOrdId, this.#clOrdId, 0, CL_ORD_ID_BYTES);
      return writeReplaceOrder(view, at, replaced, userRefNum, this.#shares(), price);
    }
    return this.#enter(view, at, userRefNum, side, this.#shares(), price, isImmediate);
  }

  #enter(
    view: DataView,
    at: number,
    userRefNum: number,
    side: number,
    shares: number,
    price: number,
    isImmediate: boolean,
  ): number {
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

  #startClearing(): void {
    const { depth } = this.#market;
    this.#market.ordersSinceClearing = 0;
    // Nothing of what is there now will stay.
    this.#recentLots.fill(0);
    this.#clearingBuys = this.#clearingOrders(depth.askLots);
    this.#clearingSells = this.#clearingOrders(depth.bidLots);
  }

  #clearingOrders(lots: number): number {
    const expected = (lots / this.#maximumLots) | 0;
    return Math.min(CLEARING_MOST, (expected + 1 + CLEARING_EXCESS) | 0) | 0;
  }

  /** An immediate order of the greatest size through all prices near the value: buyers and sellers in turn. */
  #clear(view: DataView, at: number, userRefNum: number): number {
    const { depth, valueTicks } = this.#market;
    const buys = this.#clearingBuys > this.#clearingSells;
    const ticks = (buys ? valueTicks + CLEARING_TICKS : valueTicks - CLEARING_TICKS) | 0;
    const lots = this.#maximumLots;
    this.isCancel = false;
    this.isBad = false;
    if (buys) {
      this.#clearingBuys = (this.#clearingBuys - 1) | 0;
      depth.buy(ticks, lots);
      depth.cancelBuy(ticks, depth.restedLots);
    } else {
      this.#clearingSells = (this.#clearingSells - 1) | 0;
      depth.sell(ticks, lots);
      depth.cancelSell(ticks, depth.restedLots);
    }
    this.#recentLots[userRefNum & RECENT_MASK] = 0;
    const side = buys ? Side.buy : Side.sell;
    return this.#enter(view, at, userRefNum, side, lots, ticks * PRICE_UNITS_PER_TICK, true);
  }

  /** Remembers what the flow's last order should have left in the book; what is immediate leaves nothing. */
  #expect(userRefNum: number, side: number, isImmediate: boolean): void {
    const slot = userRefNum & RECENT_MASK;
    const { depth } = this.#flow;
    const lots = this.isBad ? 0 : depth.restedLots;
    this.#recentTicks[slot] = orderPriceTicks(this.#scratch, 0);
    this.#recentLots[slot] = side === Side.buy ? lots : -lots;
    if (isImmediate) this.#cancelExpected(userRefNum, 0);
  }

  /** Of an order that is expected at rest all but `left` is gone. */
  #cancelExpected(userRefNum: number, left: number): void {
    const slot = userRefNum & RECENT_MASK;
    const { depth } = this.#flow;
    const lots = this.#recentLots[slot]!;
    const ticks = this.#recentTicks[slot]!;
    if (lots > left) {
      depth.cancelBuy(ticks, (lots - left) | 0);
      this.#recentLots[slot] = left;
    } else if (-lots > left) {
      depth.cancelSell(ticks, (-lots - left) | 0);
      this.#recentLots[slot] = -left;
    }
  }

  /** The UserRefNum of an order of this side that should be at rest, from `recent` backwards; 0 if none is found. */
  #replaceable(side: number, recent: number): number {
    const { depth } = this.#flow;
    for (let n = 0; n < CANDIDATES; n = (n + 1) | 0) {
      const userRefNum = (recent - n) | 0;
      if (userRefNum <= 0) return 0;
      const lots = this.#recentLots[userRefNum & RECENT_MASK]!;
      const ticks = this.#recentTicks[userRefNum & RECENT_MASK]!;
      const behind = side === Side.buy ? depth.bestBidTicks - ticks : ticks - depth.bestAskTicks;
      if ((side === Side.buy ? lots : -lots) > 0 && behind >= BEHIND_TICKS) return userRefNum;
    }
    return 0;
  }

  /** Sessions number their orders and carry what is too short: what is bad by its id or length there has no quantity here. */
  #shares(): number {
    const reason = this.#flow.expectedReason;
    if (reason === RejectReason.duplicateOrderId || reason === RejectReason.wrongLength) return 0;
    return Math.max(0, orderQuantityLots(this.#scratch, 0));
  }

  /** Of a bad order a price that is none here either. */
  #price(): number {
    const ticks = orderPriceTicks(this.#scratch, 0);
    return ticks < 0 ? 1 : ticks * PRICE_UNITS_PER_TICK;
  }
}
