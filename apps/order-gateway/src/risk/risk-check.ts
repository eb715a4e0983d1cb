import { requireWholeNumber } from '@prism-net/errors';
import type { HashKey } from '@prism-net/tables';
import { RejectReason } from '../orders/reject-reason.js';
import { RecentIds } from './recent-ids.js';

export interface RiskOptions {
  /** Secret of the duplicate check; see `createHashKey`, in production from a `CryptoRandom`. */
  readonly hashKey: HashKey;
  /** The collar's centre until the first trade, in ticks. */
  readonly referenceTicks: number;
  /** How far a price may be from the last trade, in thousandths of it; 0 switches the collar off. Default 50. */
  readonly collarPermille?: number;
  /** Largest quantity of one order, in lots; 0 = no limit. Default 5,000,000 (50,000.00). */
  readonly maximumQuantityLots?: number;
  /** Largest price × quantity of one order, in whole units of money; 0 = no limit. Default 0. */
  readonly maximumNotional?: number;
  /** How many accepted ids are remembered; an id may not come again within so many. Default 262,144. */
  readonly duplicateWindow?: number;
  /** Throws the kill switch after so many orders have been checked; 0 = never. Default 0. */
  readonly killAfterOrders?: number;
  /** One word, 0 while trading is on; over shared memory another thread can throw the switch too. Default: its own. */
  readonly killSwitch?: Int32Array;
}

const DEFAULT_COLLAR_PERMILLE = 50;
const DEFAULT_MAXIMUM_QUANTITY_LOTS = 5_000_000;
const DEFAULT_DUPLICATE_WINDOW = 262_144;
const LARGEST_INT32 = 2_147_483_647;
/** Ticks × lots in one unit of money: 100 ticks in a price of 1, 100 lots in a quantity of 1. */
const STEP_PRODUCTS_PER_UNIT = 10_000;

/**
 * The checks between the wire and the book, for one gateway: O(1), no allocation, memory fixed at construction.
 *
 * In this order: kill switch, maximum quantity, price collar, maximum notional, duplicate id. An id counts as used once
 * an order has passed all of them, so an order that risk refused may be corrected and sent again under its id.
 */
export class RiskCheck {
  readonly #recentIds: RecentIds;
  readonly #collarPermille: number;
  readonly #maximumQuantityLots: number;
  readonly #maximumStepProduct: number;
  readonly #killSwitch: Int32Array;
  #ordersUntilKill: number;
  #reference = 0;
  #lowestTicks = 1;
  #highestTicks = LARGEST_INT32;

  constructor(options: RiskOptions) {
    this.#collarPermille = requireWholeNumber(
      'RiskCheck',
      'collarPermille',
      options.collarPermille ?? DEFAULT_COLLAR_PERMILLE,
      0,
      1_000_000,
    );
    this.#maximumQuantityLots =
      requireWholeNumber(
        'RiskCheck',
        'maximumQuantityLots',
        options.maximumQuantityLots ?? DEFAULT_MAXIMUM_QUANTITY_LOTS,
        0,
        LARGEST_INT32,
      ) || LARGEST_INT32;
    const notional = requireWholeNumber(
      'RiskCheck',
      'maximumNotional',
      options.maximumNotional ?? 0,
      0,
      Number.MAX_SAFE_INTEGER,
    );
    this.#maximumStepProduct = notional === 0 ? Number.POSITIVE_INFINITY : notional * STEP_PRODUCTS_PER_UNIT;
    this.#ordersUntilKill = requireWholeNumber(
      'RiskCheck',
      'killAfterOrders',
      options.killAfterOrders ?? 0,
      0,
      LARGEST_INT32,
    );
    this.#killSwitch = options.killSwitch ?? new Int32Array(1);
    this.#recentIds = new RecentIds(options.duplicateWindow ?? DEFAULT_DUPLICATE_WINDOW, options.hashKey);
    this.followTrade(requireWholeNumber('RiskCheck', 'referenceTicks', options.referenceTicks, 1, LARGEST_INT32));
  }

  /** The collar's centre: the last trade's price in ticks. */
  get referenceTicks(): number {
    return this.#reference;
  }

  get killed(): boolean {
    return Atomics.load(this.#killSwitch, 0) !== 0;
  }

  /** From now on every order is rejected. */
  kill(): void {
    Atomics.store(this.#killSwitch, 0, 1);
  }

  /** Moves the collar to the price of a trade, in ticks. */
  followTrade(priceTicks: number): void {
    if (priceTicks === this.#reference) return;
    this.#reference = priceTicks;
    if (this.#collarPermille === 0) return;
    // Doubles: the product may pass int32. Both are whole numbers again before they are kept.
    const width = Math.floor((priceTicks * this.#collarPermille) / 1000);
    this.#lowestTicks = Math.max(1, priceTicks - width) | 0;
    this.#highestTicks = Math.min(LARGEST_INT32, priceTicks + width) | 0;
  }

  /** May this order, already found well-formed by `checkOrder`, go to the book? Remembers its id if so. */
  check(idLow: number, idHigh: number, priceTicks: number, quantityLots: number): RejectReason {
    const reason = this.checkLimits(priceTicks, quantityLots);
    if (reason !== RejectReason.none) return reason;
    if (!this.#recentIds.add(idLow, idHigh)) return RejectReason.duplicateOrderId;
    return RejectReason.none;
  }

  /** The same without the id, for sessions: their orders are numbered in a row. */
  checkLimits(priceTicks: number, quantityLots: number): RejectReason {
    if (Atomics.load(this.#killSwitch, 0) !== 0) return RejectReason.killSwitch;
    if (this.#ordersUntilKill !== 0) {
      this.#ordersUntilKill = (this.#ordersUntilKill - 1) | 0;
      if (this.#ordersUntilKill === 0) this.kill();
    }
    if (quantityLots > this.#maximumQuantityLots) return RejectReason.quantityAboveLimit;
    if (priceTicks < this.#lowestTicks || priceTicks > this.#highestTicks) return RejectReason.priceOutsideCollar;
    if (priceTicks * quantityLots > this.#maximumStepProduct) return RejectReason.notionalAboveLimit;
    return RejectReason.none;
  }
}
