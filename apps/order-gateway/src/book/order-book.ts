import { invalidArgument, requireWholeNumber } from '@prism-net/errors';
import { Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { LevelBitmap } from './level-bitmap.js';

export interface OrderBookOptions {
  /** Price of the lowest level of the ladder, in ticks. Default 1. */
  readonly lowestTicks?: number;
  /** Levels of the ladder, one tick apart: a multiple of 1024, at most 2^20. Default 65,536. */
  readonly levels?: number;
  /** Orders that can rest at the same time, at most 2^24. Default 65,536. */
  readonly capacity?: number;
  /** Resting orders that one incoming order may execute against, at most 65,535: the bound of its work. Default 1,024. */
  readonly executionLimit?: number;
}

/** Words of an entry in {@link OrderBook.executions}: `executions[n * EXECUTION_WORDS + ExecutionWord.…]`. */
export const EXECUTION_WORDS = 8;
export const ExecutionWord = {
  restingIdLow: 0,
  restingIdHigh: 1,
  /** Whatever was given as `owner` when the resting order was submitted. */
  restingOwner: 2,
  priceTicks: 3,
  quantityLots: 4,
  /** What is left of the resting order: 0 = it left the book. */
  restingRemainingLots: 5,
} as const;

/** An order at rest, for tests and displays. */
export interface RestingOrder {
  readonly idLow: number;
  readonly idHigh: number;
  readonly owner: number;
  readonly priceTicks: number;
  readonly remainingLots: number;
}

const NONE = -1;
/** Words of a slot: one resting order. */
const SLOT_WORDS = 8;
const ID_LOW = 0;
const ID_HIGH = 1;
const OWNER = 2;
const REMAINING = 3;
/** The next younger order of the level, or the next free slot. */
const NEXT = 4;
/** The next older order of the level. */
const PREVIOUS = 5;
const LEVEL = 6;
/** The caller's: see `OrderBook.memo`. */
const MEMO = 7;

/**
 * A limit order book with price-time priority.
 *
 * Levels are a dense ladder of prices one tick apart. A level is a first-in-first-out list of slots, threaded through
 * one Int32Array; a bitmap over the levels finds the next best price. Bids and asks share ladder and bitmap: whatever
 * is occupied up to the best bid is a bid, whatever from the best ask upwards is an ask, and matching never lets the two
 * meet.
 *
 * Everything is allocated at construction. An order costs O(1) plus O(1) per execution, of which there are at most
 * `executionLimit`.
 */
export class OrderBook {
  readonly capacity: number;
  readonly executionLimit: number;
  /** The trades of the last `submit`, oldest first; valid until the next. See {@link ExecutionWord}. */
  readonly executions: Int32Array;
  /** How many there are. */
  executionCount = 0;
  /** What the last `submit` executed, in lots. */
  filledLots = 0;
  /** What it left over, in lots: in the book if `submit` returned `none`, else cancelled. */
  remainingLots = 0;
  /** Price of the last trade ever, in ticks; 0 before the first. */
  lastTradeTicks = 0;
  /** Orders now in the book. */
  restingOrders = 0;
  /** Where the last `submit` rested what was left over; -1 if it did not. Valid until that order has left the book. */
  restingSlot = NONE;

  readonly #lowestTicks: number;
  readonly #levels: number;
  readonly #bitmap: LevelBitmap;
  readonly #heads: Int32Array;
  readonly #tails: Int32Array;
  readonly #slots: Int32Array;
  #freeSlot = 0;
  /** Level of the best bid, -1 without bids. */
  #bestBid = NONE;
  /** Level of the best ask, `levels` without asks. */
  #bestAsk: number;

  constructor(options: OrderBookOptions = {}) {
    const levels = requireWholeNumber('OrderBook', 'levels', options.levels ?? 65_536, 1024, 1 << 20);
    if (levels % 1024 !== 0) throw invalidArgument('OrderBook', `levels must be a multiple of 1024, not ${levels}`);
    this.#levels = levels;
    this.#lowestTicks = requireWholeNumber(
      'OrderBook',
      'lowestTicks',
      options.lowestTicks ?? 1,
      1,
      0x7fffffff - levels,
    );
    this.capacity = requireWholeNumber('OrderBook', 'capacity', options.capacity ?? 65_536, 1, 1 << 24);
    this.executionLimit = requireWholeNumber('OrderBook', 'executionLimit', options.executionLimit ?? 1_024, 1, 65_535);
    this.executions = new Int32Array(this.executionLimit * EXECUTION_WORDS);
    this.#bitmap = new LevelBitmap(levels);
    this.#heads = new Int32Array(levels).fill(NONE);
    this.#tails = new Int32Array(levels).fill(NONE);
    this.#slots = new Int32Array(this.capacity * SLOT_WORDS);
    for (let slot = 0; slot < this.capacity; slot++) {
      this.#slots[slot * SLOT_WORDS + NEXT] = slot + 1 === this.capacity ? NONE : slot + 1;
    }
    this.#bestAsk = levels;
  }

  /** In ticks; 0 without bids. */
  get bestBidTicks(): number {
    return this.#bestBid === NONE ? 0 : this.#lowestTicks + this.#bestBid;
  }

  /** In ticks; 0 without asks. */
  get bestAskTicks(): number {
    return this.#bestAsk === this.#levels ? 0 : this.#lowestTicks + this.#bestAsk;
  }

  /**
   * Matches an order against the other side and rests what is left of it. The outcome is in `executionCount`,
   * `executions`, `filledLots` and `remainingLots`.
   *
   * `owner` is the caller's int32 and comes back with every later execution of this order. `quantityLots` > 0. With
   * `isImmediate` nothing is rested: what is left over is cancelled.
   *
   * @returns `none`; or `priceOutsideLadder` or `bookFull`: nothing happened; or `executionLimit`: executed in part and
   * the rest cancelled.
   */
  submit(
    idLow: number,
    idHigh: number,
    owner: number,
    side: number,
    priceTicks: number,
    quantityLots: number,
    isImmediate = false,
  ): RejectReason {
    this.executionCount = 0;
    this.filledLots = 0;
    this.restingSlot = NONE;
    this.remainingLots = quantityLots;
    const level = (priceTicks - this.#lowestTicks) | 0;
    if (level < 0 || level >= this.#levels) return RejectReason.priceOutsideLadder;
    if (side === Side.buy) {
      while (this.remainingLots > 0 && this.#bestAsk <= level) {
        if (!this.#matchLevel(this.#bestAsk)) return RejectReason.executionLimit;
        if (this.#heads[this.#bestAsk] === NONE) this.#bestAsk = this.#bitmap.atOrAbove(this.#bestAsk);
      }
    } else {
      while (this.remainingLots > 0 && this.#bestBid >= level) {
        if (!this.#matchLevel(this.#bestBid)) return RejectReason.executionLimit;
        if (this.#heads[this.#bestBid] === NONE) this.#bestBid = this.#bitmap.atOrBelow(this.#bestBid);
      }
    }
    if (this.remainingLots === 0 || isImmediate) return RejectReason.none;
    // An order with a rest after a trade has emptied at least one slot: a full book refuses untouched orders only.
    if (!this.#rest(level, idLow, idHigh, owner)) return RejectReason.bookFull;
    if (side === Side.buy) {
      if (level > this.#bestBid) this.#bestBid = level;
    } else if (level < this.#bestAsk) {
      this.#bestAsk = level;
    }
    return RejectReason.none;
  }

  hasLevel(priceTicks: number): boolean {
    const level = (priceTicks - this.#lowestTicks) | 0;
    return level >= 0 && level < this.#levels;
  }

  /** What is left of the order in a slot, in lots. */
  remainingIn(slot: number): number {
    return this.#slots[slot * SLOT_WORDS + REMAINING]!;
  }

  sideOf(slot: number): Side {
    return this.#slots[slot * SLOT_WORDS + LEVEL]! <= this.#bestBid ? Side.buy : Side.sell;
  }

  /** The high word of the order's id. */
  idHighIn(slot: number): number {
    return this.#slots[slot * SLOT_WORDS + ID_HIGH]!;
  }

  /** A word of the caller's that stays with the order while it rests. */
  memo(slot: number): number {
    return this.#slots[slot * SLOT_WORDS + MEMO]!;
  }

  setMemo(slot: number, word: number): void {
    this.#slots[slot * SLOT_WORDS + MEMO] = word;
  }

  /** Takes lots off an order at rest, which keeps its place; all of them take it out of the book. `lots`: 1 to `remainingIn`. */
  reduce(slot: number, lots: number): void {
    const slots = this.#slots;
    const at = slot * SLOT_WORDS;
    const left = (slots[at + REMAINING]! - lots) | 0;
    slots[at + REMAINING] = left;
    if (left === 0) this.#remove(slot);
  }

  /** The orders of a level, oldest first. Allocates: for tests and displays. */
  ordersAt(priceTicks: number): RestingOrder[] {
    const orders: RestingOrder[] = [];
    const level = priceTicks - this.#lowestTicks;
    if (level < 0 || level >= this.#levels) return orders;
    const slots = this.#slots;
    for (let slot = this.#heads[level]!; slot !== NONE; slot = slots[slot * SLOT_WORDS + NEXT]!) {
      const at = slot * SLOT_WORDS;
      orders.push({
        idLow: slots[at + ID_LOW]!,
        idHigh: slots[at + ID_HIGH]!,
        owner: slots[at + OWNER]!,
        priceTicks,
        remainingLots: slots[at + REMAINING]!,
      });
    }
    return orders;
  }

  /** All orders of a side by priority. Allocates: for tests and displays. */
  ordersOf(side: Side): RestingOrder[] {
    const orders: RestingOrder[] = [];
    if (side === Side.buy) {
      for (let level = this.#bestBid; level !== NONE; level = this.#bitmap.atOrBelow(level - 1)) {
        orders.push(...this.ordersAt(this.#lowestTicks + level));
      }
    } else {
      for (let level = this.#bestAsk; level !== this.#levels; level = this.#bitmap.atOrAbove(level + 1)) {
        orders.push(...this.ordersAt(this.#lowestTicks + level));
      }
    }
    return orders;
  }

  /**
   * Executes against one level until it is empty or nothing remains. False when the execution limit stops it first,
   * while both sides still want to trade.
   */
  #matchLevel(level: number): boolean {
    const slots = this.#slots;
    const executions = this.executions;
    const priceTicks = (this.#lowestTicks + level) | 0;
    let remaining = this.remainingLots;
    let count = this.executionCount;
    let slot = this.#heads[level]!;
    let within = true;
    while (slot !== NONE && remaining > 0) {
      if (count === this.executionLimit) {
        within = false;
        break;
      }
      const at = slot * SLOT_WORDS;
      const resting = slots[at + REMAINING]!;
      const quantity = Math.min(resting, remaining);
      const left = (resting - quantity) | 0;
      const entry = count * EXECUTION_WORDS;
      executions[entry + ExecutionWord.restingIdLow] = slots[at + ID_LOW]!;
      executions[entry + ExecutionWord.restingIdHigh] = slots[at + ID_HIGH]!;
      executions[entry + ExecutionWord.restingOwner] = slots[at + OWNER]!;
      executions[entry + ExecutionWord.priceTicks] = priceTicks;
      executions[entry + ExecutionWord.quantityLots] = quantity;
      executions[entry + ExecutionWord.restingRemainingLots] = left;
      count = (count + 1) | 0;
      remaining = (remaining - quantity) | 0;
      slots[at + REMAINING] = left;
      if (left !== 0) break;
      const next = slots[at + NEXT]!;
      slots[at + NEXT] = this.#freeSlot;
      this.#freeSlot = slot;
      this.restingOrders = (this.restingOrders - 1) | 0;
      slot = next;
    }
    this.#heads[level] = slot;
    if (slot === NONE) {
      this.#tails[level] = NONE;
      this.#bitmap.clear(level);
    } else {
      slots[slot * SLOT_WORDS + PREVIOUS] = NONE;
    }
    if (count !== this.executionCount) this.lastTradeTicks = priceTicks;
    this.filledLots = (this.filledLots + this.remainingLots - remaining) | 0;
    this.remainingLots = remaining;
    this.executionCount = count;
    return within;
  }

  /** Appends what remains to its level. False if no slot is free. */
  #rest(level: number, idLow: number, idHigh: number, owner: number): boolean {
    const slot = this.#freeSlot;
    if (slot === NONE) return false;
    const slots = this.#slots;
    const at = slot * SLOT_WORDS;
    this.#freeSlot = slots[at + NEXT]!;
    slots[at + ID_LOW] = idLow;
    slots[at + ID_HIGH] = idHigh;
    slots[at + OWNER] = owner;
    slots[at + REMAINING] = this.remainingLots;
    slots[at + NEXT] = NONE;
    slots[at + LEVEL] = level;
    this.restingSlot = slot;
    const tail = this.#tails[level]!;
    slots[at + PREVIOUS] = tail;
    if (tail === NONE) {
      this.#heads[level] = slot;
      this.#bitmap.set(level);
    } else {
      slots[tail * SLOT_WORDS + NEXT] = slot;
    }
    this.#tails[level] = slot;
    this.restingOrders = (this.restingOrders + 1) | 0;
    return true;
  }

  /** Takes an order out of its level. */
  #remove(slot: number): void {
    const slots = this.#slots;
    const at = slot * SLOT_WORDS;
    const level = slots[at + LEVEL]!;
    const next = slots[at + NEXT]!;
    const previous = slots[at + PREVIOUS]!;
    if (previous === NONE) this.#heads[level] = next;
    else slots[previous * SLOT_WORDS + NEXT] = next;
    if (next === NONE) this.#tails[level] = previous;
    else slots[next * SLOT_WORDS + PREVIOUS] = previous;
    slots[at + NEXT] = this.#freeSlot;
    this.#freeSlot = slot;
    this.restingOrders = (this.restingOrders - 1) | 0;
    if (this.#heads[level] !== NONE) return;
    this.#bitmap.clear(level);
    if (level === this.#bestBid) this.#bestBid = this.#bitmap.atOrBelow(level);
    else if (level === this.#bestAsk) this.#bestAsk = this.#bitmap.atOrAbove(level);
  }
}
