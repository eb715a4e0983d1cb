import { Accepted, CL_ORD_ID_BYTES, Executed, LiquidityFlag, OuchSide, readAlpha } from '@prism-net/ouch';
import { expect, it } from 'vitest';
import { SessionMarket } from './session-market.testkit.js';
import { letters, SessionTrader, view } from './session-trader.testkit.js';

it('logs in, enters an order, and is told that it was accepted', async () => {
  const market = new SessionMarket({ debug: true });
  const trader = new SessionTrader(market);
  await trader.login();
  expect(trader.client.session).toBe('DAY1');
  trader.enter(1, OuchSide.buy, 300, 1_000_000);
  market.rounds(20);
  const messages = trader.take();
  expect(letters(messages)).toBe('SA');
  const accepted = view(messages[1]);
  expect(accepted.getInt32(Accepted.userRefNum)).toBe(1);
  expect(accepted.getInt32(Accepted.quantity)).toBe(300);
  expect(readAlpha(accepted, Accepted.clOrdId, CL_ORD_ID_BYTES)).toBe('ORDER1');
  expect(market.book.bestBidTicks).toBe(10_000);
  market.close();
});

it('orders that cross are executed on both sides, at the price of the one that rested and with one match number', async () => {
  const market = new SessionMarket();
  const trader = new SessionTrader(market);
  await trader.login();
  trader.enter(1, OuchSide.buy, 300, 1_000_000);
  trader.enter(2, OuchSide.sell, 100, 990_000);
  market.rounds(20);
  const messages = trader.take();
  expect(letters(messages)).toBe('SAAEE');
  const executed = messages.slice(3).map((message) => view(message));
  expect(executed.map((each) => each.getInt32(Executed.userRefNum))).toEqual([1, 2]);
  expect(executed.map((each) => each.getUint8(Executed.liquidityFlag))).toEqual([
    LiquidityFlag.added,
    LiquidityFlag.removed,
  ]);
  expect(executed.map((each) => [each.getInt32(Executed.quantity), each.getInt32(Executed.price + 4)])).toEqual([
    [100, 1_000_000],
    [100, 1_000_000],
  ]);
  const [left, right] = executed.map((each) => each.getBigUint64(Executed.matchNumber));
  expect(left).toBe(right);
  market.close();
});
