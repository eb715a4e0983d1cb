import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { EXECUTION_WORDS, ExecutionWord, OrderBook, type OrderBookOptions } from './order-book.js';

interface Order {
  id: number;
  owner: number;
  side: Side;
  ticks: number;
  lots: number;
}

interface Trade {
  id: number;
  owner: number;
  ticks: number;
  lots: number;
  left: number;
}

interface Outcome {
  reason: RejectReason;
  trades: Trade[];
  filled: number;
  remaining: number;
}

/** The rules, obviously: one list per side, searched from end to end for the best price, then the oldest order. */
class NaiveBook {
  readonly resting: Order[] = [];
  readonly #options: Required<OrderBookOptions>;

  constructor(options: Required<OrderBookOptions>) {
    this.#options = options;
  }

  submit(order: Order): Outcome {
    const { lowestTicks, levels, capacity, executionLimit } = this.#options;
    const outcome: Outcome = { reason: RejectReason.none, trades: [], filled: 0, remaining: order.lots };
    if (order.ticks < lowestTicks || order.ticks >= lowestTicks + levels) {
      return { ...outcome, reason: RejectReason.priceOutsideLadder };
    }
    for (;;) {
      const best = this.#best(order);
      if (best === undefined || outcome.remaining === 0) break;
      if (outcome.trades.length === executionLimit) return { ...outcome, reason: RejectReason.executionLimit };
      const lots = Math.min(best.lots, outcome.remaining);
      best.lots -= lots;
      outcome.remaining -= lots;
      outcome.filled += lots;
      outcome.trades.push({ id: best.id, owner: best.owner, ticks: best.ticks, lots, left: best.lots });
      if (best.lots === 0) this.resting.splice(this.resting.indexOf(best), 1);
    }
    if (outcome.remaining > 0) {
      if (this.resting.length === capacity) return { ...outcome, reason: RejectReason.bookFull };
      this.resting.push({ ...order, lots: outcome.remaining });
    }
    return outcome;
  }

  /** By priority. `resting` is in order of time and sorting keeps that order among equals. */
  ordersOf(side: Side): Order[] {
    const sign = side === Side.buy ? -1 : 1;
    return this.resting.filter((order) => order.side === side).sort((a, b) => sign * (a.ticks - b.ticks));
  }

  #best(order: Order): Order | undefined {
    if (order.side === Side.buy) return this.ordersOf(Side.sell).find((ask) => ask.ticks <= order.ticks);
    return this.ordersOf(Side.buy).find((bid) => bid.ticks >= order.ticks);
  }
}

function submit(book: OrderBook, order: Order): Outcome {
  const reason = book.submit(order.id, ~order.id, order.owner, order.side, order.ticks, order.lots);
  const trades: Trade[] = [];
  for (let n = 0; n < book.executionCount; n++) {
    const word = (index: number) => book.executions[n * EXECUTION_WORDS + index]!;
    const id = word(ExecutionWord.restingIdLow);
    expect(word(ExecutionWord.restingIdHigh)).toBe(~id);
    trades.push({
      id,
      owner: word(ExecutionWord.restingOwner),
      ticks: word(ExecutionWord.priceTicks),
      lots: word(ExecutionWord.quantityLots),
      left: word(ExecutionWord.restingRemainingLots),
    });
  }
  return { reason, trades, filled: book.filledLots, remaining: book.remainingLots };
}

function restingIn(book: OrderBook, side: Side): Order[] {
  return book.ordersOf(side).map((order) => {
    return { id: order.idLow, owner: order.owner, side, ticks: order.priceTicks, lots: order.remainingLots };
  });
}

function order(id: number, side: Side, ticks: number, lots: number): Order {
  return { id, owner: id * 10, side, ticks, lots };
}

describe('order book', () => {
  it('trades as a plain list does, order by order, whatever comes', () => {
    const options = { lowestTicks: 100, levels: 1024, capacity: 25, executionLimit: 4 };
    const anyOrder = fc.record({
      side: fc.constantFrom(Side.buy, Side.sell),
      ticks: fc.oneof(
        { weight: 20, arbitrary: fc.integer({ min: 600, max: 612 }) },
        { weight: 4, arbitrary: fc.integer({ min: 100, max: 1123 }) },
        { weight: 1, arbitrary: fc.constantFrom(99, 100, 1123, 1124, 2_147_483_647, 1) },
      ),
      lots: fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1, max: 5 }) },
        fc.integer({ min: 1, max: 2 ** 31 - 1 }),
      ),
    });
    const seen = new Set<RejectReason>();
    let trades = 0;
    fc.assert(
      fc.property(fc.array(anyOrder, { minLength: 50, maxLength: 250, size: 'max' }), (orders) => {
        const book = new OrderBook(options);
        const naive = new NaiveBook(options);
        for (let id = 0; id < orders.length; id++) {
          const next = { ...orders[id]!, id, owner: id % 7 };
          const outcome = submit(book, next);
          expect(outcome).toEqual(naive.submit(next));
          const [bid, ask] = [naive.ordersOf(Side.buy)[0], naive.ordersOf(Side.sell)[0]];
          expect(book.bestBidTicks).toBe(bid?.ticks ?? 0);
          expect(book.bestAskTicks).toBe(ask?.ticks ?? 0);
          expect(book.restingOrders).toBe(naive.resting.length);
          seen.add(outcome.reason);
          trades += outcome.trades.length;
        }
        for (const side of [Side.buy, Side.sell]) expect(restingIn(book, side)).toEqual(naive.ordersOf(side));
      }),
      { numRuns: 150 },
    );
    // The comparison is worth something only if it went everywhere.
    expect([...seen].sort((a, b) => a - b)).toEqual([
      RejectReason.none,
      RejectReason.priceOutsideLadder,
      RejectReason.bookFull,
      RejectReason.executionLimit,
    ]);
    expect(trades).toBeGreaterThan(2000);
  });

  it('is never crossed and loses no quantity', () => {
    const anyOrder = fc.tuple(
      fc.constantFrom(Side.buy, Side.sell),
      fc.integer({ min: 9_980, max: 10_020 }),
      fc.integer({ min: 1, max: 1000 }),
    );
    fc.assert(
      fc.property(fc.array(anyOrder, { maxLength: 400, size: 'max' }), (orders) => {
        const book = new OrderBook({ capacity: 64, executionLimit: 8 });
        // Lots that came in, less those refused or cancelled, less both sides of every trade, rest in the book.
        let expected = 0;
        for (let id = 0; id < orders.length; id++) {
          const [side, ticks, lots] = orders[id]!;
          const { reason, filled, remaining } = submit(book, order(id, side, ticks, lots));
          expect(filled + remaining).toBe(lots);
          expected += reason === RejectReason.none ? lots - 2 * filled : -filled;
          if (book.bestBidTicks !== 0 && book.bestAskTicks !== 0) {
            expect(book.bestBidTicks).toBeLessThan(book.bestAskTicks);
          }
        }
        const resting = [...restingIn(book, Side.buy), ...restingIn(book, Side.sell)];
        expect(resting.reduce((sum, { lots }) => sum + lots, 0)).toBe(expected);
        expect(resting.length).toBe(book.restingOrders);
        expect(resting.every(({ lots }) => lots > 0)).toBe(true);
      }),
      { numRuns: 100 },
    );
  });

  it('takes the best price first, then the oldest order, at the resting price', () => {
    const book = new OrderBook();
    for (const ask of [order(1, Side.sell, 102, 10), order(2, Side.sell, 101, 10), order(3, Side.sell, 101, 10)]) {
      expect(submit(book, ask)).toEqual({ reason: RejectReason.none, trades: [], filled: 0, remaining: 10 });
    }
    expect(submit(book, order(4, Side.buy, 103, 25))).toEqual({
      reason: RejectReason.none,
      trades: [
        { id: 2, owner: 20, ticks: 101, lots: 10, left: 0 },
        { id: 3, owner: 30, ticks: 101, lots: 10, left: 0 },
        { id: 1, owner: 10, ticks: 102, lots: 5, left: 5 },
      ],
      filled: 25,
      remaining: 0,
    });
    expect(book.lastTradeTicks).toBe(102);
    expect(restingIn(book, Side.sell)).toEqual([order(1, Side.sell, 102, 5)]);
  });

  it('keeps the place in the queue of an order that was executed in part', () => {
    const book = new OrderBook();
    submit(book, order(1, Side.buy, 100, 10));
    submit(book, order(2, Side.buy, 100, 10));
    submit(book, order(3, Side.sell, 100, 4));
    submit(book, order(4, Side.buy, 100, 10));
    expect(submit(book, order(5, Side.sell, 100, 17)).trades.map(({ id, lots }) => [id, lots])).toEqual([
      [1, 6],
      [2, 10],
      [4, 1],
    ]);
  });

  it('cancels what the execution limit leaves over, and stays uncrossed', () => {
    const book = new OrderBook({ executionLimit: 2 });
    for (let id = 1; id <= 3; id++) submit(book, order(id, Side.sell, 100 + id, 10));
    const outcome = submit(book, order(4, Side.buy, 200, 30));
    expect(outcome).toMatchObject({ reason: RejectReason.executionLimit, filled: 20, remaining: 10 });
    expect(book.bestBidTicks).toBe(0);
    expect(book.bestAskTicks).toBe(103);
    // Exactly at the limit nothing is wrong.
    submit(book, order(5, Side.sell, 104, 10));
    expect(submit(book, order(6, Side.buy, 104, 25))).toMatchObject({ reason: RejectReason.none, remaining: 5 });
    expect(book.bestBidTicks).toBe(104);
  });

  it('refuses to rest when full, but still trades', () => {
    const book = new OrderBook({ capacity: 2 });
    submit(book, order(1, Side.sell, 100, 10));
    submit(book, order(2, Side.sell, 101, 10));
    expect(submit(book, order(3, Side.sell, 102, 10))).toMatchObject({ reason: RejectReason.bookFull, remaining: 10 });
    expect(submit(book, order(4, Side.buy, 99, 10))).toMatchObject({ reason: RejectReason.bookFull, trades: [] });
    expect(submit(book, order(5, Side.buy, 100, 15))).toMatchObject({ reason: RejectReason.none, filled: 10 });
    expect(book.restingOrders).toBe(2);
    expect(book.bestBidTicks).toBe(100);
  });

  it('refuses prices outside the ladder and takes both ends of it', () => {
    const book = new OrderBook({ lowestTicks: 5000, levels: 2048 });
    for (const ticks of [4999, 7048, 1, 2_147_483_647]) {
      expect(submit(book, order(1, Side.buy, ticks, 1)).reason).toBe(RejectReason.priceOutsideLadder);
    }
    expect(submit(book, order(1, Side.buy, 5000, 1)).reason).toBe(RejectReason.none);
    expect(submit(book, order(2, Side.sell, 7047, 1)).reason).toBe(RejectReason.none);
    expect([book.bestBidTicks, book.bestAskTicks]).toEqual([5000, 7047]);
    expect(submit(book, order(3, Side.sell, 5000, 1)).filled).toBe(1);
    expect(submit(book, order(4, Side.buy, 7047, 1)).filled).toBe(1);
    expect(book.restingOrders).toBe(0);
  });

  it('gives every slot back: it can be filled and emptied for ever', () => {
    const book = new OrderBook({ capacity: 10 });
    for (let round = 0; round < 1000; round++) {
      for (let id = 0; id < 10; id++) submit(book, order(id, Side.buy, 100 + (id % 3), 5));
      expect(book.restingOrders).toBe(10);
      expect(submit(book, order(10, Side.sell, 100, 50)).filled).toBe(50);
      expect(book.restingOrders).toBe(0);
    }
  });

  it('names the option that makes no sense', () => {
    expect(() => new OrderBook({ levels: 1000 })).toThrow(/EINVAL: levels must be .* not 1000/);
    expect(() => new OrderBook({ levels: 1025 })).toThrow(/EINVAL: levels must be .* not 1025/);
    expect(() => new OrderBook({ capacity: 0 })).toThrow(/EINVAL: capacity must be .* not 0/);
    expect(() => new OrderBook({ executionLimit: 0 })).toThrow(/EINVAL: executionLimit must be .* not 0/);
    expect(() => new OrderBook({ lowestTicks: 0 })).toThrow(/EINVAL: lowestTicks must be .* not 0/);
  });
});
