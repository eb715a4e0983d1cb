import { EventCode, OutboundType } from './field-values.js';

/*
 * Messages from the exchange, big-endian; time stamps are u64 nanoseconds since midnight, prices u64 in units of 0.0001
 * (OUCH 5.0 §3). A 64-bit field is written from two words of int32, because a BigInt is an allocation.
 *
 *   accepted 'A'                    replaced 'U'                    executed 'E'
 *    0  type                         0  type                         0  type
 *    1  time stamp          u64      1  time stamp          u64      1  time stamp        u64
 *    9  UserRefNum          u32      9  OrigUserRefNum      u32      9  UserRefNum        u32
 *   13  side                u8      13  UserRefNum          u32     13  quantity          u32
 *   14  quantity            u32     17  side                u8      17  price             u64
 *   18  symbol              8       18  quantity            u32     25  liquidity flag    u8
 *   26  price               u64     22  symbol              8       26  match number      u64
 *   34  time in force       u8      30  price               u64     34  appendage length  u16
 *   35  display             u8      38  time in force       u8
 *   36  order reference     u64     39  display             u8      cancelled 'C'
 *   44  capacity            u8      40  order reference     u64      1  time stamp        u64
 *   45  intermarket sweep   u8      48  capacity            u8       9  UserRefNum        u32
 *   46  cross type          u8      49  intermarket sweep   u8      13  quantity          u32, what was taken off
 *   47  order state         u8      50  cross type          u8      17  reason            u8
 *   48  ClOrdID             14      51  order state         u8
 *   62  appendage length    u16     52  ClOrdID             14      rejected 'J'
 *                                   66  appendage length    u16      1  time stamp        u64
 *   system event 'S'                                                 9  UserRefNum        u32
 *    1  time stamp          u64     account query response 'Q'      13  reason            u16
 *    9  event code          u8       1  time stamp          u64     15  ClOrdID           14
 *                                    9  next UserRefNum     u32
 */
export const Accepted = {
  userRefNum: 9,
  side: 13,
  quantity: 14,
  symbol: 18,
  price: 26,
  timeInForce: 34,
  display: 35,
  orderReference: 36,
  capacity: 44,
  intermarketSweep: 45,
  crossType: 46,
  orderState: 47,
  clOrdId: 48,
  appendageLength: 62,
} as const;
export const ACCEPTED_BYTES = 64;

export const Replaced = {
  originalUserRefNum: 9,
  userRefNum: 13,
  side: 17,
  quantity: 18,
  symbol: 22,
  price: 30,
  timeInForce: 38,
  display: 39,
  orderReference: 40,
  capacity: 48,
  intermarketSweep: 49,
  crossType: 50,
  orderState: 51,
  clOrdId: 52,
  appendageLength: 66,
} as const;
export const REPLACED_BYTES = 68;

export const Executed = {
  userRefNum: 9,
  quantity: 13,
  price: 17,
  liquidityFlag: 25,
  matchNumber: 26,
  appendageLength: 34,
} as const;
export const EXECUTED_BYTES = 36;

export const Cancelled = { userRefNum: 9, quantity: 13, reason: 17 } as const;
export const CANCELLED_BYTES = 18;

export const Rejected = { userRefNum: 9, reason: 13, clOrdId: 15 } as const;
export const REJECTED_BYTES = 29;

export const SystemEvent = { eventCode: 9 } as const;
export const SYSTEM_EVENT_BYTES = 10;

export const AccountQueryResponse = { nextUserRefNum: 9 } as const;
export const ACCOUNT_QUERY_RESPONSE_BYTES = 13;

const TIME_STAMP = 1;

/** Nanoseconds since midnight in two words; the low one is read as unsigned. */
export interface TimeStamp {
  readonly high: number;
  readonly low: number;
}

/** Every message from the exchange begins so. */
export function writeHead(view: DataView, at: number, type: number, time: TimeStamp): void {
  view.setUint8(at, type);
  view.setInt32(at + TIME_STAMP, time.high);
  view.setInt32(at + TIME_STAMP + 4, time.low);
}

/** Returns its length. */
export function writeSystemEvent(view: DataView, at: number, time: TimeStamp, isStart: boolean): number {
  writeHead(view, at, OutboundType.systemEvent, time);
  view.setUint8(at + SystemEvent.eventCode, isStart ? EventCode.startOfDay : EventCode.endOfDay);
  return SYSTEM_EVENT_BYTES;
}

/** An execution of `quantity` shares at `price` (units of 0.0001, below 2^31). Returns its length. */
export function writeExecuted(
  view: DataView,
  at: number,
  time: TimeStamp,
  userRefNum: number,
  quantity: number,
  price: number,
  liquidityFlag: number,
  matchLow: number,
  matchHigh: number,
): number {
  writeHead(view, at, OutboundType.executed, time);
  view.setInt32(at + Executed.userRefNum, userRefNum);
  view.setInt32(at + Executed.quantity, quantity);
  view.setInt32(at + Executed.price, 0);
  view.setInt32(at + Executed.price + 4, price);
  view.setUint8(at + Executed.liquidityFlag, liquidityFlag);
  view.setInt32(at + Executed.matchNumber, matchHigh);
  view.setInt32(at + Executed.matchNumber + 4, matchLow);
  view.setUint16(at + Executed.appendageLength, 0);
  return EXECUTED_BYTES;
}

/** `quantity`: what was taken off the order. Returns its length. */
export function writeCancelled(
  view: DataView,
  at: number,
  time: TimeStamp,
  userRefNum: number,
  quantity: number,
  reason: number,
): number {
  writeHead(view, at, OutboundType.cancelled, time);
  view.setInt32(at + Cancelled.userRefNum, userRefNum);
  view.setInt32(at + Cancelled.quantity, quantity);
  view.setUint8(at + Cancelled.reason, reason);
  return CANCELLED_BYTES;
}

/** Returns its length. */
export function writeAccountQueryResponse(view: DataView, at: number, time: TimeStamp, nextUserRefNum: number): number {
  writeHead(view, at, OutboundType.accountQueryResponse, time);
  view.setInt32(at + AccountQueryResponse.nextUserRefNum, nextUserRefNum);
  return ACCOUNT_QUERY_RESPONSE_BYTES;
}

/** Is there a message from the exchange that fills `length` bytes? Of those with an appendage the length may be longer. */
export function isOutbound(view: DataView, at: number, length: number): boolean {
  return length > 0 && length >= outboundBytes(view.getUint8(at));
}

/** Bytes of a message from the exchange without appendage, by type; more than any message for a type there is not. */
export function outboundBytes(type: number): number {
  switch (type) {
    case OutboundType.accepted:
      return ACCEPTED_BYTES;
    case OutboundType.replaced:
      return REPLACED_BYTES;
    case OutboundType.executed:
      return EXECUTED_BYTES;
    case OutboundType.cancelled:
      return CANCELLED_BYTES;
    case OutboundType.rejected:
      return REJECTED_BYTES;
    case OutboundType.systemEvent:
      return SYSTEM_EVENT_BYTES;
    case OutboundType.accountQueryResponse:
      return ACCOUNT_QUERY_RESPONSE_BYTES;
    default:
      return 0x10000;
  }
}
