import { requireWholeNumber } from '@prism-net/errors';
import { SeededRandom } from '@prism-net/tables';
import { STEPS_PER_UNIT } from '../orders/fixed-point.js';
import { ORDER_BYTES, Side, writeOrder, writeOrderPriceWords } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import type { ExpectedDepth } from './expected-depth.js';
import { ExpectedMarket } from './expected-market.js';
import { BLOCK_EVERY, BLOCK_FACTOR, PASSIVE_DISTANCE_TICKS, QUANTITY_UNITS } from './order-sizes.js';
import { TradingDay } from './trading-day.js';

export interface OrderFlowOptions {
  /** Same seed and options, same bytes. A whole number. */
  readonly seed: number;
  /** Price around which the day's value wanders, in ticks. At least 2,000. Default 10,000 (100.00). */
  readonly referenceTicks?: number;
  /** Orders in a trading day; the next day follows at once. Default 4,000,000. */
  readonly ordersPerDay?: number;
  /** Orders in a thousand that the gateway must reject. Default 5. */
  readonly badPermille?: number;
  /** The gateway's limit, in lots: good orders keep it, bad ones exceed it. 0 = the gateway has none. Default 5,000,000. */
  readonly maximumQuantityLots?: number;
  /** Shared by all flows into one book, and of the same reference. Default: the flow's own. */
  readonly market?: ExpectedMarket;
}

/** What kind of order {@link OrderFlow.next} wrote. */
export const OrderKind = { passive: 0, aggressive: 1, cancelling: 2, bad: 3 } as const;
export type OrderKind = (typeof OrderKind)[keyof typeof OrderKind];

/** The most bytes {@link OrderFlow.next} writes: malformed orders can be longer than good ones. */
export const ORDER_FLOW_MAX_BYTES = 32;

/** The value stays within so many ticks of the reference; prices go as far as `ExpectedDepth` reaches. */
const WANDER_TICKS = 400;
/** Pull back to the reference per tick of distance, in 65,536ths of the chance to go up. */
const REVERSION = 10;
/** Chance that an order moves the value: in 1,024ths, at average intensity. */
const MOVE_CHANCE = 48;
/** Resting lots (as a power of two) that the flow steers for: 2^27 lots = 1.3 million units, some 5,000 orders. */
const DEPTH_SHIFT = 27;
/** A duplicate repeats one of so many last good ids; a power of two. */
const REMEMBERED_IDS = 16;

/**
 * A synthetic trading day, repeatable from its seed: `next` writes the next order, without allocation.
 *
 * A value wanders at random around the reference, pulled back to it. Most orders add depth behind the touch; others
 * cross it (some sweep several prices, a few are blocks), and as the feed has no cancel message, what rests at the touch is
 * also taken out whole, by an opposite order of its price and quantity. The more rests in the book, the more orders take from it, so the
 * book is as deep on the last day as on the first.
 *
 * Ids count up from 1. Only a duplicate repeats one: an id that the gateway has surely accepted, unless it rejected all.
 */
export class OrderFlow {
  /** Of the last order. */
  idLow = 0;
  idHigh = 0;
  kind: OrderKind = OrderKind.passive;
  /** Of the last order: why the gateway must reject it (by its default limits); `none` if it must not. */
  expectedReason: RejectReason = RejectReason.none;
  readonly day: TradingDay;
  readonly depth: ExpectedDepth;

  readonly #random: SeededRandom;
  readonly #referenceTicks: number;
  readonly #maximumLots: number;
  readonly #oversizeLots: number;
  /** Of 4,096. */
  readonly #badShare: number;
  readonly #goodIds = new Int32Array(2 * REMEMBERED_IDS);
  #goodCount = 0;
  #nextGood = 0;
  #lastLow = 0;
  #lastHigh = 0;
  readonly #market: ExpectedMarket;

  constructor(options: OrderFlowOptions) {
    const maximum = requireWholeNumber(
      'OrderFlow',
      'maximumQuantityLots',
      options.maximumQuantityLots ?? 5_000_000,
      0,
      0x7fffffff,
    );
    this.#referenceTicks = requireWholeNumber(
      'OrderFlow',
      'referenceTicks',
      options.referenceTicks ?? 10_000,
      2_000,
      100_000_000,
    );
    this.#random = new SeededRandom(requireWholeNumber('OrderFlow', 'seed', options.seed, 0, Number.MAX_SAFE_INTEGER));
    this.day = new TradingDay(
      requireWholeNumber('OrderFlow', 'ordersPerDay', options.ordersPerDay ?? 4_000_000, 64, 0x7fffffff),
    );
    this.#badShare = Math.round(
      (requireWholeNumber('OrderFlow', 'badPermille', options.badPermille ?? 5, 0, 1000) * 4096) / 1000,
    );
    // Blocks stay below 5,000,000 lots also where the gateway has no limit: sums of lots must remain int32.
    this.#maximumLots = Math.min(maximum === 0 ? 5_000_000 : maximum, 5_000_000);
    this.#oversizeLots = maximum === 0 || maximum === 0x7fffffff ? 0 : maximum + 1;
    this.#market = options.market ?? new ExpectedMarket(this.#referenceTicks);
    this.depth = this.#market.depth;
  }

  /** Present order rate in thousandths of the day's average, for a sender that paces itself. */
  get intensityPermille(): number {
    return this.day.intensityPermille;
  }

  /** Was the last order a deliberate duplicate of an earlier id? */
  get isDuplicate(): boolean {
    return this.expectedReason === RejectReason.duplicateOrderId;
  }

  /**
   * Writes the next order at `at`, where {@link ORDER_FLOW_MAX_BYTES} must be free, and returns its length in bytes.
   * What it is stands in `idLow`, `idHigh`, `kind`, `expectedReason`.
   */
  next(view: DataView, at: number): number {
    const course = this.#random.nextInt32();
    this.day.advance(course);
    this.#market.ordersSinceClearing = (this.#market.ordersSinceClearing + 1) | 0;
    this.#moveValue(course);
    const choice = this.#random.nextInt32();
    if (choice >>> 20 < this.#badShare) return this.#writeBad(view, at);

    this.#takeId();
    this.expectedReason = RejectReason.none;
    this.#rememberGoodId();
    const depth = this.depth;
    const buy = (choice & 1023) < this.#buyChance();
    const kind = this.#chooseKind(buy, (choice >>> 10) & 1023);
    this.kind = kind;
    const bits = this.#random.nextInt32();
    let lots = this.#quantity(bits);
    let ticks: number;
    if (kind === OrderKind.passive) {
      ticks = this.#passiveTicks(buy, PASSIVE_DISTANCE_TICKS[bits >>> 24]!);
    } else {
      ticks = buy ? depth.bestAskTicks : depth.bestBidTicks;
      if (kind === OrderKind.cancelling) {
        lots = Math.min(depth.lotsAt(ticks), this.#maximumLots);
      } else {
        const sweep = bits >>> 29;
        ticks = this.#withinReach(buy ? ticks + sweep : ticks - sweep);
        // Twice the size of what rests: fewer takers than makers balance the book.
        lots = Math.min(((bits >>> 16) & (BLOCK_EVERY - 1)) === 0 ? lots * BLOCK_FACTOR : lots * 2, this.#maximumLots);
      }
    }
    if (buy) depth.buy(ticks, lots);
    else depth.sell(ticks, lots);
    writeOrder(view, at, this.idLow, this.idHigh, ticks, lots, buy ? Side.buy : Side.sell);
    return ORDER_BYTES;
  }

  #takeId(): void {
    this.#lastLow = (this.#lastLow + 1) | 0;
    if (this.#lastLow === 0) this.#lastHigh = (this.#lastHigh + 1) | 0;
    this.idLow = this.#lastLow;
    this.idHigh = this.#lastHigh;
  }

  #rememberGoodId(): void {
    this.#goodIds[2 * this.#nextGood] = this.idLow;
    this.#goodIds[2 * this.#nextGood + 1] = this.idHigh;
    this.#nextGood = (this.#nextGood + 1) & (REMEMBERED_IDS - 1);
    if (this.#goodCount < REMEMBERED_IDS) this.#goodCount = (this.#goodCount + 1) | 0;
  }

  /** From the upper 20 bits; the day takes the lower 12. */
  #moveValue(bits: number): void {
    if (((bits >>> 12) & 1023) >= (MOVE_CHANCE * this.day.intensityPermille) >> 10) return;
    const away = (this.#market.valueTicks - this.#referenceTicks) | 0;
    const up = bits >>> 22 < 512 - ((away * REVERSION) >> 6);
    if (up && away < WANDER_TICKS) this.#market.valueTicks = (this.#market.valueTicks + 1) | 0;
    else if (!up && away > -WANDER_TICKS) this.#market.valueTicks = (this.#market.valueTicks - 1) | 0;
  }

  /** Of 1,024: even, but for a burst's direction and for what evens out the two sides of the book. */
  #buyChance(): number {
    const excess = (this.depth.askLots - this.depth.bidLots) >> (DEPTH_SHIFT - 10);
    return (512 + Math.max(-256, Math.min(256, excess)) + this.day.burst * 128) | 0;
  }

  #chooseKind(buy: boolean, choice: number): OrderKind {
    const depth = this.depth;
    if (buy ? depth.askLots === 0 : depth.bidLots === 0) return OrderKind.passive;
    // Who finds a price on the wrong side of the value takes it.
    const bargain = buy ? depth.bestAskTicks <= this.#market.valueTicks : depth.bestBidTicks > this.#market.valueTicks;
    const rests = (depth.bidLots + depth.askLots) >> (DEPTH_SHIFT - 10);
    const passive = Math.max(200, 1000 - ((rests * 400) >> 10) - (bargain ? 300 : 0));
    if (choice < passive) return OrderKind.passive;
    return (choice & 7) < 5 ? OrderKind.aggressive : OrderKind.cancelling;
  }

  /** The best price that does not cross, and so many ticks worse. */
  #passiveTicks(buy: boolean, distance: number): number {
    const depth = this.depth;
    if (buy) return this.#withinReach(Math.min(this.#market.valueTicks, depth.bestAskTicks - 1) - distance);
    return this.#withinReach(Math.max(this.#market.valueTicks + 1, depth.bestBidTicks + 1) + distance);
  }

  #withinReach(ticks: number): number {
    return Math.max(this.depth.lowestTicks, Math.min(this.depth.highestTicks, ticks));
  }

  /** From the lower 16 bits. */
  #quantity(bits: number): number {
    let units = QUANTITY_UNITS[bits & 255]!;
    if (units === 0) units = 1 + ((((bits >>> 8) & 255) * 99) >> 8);
    return Math.min(units * STEPS_PER_UNIT, this.#maximumLots);
  }

  #writeBad(view: DataView, at: number): number {
    const bits = this.#random.nextInt32();
    const side = bits < 0 ? Side.buy : Side.sell;
    const lots = this.#quantity(bits);
    const ticks = this.#passiveTicks(side === Side.buy, PASSIVE_DISTANCE_TICKS[(bits >>> 16) & 255]!);
    this.kind = OrderKind.bad;
    const flaw = (bits >>> 24) & 7;
    if (flaw === 0 && this.#goodCount > 0) {
      const place = 2 * (((bits >>> 8) & 255) % this.#goodCount);
      this.idLow = this.#goodIds[place]!;
      this.idHigh = this.#goodIds[place + 1]!;
      this.expectedReason = RejectReason.duplicateOrderId;
      writeOrder(view, at, this.idLow, this.idHigh, ticks, lots, side);
      return ORDER_BYTES;
    }
    this.#takeId();
    writeOrder(view, at, this.idLow, this.idHigh, ticks, lots, side);
    if (flaw === 1 && this.#oversizeLots !== 0) {
      this.expectedReason = RejectReason.quantityAboveLimit;
      writeOrder(view, at, this.idLow, this.idHigh, ticks, this.#oversizeLots, side);
    } else if (flaw === 2) {
      this.expectedReason = RejectReason.unknownSide;
      writeOrder(view, at, this.idLow, this.idHigh, ticks, lots, 2 + ((bits >>> 16) & 63));
    } else if (flaw === 3) {
      this.expectedReason = RejectReason.zeroPrice;
      writeOrder(view, at, this.idLow, this.idHigh, 0, lots, side);
    } else if (flaw === 4) {
      this.expectedReason = RejectReason.zeroQuantity;
      writeOrder(view, at, this.idLow, this.idHigh, ticks, 0, side);
    } else if (flaw === 5) {
      this.expectedReason = RejectReason.priceOffTick;
      writeOrderPriceWords(view, at, 1 + ((bits >>> 8) & 255), 0);
    } else if (flaw === 6) {
      this.expectedReason = RejectReason.wrongLength;
      return this.#changeLength(view, at, bits);
    } else {
      this.expectedReason = RejectReason.priceOutsideCollar;
      writeOrder(view, at, this.idLow, this.idHigh, this.#referenceTicks * 3, lots, side);
    }
    return ORDER_BYTES;
  }

  /** Cuts the order short, though not so short that its id is gone, or makes it longer. */
  #changeLength(view: DataView, at: number, bits: number): number {
    const extra = (bits >>> 16) & 7;
    if (extra === 0) return 8 + ((bits >>> 8) & 15);
    for (let offset = ORDER_BYTES; offset < ORDER_BYTES + extra; offset++) view.setUint8(at + offset, 0);
    return ORDER_BYTES + extra;
  }
}
