import { describe, expect, it } from 'vitest';
import { ORDER_WORDS, OrderWord, REPORT_WORDS, ReportWord } from '../gateway/book-messages.js';
import { Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { ReplyKind } from '../orders/reply-message.js';
import { ring } from '../single-thread.testkit.js';
import { BookService } from './book-service.js';
import { OrderBook } from './order-book.js';

interface Report {
  owner: number;
  kind: number;
  reason: number;
  executions: number;
  idLow: number;
  filledLots: number;
  remainingLots: number;
  lastPriceTicks: number;
}

class Fixture {
  readonly orders;
  readonly reports;
  readonly book;
  readonly service;

  constructor(reportCapacity: number, executionLimit: number) {
    this.orders = ring(1024, ORDER_WORDS);
    this.reports = ring(reportCapacity, REPORT_WORDS);
    this.book = new OrderBook({ executionLimit });
    this.service = new BookService(this.book, this.orders, this.reports);
  }

  order(owner: number, id: number, side: Side, priceTicks: number, quantityLots: number): void {
    const at = this.orders.reserve();
    const { words } = this.orders;
    words[at + OrderWord.owner] = owner;
    words[at + OrderWord.idLow] = id;
    words[at + OrderWord.idHigh] = 0;
    words[at + OrderWord.side] = side;
    words[at + OrderWord.priceTicks] = priceTicks;
    words[at + OrderWord.quantityLots] = quantityLots;
    this.orders.commit();
  }

  take(most = Number.POSITIVE_INFINITY): Report[] {
    const taken: Report[] = [];
    while (taken.length < most) {
      const at = this.reports.peek();
      if (at < 0) break;
      const { words } = this.reports;
      const word = (name: keyof typeof ReportWord): number => words[at + ReportWord[name]]!;
      taken.push({
        owner: word('owner'),
        kind: word('kind'),
        reason: word('reason'),
        executions: word('executions'),
        idLow: word('idLow'),
        filledLots: word('filledLots'),
        remainingLots: word('remainingLots'),
        lastPriceTicks: word('lastPriceTicks'),
      });
      this.reports.consume();
    }
    this.reports.release();
    return taken;
  }
}

describe('book service', () => {
  it('answers an order first, then reports each execution to the owner of the resting order', () => {
    const fixture = new Fixture(64, 8);
    fixture.order(5, 1, Side.sell, 100, 10);
    fixture.order(6, 2, Side.sell, 101, 10);
    fixture.order(7, 3, Side.buy, 101, 25);
    expect(fixture.service.poll(64)).toBe(3);
    const { accepted, fill, partiallyFilled } = ReplyKind;
    expect(fixture.take()).toMatchObject([
      { owner: 5, kind: accepted, idLow: 1, filledLots: 0, remainingLots: 10, lastPriceTicks: 0 },
      { owner: 6, kind: accepted, idLow: 2, filledLots: 0, remainingLots: 10, lastPriceTicks: 0 },
      {
        owner: 7,
        kind: partiallyFilled,
        idLow: 3,
        executions: 2,
        filledLots: 20,
        remainingLots: 5,
        lastPriceTicks: 101,
      },
      { owner: 5, kind: fill, idLow: 1, executions: 1, filledLots: 10, remainingLots: 0, lastPriceTicks: 100 },
      { owner: 6, kind: fill, idLow: 2, executions: 1, filledLots: 10, remainingLots: 0, lastPriceTicks: 101 },
    ]);
    expect([fixture.service.orders, fixture.service.executions]).toEqual([3, 2]);
  });

  it('says so when the rest of an order was cancelled, and when an order was refused', () => {
    const fixture = new Fixture(64, 2);
    for (let id = 1; id <= 3; id++) fixture.order(1, id, Side.sell, 100, 10);
    fixture.order(2, 4, Side.buy, 100, 30);
    fixture.order(2, 5, Side.buy, 1 << 24, 30);
    fixture.service.poll(64);
    const answers = fixture.take().filter(({ owner, kind }) => owner === 2 && kind !== ReplyKind.fill);
    expect(answers).toMatchObject([
      {
        idLow: 4,
        kind: ReplyKind.partiallyFilled,
        reason: RejectReason.executionLimit,
        filledLots: 20,
        remainingLots: 10,
      },
      { idLow: 5, kind: ReplyKind.rejected, reason: RejectReason.priceOutsideLadder, filledLots: 0, remainingLots: 30 },
    ]);
  });

  it('works on as many orders as it is told, in the order of their arrival', () => {
    const fixture = new Fixture(64, 8);
    for (let id = 1; id <= 10; id++) fixture.order(1, id, Side.sell, 100, 10);
    expect(fixture.service.poll(4)).toBe(4);
    expect(fixture.service.hasOrders).toBe(true);
    expect(fixture.take().map(({ idLow }) => idLow)).toEqual([1, 2, 3, 4]);
    expect(fixture.service.poll(64)).toBe(6);
    expect(fixture.service.hasOrders).toBe(false);
    expect(fixture.service.poll(64)).toBe(0);
  });

  it('leaves orders on their ring while reports find no room, and loses nothing', () => {
    // Room for the most reports one order can cause, and little more.
    const fixture = new Fixture(16, 8);
    for (let id = 1; id <= 200; id++) fixture.order(1, id, Side.sell, 100 + (id % 7), 10);
    // Each takes several resting orders.
    for (let id = 201; id <= 300; id++) fixture.order(2, id, Side.buy, 120, 20);
    const reports: Report[] = [];
    let waited = 0;
    for (let round = 0; round < 5000; round++) {
      if (fixture.service.poll(64) === 0 && fixture.service.hasOrders) waited++;
      // Few reports are taken, and only now and then.
      reports.push(...fixture.take(round % 8 === 0 ? 3 : 0));
    }
    reports.push(...fixture.take());
    expect(waited).toBeGreaterThan(10);
    expect(fixture.service.hasOrders).toBe(false);
    const answers = reports.filter(({ kind }) => kind !== ReplyKind.fill);
    expect(answers.map(({ idLow }) => idLow)).toEqual(Array.from({ length: 300 }, (_, i) => i + 1));
    const fills = reports.filter(({ kind }) => kind === ReplyKind.fill);
    expect(fills.length).toBe(200);
    expect(new Set(fills.map(({ idLow }) => idLow)).size).toBe(200);
    expect(fills.every(({ owner, remainingLots }) => owner === 1 && remainingLots === 0)).toBe(true);
    expect([fixture.service.orders, fixture.service.executions]).toEqual([300, 200]);
    expect(fixture.book.restingOrders).toBe(0);
  });

  it('refuses a ring that could not hold the reports of one order', () => {
    expect(() => new Fixture(8, 8)).toThrow(expect.objectContaining({ code: 'EINVAL' }));
    expect(() => new Fixture(16, 8)).not.toThrow();
  });
});
