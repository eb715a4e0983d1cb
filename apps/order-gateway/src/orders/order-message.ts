import { BEYOND_RANGE, highWordOfSteps, lowWordOfSteps, OFF_STEP, stepsFromWords } from './fixed-point.js';
import { RejectReason } from './reject-reason.js';

/*
 * The order datagram, little-endian, unaligned, 25 bytes:
 *
 *   offset  field     type
 *        0  order_id  u64
 *        8  price     u64   units of 1e-8
 *       16  qty       u64   units of 1e-8
 *       24  side      u8    0 buy, 1 sell
 *
 * A 64-bit field is two int32 words, because a BigInt is an allocation.
 */
export const ORDER_BYTES = 25;

export const Side = { buy: 0, sell: 1 } as const;
export type Side = (typeof Side)[keyof typeof Side];

const ID = 0;
const PRICE = 8;
const QUANTITY = 16;
const SIDE = 24;

export function orderIdLow(view: DataView, at: number): number {
  return view.getInt32(at + ID, true);
}

export function orderIdHigh(view: DataView, at: number): number {
  return view.getInt32(at + ID + 4, true);
}

/** The side byte; {@link Side} after {@link checkOrder}. */
export function orderSide(view: DataView, at: number): number {
  return view.getUint8(at + SIDE);
}

/** Price in ticks of 0.01; positive after {@link checkOrder}, else perhaps 0, `OFF_STEP` or `BEYOND_RANGE`. */
export function orderPriceTicks(view: DataView, at: number): number {
  return stepsFromWords(view.getInt32(at + PRICE, true), view.getInt32(at + PRICE + 4, true));
}

/** Quantity in lots of 0.01; positive after {@link checkOrder}, else perhaps 0, `OFF_STEP` or `BEYOND_RANGE`. */
export function orderQuantityLots(view: DataView, at: number): number {
  return stepsFromWords(view.getInt32(at + QUANTITY, true), view.getInt32(at + QUANTITY + 4, true));
}

/**
 * Is the datagram of `length` bytes at `at` an order the book can represent? Reads nothing beyond `length`.
 * The fields are worth reading only when the answer is `RejectReason.none`.
 */
export function checkOrder(view: DataView, at: number, length: number): RejectReason {
  if (length !== ORDER_BYTES) return RejectReason.wrongLength;
  if (view.getUint8(at + SIDE) > Side.sell) return RejectReason.unknownSide;
  const ticks = orderPriceTicks(view, at);
  if (ticks <= 0) {
    if (ticks === OFF_STEP) return RejectReason.priceOffTick;
    return ticks === BEYOND_RANGE ? RejectReason.priceBeyondRange : RejectReason.zeroPrice;
  }
  const lots = orderQuantityLots(view, at);
  if (lots <= 0) {
    if (lots === OFF_STEP) return RejectReason.quantityOffLot;
    return lots === BEYOND_RANGE ? RejectReason.quantityBeyondRange : RejectReason.zeroQuantity;
  }
  return RejectReason.none;
}

/**
 * Even a datagram of the wrong length is answered by its order id as long as it has one: can the id be read?
 * If not, the answer carries id 0.
 */
export function carriesOrderId(length: number): boolean {
  return length >= ID + 8;
}

/** Writes all 25 bytes. `ticks` and `lots` are ≥ 0; `side` is any byte, so that bad orders can be made too. */
export function writeOrder(
  view: DataView,
  at: number,
  idLow: number,
  idHigh: number,
  ticks: number,
  lots: number,
  side: number,
): void {
  view.setInt32(at + ID, idLow, true);
  view.setInt32(at + ID + 4, idHigh, true);
  writeOrderPriceWords(view, at, lowWordOfSteps(ticks), highWordOfSteps(ticks));
  view.setInt32(at + QUANTITY, lowWordOfSteps(lots), true);
  view.setInt32(at + QUANTITY + 4, highWordOfSteps(lots), true);
  view.setUint8(at + SIDE, side);
}

/** Overwrites the price by any u64 in wire units, also one that is off the tick or out of range. */
export function writeOrderPriceWords(view: DataView, at: number, low: number, high: number): void {
  view.setInt32(at + PRICE, low, true);
  view.setInt32(at + PRICE + 4, high, true);
}

/** An order in wire units, for tests and tools. */
export interface OrderValue {
  readonly id: bigint;
  readonly price: bigint;
  readonly quantity: bigint;
  readonly side: number;
}

/** Cold path: parses the 25 bytes as they are, without judging them. */
export function readOrderValue(view: DataView, at: number): OrderValue {
  return {
    id: view.getBigUint64(at + ID, true),
    price: view.getBigUint64(at + PRICE, true),
    quantity: view.getBigUint64(at + QUANTITY, true),
    side: view.getUint8(at + SIDE),
  };
}

/** Cold path: emits the 25 bytes. */
export function writeOrderValue(view: DataView, at: number, order: OrderValue): void {
  view.setBigUint64(at + ID, order.id, true);
  view.setBigUint64(at + PRICE, order.price, true);
  view.setBigUint64(at + QUANTITY, order.quantity, true);
  view.setUint8(at + SIDE, order.side);
}
