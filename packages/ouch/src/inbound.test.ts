import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findOption, OptionTag } from './appendage.js';
import {
  checkEnterOrder,
  checkInbound,
  checkReplaceOrder,
  EnterOrder,
  OuchFault,
  priceOf,
  ReplaceOrder,
} from './inbound.js';
import { cancelOrder, enterOrder, option, options, replaceOrder, tags, viewOf, withAppendage } from './ouch.testkit.js';
import { OuchRejectReason } from './reject-reason.js';

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const check = (bytes: Uint8Array): number => checkInbound(viewOf(bytes), 0, bytes.length);

describe('messages to the exchange', () => {
  it('are on the wire as OUCH 5.0 §2 has them', () => {
    const order = enterOrder();
    expect(hex(order)).toBe(
      `4f00000007${'53'}00000064${'505249534d202020'}00000000001bd8e8${'3059504e4e'}${'434c49454e542d4f524445522d31'}0000`,
    );
    expect(hex(replaceOrder())).toBe(
      `550000000700000008000000c800000000001bec70${'30594e'}${'434c49454e542d4f524445522d32'}0000`,
    );
    expect(hex(cancelOrder())).toBe('580000000700000032');
    for (const message of [order, replaceOrder(), cancelOrder(), Uint8Array.of(0x51)]) {
      expect(check(message)).toBe(OuchFault.none);
    }
  });

  it('of any other length are none, at every length', () => {
    for (const message of [enterOrder(), replaceOrder(), cancelOrder(), Uint8Array.of(0x51)]) {
      const long = new Uint8Array(80);
      long.set(message);
      for (let length = 0; length < long.length; length++) {
        // Nothing behind the length is read: it is not there.
        const cut = long.slice(0, length);
        const whole = length === message.length || (length === message.length + 2 && message.length < 10);
        expect(check(cut) === OuchFault.none, `type ${message[0]}, length ${length}`).toBe(whole);
      }
    }
    expect(check(Uint8Array.of(0x5a))).toBe(OuchFault.unknownType);
  });

  it('may carry an appendage of any elements there are, each once, and findOption finds them', () => {
    fc.assert(
      fc.property(options, fc.constantFrom(enterOrder, replaceOrder, cancelOrder), (elements, message) => {
        const bytes = withAppendage(message(), ...elements);
        expect(check(bytes)).toBe(OuchFault.none);
        const length = elements.reduce((sum, each) => sum + each.length, 0);
        const at = bytes.length - length;
        for (const tag of tags) {
          const element = elements.find((each) => each[1] === tag);
          const found = findOption(viewOf(bytes), at, length, tag);
          if (element === undefined) expect(found).toBe(-1);
          else expect(hex(bytes.slice(found, found + element.length - 2))).toBe(hex(element.slice(2)));
        }
      }),
    );
  });

  it.each([
    ['an element of length 0', [Uint8Array.of(0)]],
    ['an element without a value', [Uint8Array.of(1, OptionTag.firm)]],
    ['an element longer than the appendage', [Uint8Array.of(9, OptionTag.firm, 0x41)]],
    ['a tag there is not', [option(8, 0, 4)]],
    ['a tag of 255', [option(255, 0, 1)]],
    ['a value too short', [option(OptionTag.minQty, 0, 3)]],
    ['a value too long', [option(OptionTag.minQty, 0, 5)]],
    ['a tag twice', [option(OptionTag.firm), option(OptionTag.firm)]],
    ['a good element with a byte behind it', [option(OptionTag.firm), Uint8Array.of(5)]],
  ])('with %s in the appendage are malformed', (_name, elements) => {
    expect(check(withAppendage(enterOrder(), ...elements))).toBe(OuchFault.malformedAppendage);
    expect(check(withAppendage(cancelOrder(), ...elements))).toBe(OuchFault.malformedAppendage);
  });

  it('of any bytes at all are judged without reading beyond them', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 120 }), fc.constantFrom(0x4f, 0x55, 0x58, 0x51), (bytes, type) => {
        if (bytes.length > 0) bytes[0] = type;
        const fault = check(bytes);
        if (fault !== OuchFault.none) return;
        const view = viewOf(bytes);
        if (type === 0x4f) checkEnterOrder(view, 0);
        if (type === 0x55) checkReplaceOrder(view, 0);
      }),
    );
  });

  it.each([
    ['side', EnterOrder.side, 0x58, OuchRejectReason.invalidSide],
    ['display', EnterOrder.display, 0x20, OuchRejectReason.invalidDisplay],
    ['capacity', EnterOrder.capacity, 0xff, OuchRejectReason.other],
    ['intermarket sweep', EnterOrder.intermarketSweep, 0, OuchRejectReason.other],
    ['time in force', EnterOrder.timeInForce, 0x39, OuchRejectReason.other],
    ['cross type', EnterOrder.crossType, 0x5a, OuchRejectReason.invalidCrossOrder],
    ['price beyond the highest', EnterOrder.price + 3, 1, OuchRejectReason.invalidPrice],
    ['price above 2^31', EnterOrder.price + 4, 0x80, OuchRejectReason.invalidPrice],
    ['quantity beyond 999,999', EnterOrder.quantity + 1, 0x10, OuchRejectReason.invalidQuantity],
    ['quantity above 2^31', EnterOrder.quantity, 0xff, OuchRejectReason.invalidQuantity],
  ])('with a wrong %s have a reason in the words of the exchange', (_name, offset, value, reason) => {
    const order = enterOrder();
    expect(checkEnterOrder(viewOf(order), 0)).toBe(OuchRejectReason.none);
    order[offset] = value;
    expect(checkEnterOrder(viewOf(order), 0)).toBe(reason);
  });

  it('have quantities of 1 to 999,999 and prices of 0.0001 to 199,999.99', () => {
    const reasonOf = (quantity: number, price: number) => checkEnterOrder(viewOf(enterOrder(1, quantity, price)), 0);
    expect(reasonOf(1, 1)).toBe(OuchRejectReason.none);
    expect(reasonOf(999_999, 1_999_999_900)).toBe(OuchRejectReason.none);
    expect(reasonOf(0, 1)).toBe(OuchRejectReason.invalidQuantity);
    expect(reasonOf(1_000_000, 1)).toBe(OuchRejectReason.invalidQuantity);
    expect(reasonOf(1, 0)).toBe(OuchRejectReason.invalidPrice);
    expect(reasonOf(1, 1_999_999_901)).toBe(OuchRejectReason.invalidPrice);
    expect(priceOf(viewOf(enterOrder()), EnterOrder.price)).toBe(1_825_000);
    const replacement = replaceOrder();
    expect(checkReplaceOrder(viewOf(replacement), 0)).toBe(OuchRejectReason.none);
    replacement[ReplaceOrder.quantity] = 0x7f;
    expect(checkReplaceOrder(viewOf(replacement), 0)).toBe(OuchRejectReason.invalidQuantity);
  });
});
