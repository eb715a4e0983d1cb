import fc from 'fast-check';
import { writeAlpha } from './answers.js';
import { OptionTag, optionValueBytes, writeOption } from './appendage.js';
import { OuchSide, TimeInForce } from './field-values.js';
import {
  CL_ORD_ID_BYTES,
  EnterOrder,
  ReplaceOrder,
  SYMBOL_BYTES,
  writeCancelOrder,
  writeEnterOrder,
  writeReplaceOrder,
} from './inbound.js';

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

export function enterOrder(userRefNum = 7, quantity = 100, price = 1_825_000): Uint8Array {
  const bytes = new Uint8Array(47);
  const view = viewOf(bytes);
  writeEnterOrder(view, 0, userRefNum, OuchSide.sell, quantity, price, TimeInForce.day);
  writeAlpha(view, EnterOrder.symbol, SYMBOL_BYTES, 'PRISM');
  writeAlpha(view, EnterOrder.clOrdId, CL_ORD_ID_BYTES, 'CLIENT-ORDER-1');
  return bytes;
}

export function replaceOrder(): Uint8Array {
  const bytes = new Uint8Array(40);
  writeReplaceOrder(viewOf(bytes), 0, 7, 8, 200, 1_830_000);
  writeAlpha(viewOf(bytes), ReplaceOrder.clOrdId, CL_ORD_ID_BYTES, 'CLIENT-ORDER-2');
  return bytes;
}

export function cancelOrder(): Uint8Array {
  const bytes = new Uint8Array(9);
  writeCancelOrder(viewOf(bytes), 0, 7, 50);
  return bytes;
}

/** An element of an appendage; its value is `fill`. */
export function option(tag: number, fill = 0, length = optionValueBytes(tag)): Uint8Array {
  const bytes = new Uint8Array(2 + length).fill(fill);
  if (optionValueBytes(tag) > 0) writeOption(viewOf(bytes), 0, tag as OptionTag);
  bytes[0] = length + 1;
  bytes[1] = tag;
  return bytes;
}

/** The message with these elements as its appendage. */
export function withAppendage(message: Uint8Array, ...elements: readonly Uint8Array[]): Uint8Array {
  const appendage = Uint8Array.from(elements.flatMap((each) => [...each]));
  const hasLength = message[0] === 0x4f || message[0] === 0x55;
  const base = hasLength ? message.length - 2 : message.length;
  return Uint8Array.from([...message.subarray(0, base), appendage.length >> 8, appendage.length & 0xff, ...appendage]);
}

export const tags = Object.values(OptionTag);
export const options = fc
  .uniqueArray(fc.constantFrom(...tags), { maxLength: tags.length })
  .chain((list) => fc.tuple(...list.map((tag) => fc.nat(255).map((fill) => option(tag, fill)))));
