import { checkAppendage } from './appendage.js';
import {
  CAPACITY_VALUES,
  CROSS_TYPE_VALUES,
  CrossType,
  DISPLAY_VALUES,
  ENTER_TIME_IN_FORCE_VALUES,
  INTERMARKET_SWEEP_VALUES,
  InboundType,
  isOneOf,
  REPLACE_TIME_IN_FORCE_VALUES,
  SIDE_VALUES,
} from './field-values.js';
import { OuchRejectReason } from './reject-reason.js';

/*
 * Messages to the exchange, big-endian; prices are u64 in units of 0.0001, text is padded with spaces on the right
 * (OUCH 5.0 §2).
 *
 *   enter order 'O'               replace order 'U'             cancel order 'X'
 *    0  type                       0  type                       0  type
 *    1  UserRefNum        u32      1  OrigUserRefNum    u32      1  UserRefNum        u32
 *    5  side              u8       5  UserRefNum        u32      5  quantity          u32, the order's new size, executions included
 *    6  quantity          u32      9  quantity          u32      9  appendage length  u16, may be absent
 *   10  symbol            8       13  price             u64
 *   18  price             u64     21  time in force     u8      account query 'Q'
 *   26  time in force     u8      22  display           u8       0  type
 *   27  display           u8      23  intermarket sweep u8       1  appendage length  u16, may be absent
 *   28  capacity          u8      24  ClOrdID           14
 *   29  intermarket sweep u8      38  appendage length  u16
 *   30  cross type        u8      40  appendage
 *   31  ClOrdID           14
 *   45  appendage length  u16
 *   47  appendage
 */
export const EnterOrder = {
  userRefNum: 1,
  side: 5,
  quantity: 6,
  symbol: 10,
  price: 18,
  timeInForce: 26,
  display: 27,
  capacity: 28,
  intermarketSweep: 29,
  crossType: 30,
  clOrdId: 31,
  appendageLength: 45,
  appendage: 47,
} as const;
/** Without appendage. */
export const ENTER_ORDER_BYTES = 47;

export const ReplaceOrder = {
  originalUserRefNum: 1,
  userRefNum: 5,
  quantity: 9,
  price: 13,
  timeInForce: 21,
  display: 22,
  intermarketSweep: 23,
  clOrdId: 24,
  appendageLength: 38,
  appendage: 40,
} as const;
/** Without appendage. */
export const REPLACE_ORDER_BYTES = 40;

export const CancelOrder = { userRefNum: 1, quantity: 5, appendageLength: 9, appendage: 11 } as const;
/** Without appendage length. */
export const CANCEL_ORDER_BYTES = 9;
export const ACCOUNT_QUERY_BYTES = 1;

export const SYMBOL_BYTES = 8;
export const CL_ORD_ID_BYTES = 14;

/** Quantities are 1 to 999,999 shares. */
export const MAXIMUM_QUANTITY = 999_999;
/** 199,999.99 in units of 0.0001. */
export const MAXIMUM_PRICE = 1_999_999_900;

/** What can be wrong with a message's form. */
export const OuchFault = { none: 0, unknownType: 1, wrongLength: 2, malformedAppendage: 3 } as const;
export type OuchFault = (typeof OuchFault)[keyof typeof OuchFault];

/**
 * Is there a message of a known type at `at` that fills `length` bytes exactly, appendage included? Reads nothing beyond.
 * Only then are its fields worth reading.
 */
export function checkInbound(view: DataView, at: number, length: number): OuchFault {
  if (length < 1) return OuchFault.wrongLength;
  switch (view.getUint8(at)) {
    case InboundType.enterOrder:
      if (length < ENTER_ORDER_BYTES) return OuchFault.wrongLength;
      return checkTail(view, at, EnterOrder.appendageLength, length);
    case InboundType.replaceOrder:
      if (length < REPLACE_ORDER_BYTES) return OuchFault.wrongLength;
      return checkTail(view, at, ReplaceOrder.appendageLength, length);
    case InboundType.cancelOrder:
      if (length === CANCEL_ORDER_BYTES) return OuchFault.none;
      if (length < CancelOrder.appendage) return OuchFault.wrongLength;
      return checkTail(view, at, CancelOrder.appendageLength, length);
    case InboundType.accountQuery:
      if (length === ACCOUNT_QUERY_BYTES) return OuchFault.none;
      if (length < ACCOUNT_QUERY_BYTES + 2) return OuchFault.wrongLength;
      return checkTail(view, at, ACCOUNT_QUERY_BYTES, length);
    default:
      return OuchFault.unknownType;
  }
}

function checkTail(view: DataView, at: number, lengthOffset: number, length: number): OuchFault {
  const appendage = lengthOffset + 2;
  const appendageLength = view.getUint16(at + lengthOffset);
  if (appendage + appendageLength !== length) return OuchFault.wrongLength;
  if (appendageLength === 0) return OuchFault.none;
  return checkAppendage(view, at + appendage, appendageLength) ? OuchFault.none : OuchFault.malformedAppendage;
}

/** Is each field of an enter order one of those there are? The symbol is the exchange's to judge. */
export function checkEnterOrder(view: DataView, at: number): OuchRejectReason {
  if (!isOneOf(SIDE_VALUES, view.getUint8(at + EnterOrder.side))) return OuchRejectReason.invalidSide;
  if (!isQuantity(view.getInt32(at + EnterOrder.quantity))) return OuchRejectReason.invalidQuantity;
  if (priceOf(view, at + EnterOrder.price) <= 0) return OuchRejectReason.invalidPrice;
  if (!isOneOf(ENTER_TIME_IN_FORCE_VALUES, view.getUint8(at + EnterOrder.timeInForce))) return OuchRejectReason.other;
  if (!isOneOf(DISPLAY_VALUES, view.getUint8(at + EnterOrder.display))) return OuchRejectReason.invalidDisplay;
  if (!isOneOf(CAPACITY_VALUES, view.getUint8(at + EnterOrder.capacity))) return OuchRejectReason.other;
  if (!isOneOf(INTERMARKET_SWEEP_VALUES, view.getUint8(at + EnterOrder.intermarketSweep)))
    return OuchRejectReason.other;
  if (!isOneOf(CROSS_TYPE_VALUES, view.getUint8(at + EnterOrder.crossType))) return OuchRejectReason.invalidCrossOrder;
  return OuchRejectReason.none;
}

/** Is each field of a replace order one of those there are? */
export function checkReplaceOrder(view: DataView, at: number): OuchRejectReason {
  if (!isQuantity(view.getInt32(at + ReplaceOrder.quantity))) return OuchRejectReason.invalidQuantity;
  if (priceOf(view, at + ReplaceOrder.price) <= 0) return OuchRejectReason.invalidPrice;
  if (!isOneOf(REPLACE_TIME_IN_FORCE_VALUES, view.getUint8(at + ReplaceOrder.timeInForce)))
    return OuchRejectReason.other;
  if (!isOneOf(DISPLAY_VALUES, view.getUint8(at + ReplaceOrder.display))) return OuchRejectReason.invalidDisplay;
  if (!isOneOf(INTERMARKET_SWEEP_VALUES, view.getUint8(at + ReplaceOrder.intermarketSweep))) {
    return OuchRejectReason.other;
  }
  return OuchRejectReason.none;
}

/** A price in units of 0.0001 from 1 to {@link MAXIMUM_PRICE}; 0 for 0, and -1 for anything beyond, market prices among it. */
export function priceOf(view: DataView, at: number): number {
  const low = view.getInt32(at + 4);
  return view.getInt32(at) !== 0 || low < 0 || low > MAXIMUM_PRICE ? -1 : low;
}

function isQuantity(quantity: number): boolean {
  return quantity > 0 && quantity <= MAXIMUM_QUANTITY;
}

/** Writes an enter order without appendage; `symbol` and `clOrdId` are left to `writeAlpha`. Returns its length. */
export function writeEnterOrder(
  view: DataView,
  at: number,
  userRefNum: number,
  side: number,
  quantity: number,
  price: number,
  timeInForce: number,
): number {
  view.setUint8(at, InboundType.enterOrder);
  view.setInt32(at + EnterOrder.userRefNum, userRefNum);
  view.setUint8(at + EnterOrder.side, side);
  view.setInt32(at + EnterOrder.quantity, quantity);
  view.setInt32(at + EnterOrder.price, 0);
  view.setInt32(at + EnterOrder.price + 4, price);
  view.setUint8(at + EnterOrder.timeInForce, timeInForce);
  // Displayed, principal, no sweep, continuous trading.
  view.setUint8(at + EnterOrder.display, 0x59);
  view.setUint8(at + EnterOrder.capacity, 0x50);
  view.setUint8(at + EnterOrder.intermarketSweep, 0x4e);
  view.setUint8(at + EnterOrder.crossType, CrossType.continuous);
  view.setUint16(at + EnterOrder.appendageLength, 0);
  return ENTER_ORDER_BYTES;
}

/** Writes a replace order without appendage; the ClOrdID is left to `writeAlpha`. Returns its length. */
export function writeReplaceOrder(
  view: DataView,
  at: number,
  originalUserRefNum: number,
  userRefNum: number,
  quantity: number,
  price: number,
): number {
  view.setUint8(at, InboundType.replaceOrder);
  view.setInt32(at + ReplaceOrder.originalUserRefNum, originalUserRefNum);
  view.setInt32(at + ReplaceOrder.userRefNum, userRefNum);
  view.setInt32(at + ReplaceOrder.quantity, quantity);
  view.setInt32(at + ReplaceOrder.price, 0);
  view.setInt32(at + ReplaceOrder.price + 4, price);
  view.setUint8(at + ReplaceOrder.timeInForce, 0x30);
  view.setUint8(at + ReplaceOrder.display, 0x59);
  view.setUint8(at + ReplaceOrder.intermarketSweep, 0x4e);
  view.setUint16(at + ReplaceOrder.appendageLength, 0);
  return REPLACE_ORDER_BYTES;
}

/** Writes a cancel order: `quantity` is the order's new size, what was executed included; 0 for nothing more. Returns its length. */
export function writeCancelOrder(view: DataView, at: number, userRefNum: number, quantity: number): number {
  view.setUint8(at, InboundType.cancelOrder);
  view.setInt32(at + CancelOrder.userRefNum, userRefNum);
  view.setInt32(at + CancelOrder.quantity, quantity);
  return CANCEL_ORDER_BYTES;
}

export function writeAccountQuery(view: DataView, at: number): number {
  view.setUint8(at, InboundType.accountQuery);
  return ACCOUNT_QUERY_BYTES;
}
