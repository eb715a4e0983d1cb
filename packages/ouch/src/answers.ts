import { CrossType, type OrderState, OutboundType } from './field-values.js';
import { CL_ORD_ID_BYTES, EnterOrder, ReplaceOrder, SYMBOL_BYTES } from './inbound.js';
import {
  ACCEPTED_BYTES,
  Accepted,
  REJECTED_BYTES,
  REPLACED_BYTES,
  Rejected,
  Replaced,
  type TimeStamp,
  writeHead,
} from './outbound.js';

/*
 * Answers repeat fields of what they answer: they are written from the order itself, which need not be in the same memory.
 */

/** The acceptance of the enter order at `orderAt`. Returns its length. */
export function writeAccepted(
  view: DataView,
  at: number,
  time: TimeStamp,
  order: DataView,
  orderAt: number,
  referenceLow: number,
  referenceHigh: number,
  state: OrderState,
): number {
  writeHead(view, at, OutboundType.accepted, time);
  // UserRefNum to display lie in the same order in both messages.
  copy(view, at + Accepted.userRefNum, order, orderAt + EnterOrder.userRefNum, 27);
  writeReference(view, at + Accepted.orderReference, referenceLow, referenceHigh);
  copy(view, at + Accepted.capacity, order, orderAt + EnterOrder.capacity, 3);
  writeEnd(view, at + Accepted.orderState, state, order, orderAt + EnterOrder.clOrdId);
  return ACCEPTED_BYTES;
}

/**
 * The replacement that the replace order at `orderAt` asked for. Side, symbol and capacity are those of the order it
 * replaced; `quantity` is what is open of the new one. Returns its length.
 */
export function writeReplaced(
  view: DataView,
  at: number,
  time: TimeStamp,
  order: DataView,
  orderAt: number,
  side: number,
  quantity: number,
  symbol: DataView,
  capacity: number,
  referenceLow: number,
  referenceHigh: number,
  state: OrderState,
): number {
  writeHead(view, at, OutboundType.replaced, time);
  copy(view, at + Replaced.originalUserRefNum, order, orderAt + ReplaceOrder.originalUserRefNum, 8);
  view.setUint8(at + Replaced.side, side);
  view.setInt32(at + Replaced.quantity, quantity);
  copy(view, at + Replaced.symbol, symbol, 0, SYMBOL_BYTES);
  // Price, time in force and display.
  copy(view, at + Replaced.price, order, orderAt + ReplaceOrder.price, 10);
  writeReference(view, at + Replaced.orderReference, referenceLow, referenceHigh);
  view.setUint8(at + Replaced.capacity, capacity);
  view.setUint8(at + Replaced.intermarketSweep, order.getUint8(orderAt + ReplaceOrder.intermarketSweep));
  view.setUint8(at + Replaced.crossType, CrossType.continuous);
  writeEnd(view, at + Replaced.orderState, state, order, orderAt + ReplaceOrder.clOrdId);
  return REPLACED_BYTES;
}

function writeReference(view: DataView, at: number, low: number, high: number): void {
  view.setInt32(at, high);
  view.setInt32(at + 4, low);
}

/** Order state, ClOrdID and an empty appendage: what accepted and replaced end with. */
function writeEnd(view: DataView, at: number, state: OrderState, order: DataView, clOrdIdAt: number): void {
  view.setUint8(at, state);
  copy(view, at + 1, order, clOrdIdAt, CL_ORD_ID_BYTES);
  view.setUint16(at + 1 + CL_ORD_ID_BYTES, 0);
}

/** The rejection of the message at `orderAt`, whose UserRefNum and ClOrdID are at the offsets given. Returns its length. */
export function writeRejected(
  view: DataView,
  at: number,
  time: TimeStamp,
  order: DataView,
  orderAt: number,
  userRefNumOffset: number,
  clOrdIdOffset: number,
  reason: number,
): number {
  writeHead(view, at, OutboundType.rejected, time);
  view.setInt32(at + Rejected.userRefNum, order.getInt32(orderAt + userRefNumOffset));
  view.setUint16(at + Rejected.reason, reason);
  copy(view, at + Rejected.clOrdId, order, orderAt + clOrdIdOffset, CL_ORD_ID_BYTES);
  return REJECTED_BYTES;
}

/** Text in ASCII, cut or padded with spaces on the right. Cold path. */
export function writeAlpha(view: DataView, at: number, width: number, text: string): void {
  for (let n = 0; n < width; n++) {
    const code = n < text.length ? text.charCodeAt(n) : 0x20;
    view.setUint8(at + n, code < 0x80 ? code : 0x3f);
  }
}

/** The text without the padding on its right. Cold path. */
export function readAlpha(view: DataView, at: number, width: number): string {
  let text = '';
  for (let n = 0; n < width; n++) text += String.fromCharCode(view.getUint8(at + n));
  return text.replace(/ +$/, '');
}

function copy(to: DataView, toAt: number, from: DataView, fromAt: number, length: number): void {
  let n = 0;
  for (; n + 4 <= length; n = (n + 4) | 0) to.setInt32(toAt + n, from.getInt32(fromAt + n));
  for (; n < length; n = (n + 1) | 0) to.setUint8(toAt + n, from.getUint8(fromAt + n));
}
