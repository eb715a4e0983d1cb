import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  carriesOrderId,
  checkOrder,
  ORDER_BYTES,
  type OrderValue,
  orderIdHigh,
  orderIdLow,
  orderPriceTicks,
  orderQuantityLots,
  orderSide,
  readOrderValue,
  Side,
  writeOrder,
  writeOrderPriceWords,
  writeOrderValue,
} from './order-message.js';
import { REJECT_REASON_COUNT, RejectReason, rejectReasonName } from './reject-reason.js';

const STEP = 1_000_000n;
const LARGEST = 2_147_483_647n * STEP;
const good: OrderValue = { id: 7n, price: 100n * 100_000_000n, quantity: 300n * 100_000_000n, side: Side.sell };

function check(change: Partial<OrderValue>, length = ORDER_BYTES): RejectReason {
  const view = new DataView(new ArrayBuffer(40));
  writeOrderValue(view, 3, { ...good, ...change });
  return checkOrder(view, 3, length);
}

/** What the rules say, in arbitrary precision. */
function steps(value: bigint): number {
  if (value > LARGEST) return -2;
  return value % STEP === 0n ? Number(value / STEP) : -1;
}

describe('order datagram', () => {
  it('is laid out as order_id, price, qty, side, little-endian, in 25 bytes', () => {
    const bytes = new Uint8Array(27).fill(0xee);
    writeOrder(new DataView(bytes.buffer), 1, 0x55667788, 0x11223344, 10_050, 3, Side.sell);
    expect(Buffer.from(bytes).toString('hex')).toBe(
      // 100.50 = 10,050,000,000 = 0x02_5706_d480 and 0.03 = 3,000,000 = 0x2d_c6c0
      `ee${'8877665544332211'}${'80d4065702000000'}${'c0c62d0000000000'}01ee`,
    );
  });

  it('round-trips every id, tick and lot', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const amount = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const view = new DataView(new ArrayBuffer(40));
    fc.assert(
      fc.property(word, word, amount, amount, fc.integer({ min: 0, max: 255 }), (low, high, ticks, lots, side) => {
        writeOrder(view, 5, low, high, ticks, lots, side);
        expect(orderIdLow(view, 5)).toBe(low);
        expect(orderIdHigh(view, 5)).toBe(high);
        expect(orderPriceTicks(view, 5)).toBe(ticks);
        expect(orderQuantityLots(view, 5)).toBe(lots);
        expect(orderSide(view, 5)).toBe(side);
        const value = readOrderValue(view, 5);
        expect(value.id).toBe((BigInt(high >>> 0) << 32n) | BigInt(low >>> 0));
        expect(value.price).toBe(BigInt(ticks) * STEP);
        expect(value.quantity).toBe(BigInt(lots) * STEP);
      }),
      { numRuns: 1000 },
    );
  });

  it('divides any u64 exactly, near multiples and near the ends too', () => {
    const view = new DataView(new ArrayBuffer(ORDER_BYTES));
    const near = (n: fc.Arbitrary<bigint>) =>
      fc.tuple(n, fc.bigInt(-2n, 2n)).map(([base, offset]) => BigInt.asUintN(64, base + offset));
    const value = fc.oneof(
      fc.bigInt(0n, 2n ** 64n - 1n),
      near(fc.bigInt(0n, 2_147_483_650n).map((count) => count * STEP)),
      near(fc.constantFrom(0n, LARGEST, 2n ** 32n, 2n ** 52n, 2n ** 53n, 2n ** 63n, 499_999n << 32n, 500_000n << 32n)),
    );
    fc.assert(
      fc.property(value, (price) => {
        writeOrderValue(view, 0, { ...good, price, quantity: price });
        expect(orderPriceTicks(view, 0)).toBe(steps(price));
        expect(orderQuantityLots(view, 0)).toBe(steps(price));
      }),
      { numRuns: 5000 },
    );
  });

  it('is accepted within its limits, both ends included', () => {
    expect(check({})).toBe(RejectReason.none);
    expect(check({ side: Side.buy })).toBe(RejectReason.none);
    expect(check({ price: STEP, quantity: STEP })).toBe(RejectReason.none);
    expect(check({ price: LARGEST, quantity: LARGEST })).toBe(RejectReason.none);
    expect(check({ id: 0n })).toBe(RejectReason.none);
    expect(check({ id: 2n ** 64n - 1n })).toBe(RejectReason.none);
  });

  it('is refused with the reason that names the field', () => {
    expect(check({ side: 2 })).toBe(RejectReason.unknownSide);
    expect(check({ side: 255 })).toBe(RejectReason.unknownSide);
    expect(check({ price: 0n })).toBe(RejectReason.zeroPrice);
    expect(check({ price: STEP + 1n })).toBe(RejectReason.priceOffTick);
    expect(check({ price: 1n })).toBe(RejectReason.priceOffTick);
    expect(check({ price: LARGEST + STEP })).toBe(RejectReason.priceBeyondRange);
    expect(check({ price: 2n ** 64n - 1n })).toBe(RejectReason.priceBeyondRange);
    expect(check({ quantity: 0n })).toBe(RejectReason.zeroQuantity);
    expect(check({ quantity: STEP - 1n })).toBe(RejectReason.quantityOffLot);
    expect(check({ quantity: LARGEST + 1n })).toBe(RejectReason.quantityBeyondRange);
    expect(check({ quantity: 2n ** 63n })).toBe(RejectReason.quantityBeyondRange);
  });

  it('is refused at any other length without a byte being read beyond the datagram', () => {
    for (let length = 0; length < 64; length++) {
      if (length === ORDER_BYTES) continue;
      expect(checkOrder(new DataView(new ArrayBuffer(length)), 0, length)).toBe(RejectReason.wrongLength);
    }
    expect([0, 7, 8, 24, 26].map(carriesOrderId)).toEqual([false, false, true, true, true]);
  });

  it('can be given a price that no tick count expresses', () => {
    const view = new DataView(new ArrayBuffer(ORDER_BYTES));
    writeOrderValue(view, 0, good);
    writeOrderPriceWords(view, 0, 1, 1);
    expect(readOrderValue(view, 0)).toEqual({ ...good, price: 0x1_0000_0001n });
  });
});

describe('reject reasons', () => {
  it('are distinct bytes, each with a name of its own', () => {
    const reasons = Object.values(RejectReason);
    expect(new Set(reasons).size).toBe(reasons.length);
    expect(new Set(reasons.map(rejectReasonName)).size).toBe(reasons.length);
    expect(Math.max(...reasons)).toBe(REJECT_REASON_COUNT - 1);
    expect(rejectReasonName(RejectReason.priceOutsideCollar)).toBe('price outside collar');
    expect(rejectReasonName(40)).toBe('reason 40');
  });
});
