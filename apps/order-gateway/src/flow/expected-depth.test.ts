import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OrderBook } from '../book/order-book.js';
import { Side } from '../orders/order-message.js';
import { ExpectedDepth } from './expected-depth.js';

describe('expected depth', () => {
  it('agrees with the order book price by price', () => {
    const anyOrder = fc.tuple(
      fc.boolean(),
      fc.oneof(fc.integer({ min: 4_990, max: 5_010 }), fc.integer({ min: 5000 - 1024, max: 5000 + 1023 })),
      fc.integer({ min: 1, max: 50 }),
    );
    fc.assert(
      fc.property(fc.array(anyOrder, { maxLength: 200, size: 'max' }), (orders) => {
        const depth = new ExpectedDepth(5000);
        const book = new OrderBook({ lowestTicks: 5000 - 1024, levels: 2048 });
        for (const [buy, ticks, lots] of orders) {
          if (buy) depth.buy(ticks, lots);
          else depth.sell(ticks, lots);
          book.submit(1, 0, 0, buy ? Side.buy : Side.sell, ticks, lots);
          expect(depth.bestBidTicks).toBe(book.bestBidTicks || depth.lowestTicks - 1);
          expect(depth.bestAskTicks).toBe(book.bestAskTicks || depth.highestTicks + 1);
        }
        for (const [buy, ticks] of orders.slice(-20)) {
          const side = buy ? Side.buy : Side.sell;
          const there = book.ordersOf(side).filter((order) => order.priceTicks === ticks);
          const lots = there.reduce((total, order) => total + order.remainingLots, 0);
          const before = buy ? depth.bidLots : depth.askLots;
          if (buy) depth.cancelBuy(ticks, 7);
          else depth.cancelSell(ticks, 7);
          expect(before - (buy ? depth.bidLots : depth.askLots)).toBe(Math.min(lots, 7));
          // As much goes back: it may not cross what is still there.
          if (buy) depth.buy(ticks, Math.min(lots, 7));
          else depth.sell(ticks, Math.min(lots, 7));
        }
        const sum = (side: Side) => book.ordersOf(side).reduce((lots, order) => lots + order.remainingLots, 0);
        expect([depth.bidLots, depth.askLots]).toEqual([sum(Side.buy), sum(Side.sell)]);
        for (let ticks = depth.lowestTicks; ticks <= depth.highestTicks; ticks++) {
          const lots = book.ordersAt(ticks).reduce((total, order) => total + order.remainingLots, 0);
          if (depth.lotsAt(ticks) !== lots) throw new Error(`${depth.lotsAt(ticks)} lots at ${ticks}, not ${lots}`);
        }
      }),
      { numRuns: 60 },
    );
  });
});
