import { createHash } from 'node:crypto';
import { createHashKey, SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { OrderBook } from '../book/order-book.js';
import {
  checkOrder,
  ORDER_BYTES,
  orderIdHigh,
  orderIdLow,
  orderPriceTicks,
  orderQuantityLots,
  orderSide,
} from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { RiskCheck } from '../risk/risk-check.js';
import { ORDER_FLOW_MAX_BYTES, OrderFlow, type OrderFlowOptions, OrderKind } from './order-flow.js';
import { DAY_PROFILE_PERMILLE } from './trading-day.js';

/** The whole path of an order without the network: message check, risk, book. */
class Exchange {
  readonly book = new OrderBook();
  readonly risk = new RiskCheck({ hashKey: createHashKey(new SeededRandom(9)), referenceTicks: 10_000 });

  submit(view: DataView, at: number, length: number): RejectReason {
    const malformed = checkOrder(view, at, length);
    if (malformed !== RejectReason.none) return malformed;
    const [low, high] = [orderIdLow(view, at), orderIdHigh(view, at)];
    const ticks = orderPriceTicks(view, at);
    const lots = orderQuantityLots(view, at);
    const refused = this.risk.check(low, high, ticks, lots);
    if (refused !== RejectReason.none) return refused;
    const reason = this.book.submit(low, high, 0, orderSide(view, at), ticks, lots);
    if (this.book.executionCount > 0) this.risk.followTrade(this.book.lastTradeTicks);
    return reason;
  }
}

function digest(options: OrderFlowOptions, orders: number): string {
  const flow = new OrderFlow(options);
  const bytes = new Uint8Array(ORDER_FLOW_MAX_BYTES);
  const view = new DataView(bytes.buffer);
  const hash = createHash('sha256');
  for (let n = 0; n < orders; n++) hash.update(bytes.subarray(0, flow.next(view, 0)));
  return hash.digest('hex');
}

describe('order flow', () => {
  it('gives the same bytes for the same seed and others for another', () => {
    expect(digest({ seed: 1 }, 50_000)).toBe(digest({ seed: 1 }, 50_000));
    expect(digest({ seed: 1 }, 50_000)).not.toBe(digest({ seed: 2 }, 50_000));
  });

  it('is accepted and rejected exactly as it says, and leaves the book bounded and as it expects, over days', () => {
    const flow = new OrderFlow({ seed: 42, ordersPerDay: 600_000 });
    const exchange = new Exchange();
    const view = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
    const kinds = new Int32Array(4);
    const reasons = new Set<RejectReason>();
    let [wrong, misjudged, deepest, trades, farthest, widest] = [0, 0, 0, 0, 0, 0];
    for (let n = 0; n < 2_000_000; n++) {
      const length = flow.next(view, 0);
      if (exchange.submit(view, 0, length) !== flow.expectedReason) wrong++;
      kinds[flow.kind]!++;
      reasons.add(flow.expectedReason);
      const { book } = exchange;
      if (flow.kind !== OrderKind.bad) trades += book.executionCount;
      deepest = Math.max(deepest, book.restingOrders);
      farthest = Math.max(farthest, Math.abs(book.lastTradeTicks - 10_000) % 10_000);
      if (n > 10_000) widest = Math.max(widest, book.bestAskTicks - book.bestBidTicks);
      if (book.bestBidTicks !== 0 && book.bestBidTicks !== flow.depth.bestBidTicks) misjudged++;
      if (book.bestAskTicks !== 0 && book.bestAskTicks !== flow.depth.bestAskTicks) misjudged++;
    }
    expect(wrong).toBe(0);
    expect(misjudged).toBe(0);
    expect(flow.day.days).toBe(3);
    expect(deepest).toBeGreaterThan(1_000);
    expect(deepest).toBeLessThan(20_000);
    expect(farthest).toBeGreaterThan(20);
    expect(farthest).toBeLessThan(500);
    expect(widest).toBeLessThan(200);
    // Mostly adds, yet a good part trades.
    expect(kinds[OrderKind.passive]).toBeGreaterThan(1_000_000);
    expect(kinds[OrderKind.aggressive]).toBeGreaterThan(300_000);
    expect(kinds[OrderKind.cancelling]).toBeGreaterThan(100_000);
    expect(kinds[OrderKind.bad]! / 2_000_000).toBeCloseTo(0.005, 3);
    expect(trades).toBeGreaterThan(500_000);
    expect([...reasons].sort((a, b) => a - b)).toEqual([
      RejectReason.none,
      RejectReason.wrongLength,
      RejectReason.unknownSide,
      RejectReason.zeroPrice,
      RejectReason.priceOffTick,
      RejectReason.zeroQuantity,
      RejectReason.quantityAboveLimit,
      RejectReason.priceOutsideCollar,
      RejectReason.duplicateOrderId,
    ]);
  });

  it('counts ids up from 1 and repeats one only in a deliberate duplicate', () => {
    const flow = new OrderFlow({ seed: 3, badPermille: 200 });
    const view = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
    let last = 0;
    let duplicates = 0;
    for (let n = 0; n < 20_000; n++) {
      flow.next(view, 0);
      expect([orderIdLow(view, 0), orderIdHigh(view, 0)]).toEqual([flow.idLow, flow.idHigh]);
      if (flow.isDuplicate) {
        duplicates++;
        expect(flow.idLow).toBeLessThanOrEqual(last);
      } else {
        expect(flow.idLow).toBe(++last);
      }
    }
    expect(duplicates).toBeGreaterThan(100);
  });

  it('stays within the bytes it may write, with an id in every order', () => {
    const flow = new OrderFlow({ seed: 5, badPermille: 1000 });
    const bytes = new Uint8Array(ORDER_FLOW_MAX_BYTES + 16);
    const view = new DataView(bytes.buffer);
    const lengths = new Set<number>();
    for (let n = 0; n < 20_000; n++) {
      bytes.fill(0xee);
      const length = flow.next(view, 8);
      lengths.add(length);
      expect(flow.kind).toBe(OrderKind.bad);
      expect(bytes.subarray(0, 8).every((byte) => byte === 0xee)).toBe(true);
      expect(bytes.subarray(8 + Math.max(length, ORDER_BYTES)).every((byte) => byte === 0xee)).toBe(true);
    }
    expect(Math.min(...lengths)).toBe(8);
    expect(Math.max(...lengths)).toBe(ORDER_FLOW_MAX_BYTES);
  });

  it('sends no bad order when told so, and keeps the limit it was given', () => {
    const flow = new OrderFlow({ seed: 6, badPermille: 0, maximumQuantityLots: 700 });
    const view = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
    let largest = 0;
    for (let n = 0; n < 50_000; n++) {
      expect(checkOrder(view, 0, flow.next(view, 0))).toBe(RejectReason.none);
      largest = Math.max(largest, orderQuantityLots(view, 0));
    }
    expect(largest).toBe(700);
  });

  it('is busy at the open and at the close, calm in between, and averages to what it is relative to', () => {
    const [open, noon, close] = [DAY_PROFILE_PERMILLE[0]!, DAY_PROFILE_PERMILLE[36]!, DAY_PROFILE_PERMILLE[63]!];
    expect(open).toBeGreaterThan(3 * noon);
    expect(close).toBeGreaterThan(2 * noon);
    // Orders ÷ time: each order takes 1000 / intensity.
    const orders = 400_000;
    const flow = new OrderFlow({ seed: 7, ordersPerDay: orders });
    const view = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
    let time = 0;
    let least = Number.POSITIVE_INFINITY;
    let most = 0;
    for (let n = 0; n < orders; n++) {
      flow.next(view, 0);
      time += 1000 / flow.intensityPermille;
      least = Math.min(least, flow.intensityPermille);
      most = Math.max(most, flow.intensityPermille);
    }
    expect(time / orders).toBeGreaterThan(0.95);
    expect(time / orders).toBeLessThan(1.05);
    expect(most).toBeGreaterThan(6 * least);
  });

  it('names the option that makes no sense', () => {
    expect(() => new OrderFlow({ seed: 0.5 })).toThrow(/EINVAL: seed must be .* not 0.5/);
    expect(() => new OrderFlow({ seed: 1, badPermille: 1001 })).toThrow(/EINVAL: badPermille must be .* not 1001/);
    expect(() => new OrderFlow({ seed: 1, referenceTicks: 100 })).toThrow(/EINVAL: referenceTicks must be .* not 100/);
  });
});
