import {
  AccountQueryResponse,
  Cancelled,
  CancelReason,
  Executed,
  OuchRejectReason,
  OuchSide,
  Rejected,
  Replaced,
  TimeInForce,
  writeAccountQuery,
  writeCancelOrder,
  writeReplaceOrder,
} from '@prism-net/ouch';
import { beforeEach, describe, expect, it } from 'vitest';
import { Side } from '../orders/order-message.js';
import { Trader } from '../single-thread.testkit.js';
import { SessionMarket } from './session-market.testkit.js';
import { enterOrder, letters, SessionTrader, view } from './session-trader.testkit.js';

const PRICE = 1_000_000;
const { buy, sell } = OuchSide;

describe('orders of a session', () => {
  let market: SessionMarket;
  let trader: SessionTrader;

  beforeEach(async () => {
    market = new SessionMarket();
    trader = new SessionTrader(market);
    await trader.login();
    market.rounds(4);
    trader.take();
  });

  const settle = (): Uint8Array[] => {
    market.rounds(20);
    return trader.take();
  };
  const cancel = (userRefNum: number, size: number): void => {
    const bytes = new Uint8Array(9);
    writeCancelOrder(new DataView(bytes.buffer), 0, userRefNum, size);
    trader.send(bytes);
  };
  const replace = (original: number, userRefNum: number, quantity: number, price: number): void => {
    const bytes = new Uint8Array(40).fill(0x20);
    writeReplaceOrder(new DataView(bytes.buffer), 0, original, userRefNum, quantity, price);
    trader.send(bytes);
  };
  const at = (price: number) => market.book.ordersAt(price / 100).map((each) => [each.idLow, each.remainingLots]);

  it('are executed by price, then by time', () => {
    trader.enter(1, sell, 100, PRICE + 100);
    trader.enter(2, sell, 100, PRICE);
    trader.enter(3, sell, 100, PRICE);
    trader.enter(4, buy, 250, PRICE + 100);
    const messages = settle();
    expect(letters(messages)).toBe('AAAAEEEEEE');
    const executions = messages.slice(4).map(view);
    expect(executions.map((each) => each.getInt32(Executed.userRefNum))).toEqual([2, 4, 3, 4, 1, 4]);
    expect(executions.map((each) => each.getInt32(Executed.quantity))).toEqual([100, 100, 100, 100, 50, 50]);
    expect(executions.map((each) => each.getInt32(Executed.price + 4))).toEqual([
      ...[PRICE, PRICE, PRICE, PRICE],
      ...[PRICE + 100, PRICE + 100],
    ]);
    expect(at(PRICE + 100)).toEqual([[1, 50]]);
  });

  it('trade with those of the datagram port, in one book', () => {
    const datagrams = new Trader(market);
    trader.enter(1, sell, 300, PRICE);
    settle();
    datagrams.order(1, Side.buy, PRICE / 100, 100);
    datagrams.order(2, Side.buy, PRICE / 100 - 1, 50);
    expect(letters(settle())).toBe('E');
    expect(datagrams.take().map(({ filledLots, kind }) => [kind, filledLots])).toEqual([
      [2, 100],
      [1, 0],
    ]);
    trader.enter(2, sell, 50, PRICE - 100);
    expect(letters(settle())).toBe('AE');
    expect(datagrams.take().map(({ filledLots, id, kind }) => [kind, id, filledLots])).toEqual([[5, 2, 50]]);
  });

  it('are cancelled, in part down to a size that includes what was executed, or altogether', () => {
    trader.enter(1, buy, 300, PRICE);
    trader.enter(2, sell, 100, PRICE);
    settle();
    cancel(1, 250);
    const [partly] = settle();
    expect([view(partly).getInt32(Cancelled.quantity), view(partly).getUint8(Cancelled.reason)]).toEqual([
      50,
      CancelReason.userRequested,
    ]);
    expect(at(PRICE)).toEqual([[1, 150]]);
    cancel(1, 250);
    cancel(1, 300);
    cancel(99, 0);
    expect(settle()).toEqual([]);
    cancel(1, 0);
    const [rest] = settle();
    expect(view(rest).getInt32(Cancelled.quantity)).toBe(150);
    cancel(1, 0);
    expect(settle()).toEqual([]);
    expect([market.book.restingOrders, market.book.bestBidTicks]).toEqual([0, 0]);
  });

  it('leave no trace in their level when they are cancelled from its front, middle and end', () => {
    for (let n = 1; n <= 5; n++) trader.enter(n, buy, 10 * n, PRICE);
    settle();
    for (const n of [3, 1, 5]) cancel(n, 0);
    settle();
    expect(at(PRICE)).toEqual([
      [2, 20],
      [4, 40],
    ]);
    trader.enter(6, sell, 60, PRICE);
    expect(letters(settle())).toBe('AEEEE');
    expect(market.book.restingOrders).toBe(0);
    trader.enter(7, buy, 5, PRICE);
    settle();
    expect(at(PRICE)).toEqual([[7, 5]]);
  });

  it('are replaced: the size includes what was executed, side and symbol stay, priority is lost', () => {
    trader.enter(1, buy, 300, PRICE);
    trader.enter(2, buy, 100, PRICE);
    trader.enter(3, sell, 100, PRICE);
    settle();
    replace(1, 4, 500, PRICE);
    const [replaced] = settle();
    expect(letters([replaced!])).toBe('U');
    expect(view(replaced).getInt32(Replaced.quantity)).toBe(400);
    expect(view(replaced).getUint8(Replaced.side)).toBe(buy);
    expect(at(PRICE)).toEqual([
      [2, 100],
      [4, 400],
    ]);
    cancel(4, 150);
    const [cancelled] = settle();
    expect(view(cancelled).getInt32(Cancelled.quantity)).toBe(350);
  });

  it('are replaced by one that executes at once', () => {
    trader.enter(1, buy, 100, PRICE - 100);
    trader.enter(2, sell, 60, PRICE);
    settle();
    replace(1, 3, 100, PRICE);
    expect(letters(settle())).toBe('UEE');
    expect(at(PRICE)).toEqual([[3, 40]]);
    expect(at(PRICE - 100)).toEqual([]);
  });

  it('that are gone are not replaced; a size already executed cancels the rest and is rejected', () => {
    trader.enter(1, buy, 300, PRICE);
    trader.enter(2, sell, 100, PRICE);
    settle();
    replace(77, 3, 100, PRICE);
    const [gone] = settle();
    expect(view(gone).getUint16(Rejected.reason)).toBe(OuchRejectReason.replaceNotAllowed);
    replace(1, 4, 100, PRICE);
    const messages = settle();
    expect(letters(messages)).toBe('CJ');
    expect(view(messages[0]).getInt32(Cancelled.quantity)).toBe(200);
    expect([view(messages[1]).getInt32(Rejected.userRefNum), view(messages[1]).getUint16(Rejected.reason)]).toEqual([
      4,
      OuchRejectReason.invalidQuantity,
    ]);
    expect(market.book.restingOrders).toBe(0);
  });

  it('that are immediate or cancelled never rest', () => {
    trader.enter(1, sell, 100, PRICE);
    trader.enter(2, buy, 150, PRICE, TimeInForce.immediateOrCancel);
    const messages = settle();
    expect(letters(messages)).toBe('AAEEC');
    expect(view(messages[4]).getInt32(Cancelled.quantity)).toBe(50);
    expect(view(messages[4]).getUint8(Cancelled.reason)).toBe(CancelReason.immediateOrCancel);
    expect(market.book.restingOrders).toBe(0);
  });

  it('with a number that is not greater than the last are ignored, orders and replacements alike', () => {
    trader.enter(5, buy, 100, PRICE);
    trader.enter(5, buy, 100, PRICE);
    trader.enter(4, sell, 100, PRICE);
    replace(5, 5, 100, PRICE);
    expect(letters(settle())).toBe('A');
    expect(market.port.entry.duplicates).toBe(3);
    trader.send(Uint8Array.of(writeAccountQuery(new DataView(new ArrayBuffer(1)), 0) && 0x51));
    const [answer] = settle();
    expect(view(answer).getInt32(AccountQueryResponse.nextUserRefNum)).toBe(6);
  });

  it.each([
    ['another symbol', 10, 0x58, OuchRejectReason.invalidSymbol],
    ['a price between ticks', 25, 0x41, OuchRejectReason.invalidPrice],
    ['a price far from the market', 23, 0x28, OuchRejectReason.fatFinger],
    ['a time in force there is not', 26, 0x35, OuchRejectReason.other],
    ['a hidden display', 27, 0x4e, OuchRejectReason.invalidDisplay],
    ['a cross', 30, 0x4f, OuchRejectReason.invalidCrossOrder],
    ['no such side', 5, 0x58, OuchRejectReason.invalidSide],
    ['a quantity of 16 million', 6, 1, OuchRejectReason.invalidQuantity],
  ])('with %s are rejected in the words of the exchange', (_name, offset, value, reason) => {
    const order = enterOrder(1, buy, 100, PRICE);
    order[offset] = value;
    trader.send(order);
    const [rejected] = settle();
    expect(letters([rejected!])).toBe('J');
    expect(view(rejected).getUint16(Rejected.reason)).toBe(reason);
    expect(market.port.entry.rejected).toBe(1);
  });

  it('that ask for what this market has not are rejected rather than taken and not done; who they are for may be said', () => {
    const appendage = (...elements: number[]): Uint8Array => {
      const order = enterOrder(++last, buy, 100, PRICE);
      return Uint8Array.from([...order.subarray(0, 45), 0, elements.length, ...elements]);
    };
    let last = 0;
    trader.send(appendage(5, 2, 0x46, 0x49, 0x52, 0x4d, 2, 4, 0x4e, 2, 6, 0x4c, 2, 12, 0x4e));
    expect(letters(settle())).toBe('A');
    for (const [element, reason] of [
      [[5, 3, 0, 0, 0, 100], OuchRejectReason.invalidMinimumQuantity],
      [[5, 5, 0, 0, 0, 100], OuchRejectReason.invalidMaxFloor],
      [[2, 6, 0x50], OuchRejectReason.invalidPegType],
      [[2, 12, 0x50], OuchRejectReason.other],
      [[5, 15, 0, 0, 0, 9], OuchRejectReason.other],
      [[2, 28, 3], OuchRejectReason.other],
    ] as const) {
      trader.send(appendage(...element));
      expect(view(settle()[0]).getUint16(Rejected.reason)).toBe(reason);
    }
  });

  it('with more trades than one may have are cancelled by the system for the rest', async () => {
    market = new SessionMarket({ executionLimit: 3, reportRing: 8 });
    trader = new SessionTrader(market);
    await trader.login();
    for (let n = 1; n <= 5; n++) trader.enter(n, sell, 10, PRICE);
    trader.enter(6, buy, 50, PRICE);
    market.rounds(40);
    const messages = trader.take();
    expect(letters(messages)).toBe('SAAAAAAEEEEEEC');
    expect(view(messages[13]).getInt32(Cancelled.quantity)).toBe(20);
    expect(view(messages[13]).getUint8(Cancelled.reason)).toBe(CancelReason.systemCancel);
  });

  it('wait, and lose nothing, when the ring to the book is full', async () => {
    market = new SessionMarket({ orderRing: 4, reportRing: 4096, executionLimit: 16 });
    trader = new SessionTrader(market);
    await trader.login();
    for (let n = 1; n <= 300; n++) trader.enter(n, n % 2 === 0 ? buy : sell, 10, PRICE);
    market.rounds(400);
    const answers = trader.take().filter((message) => message[0] === 0x41);
    expect(answers.map((message) => view(message).getInt32(9))).toEqual(Array.from({ length: 300 }, (_, n) => n + 1));
    market.close();
  });

  it('are ended by the end of the day: an event, the end of the session, and the connection is closed', () => {
    trader.enter(1, buy, 100, PRICE);
    settle();
    market.port.endDay();
    const messages = settle();
    expect(letters(messages)).toBe('S');
    expect(messages[0]![9]).toBe(0x45);
    market.rounds(20);
    expect(market.port.connections).toBe(0);
  });
});
