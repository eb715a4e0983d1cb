import {
  CancelOrder,
  checkEnterOrder,
  checkReplaceOrder,
  EnterOrder,
  InboundType,
  OuchRejectReason,
  OuchSide,
  ReplaceOrder,
  TimeInForce,
} from '@prism-net/ouch';
import { SeededRandom } from '@prism-net/tables';
import { describe, expect, it } from 'vitest';
import { EXECUTION_WORDS, ExecutionWord, OrderBook } from '../book/order-book.js';
import { ExpectedMarket } from '../flow/expected-market.js';
import { ORDER_FLOW_MAX_BYTES, OrderFlow, OrderKind } from '../flow/order-flow.js';
import { orderPriceTicks, orderQuantityLots, orderSide, Side } from '../orders/order-message.js';
import { RejectReason } from '../orders/reject-reason.js';
import { PRICE_UNITS_PER_TICK } from '../session-port/order-entry.js';
import { SessionFlow } from './session-flow.js';

const SESSION = 1;

/** The book as both ports reach it: their orders overtake each other, and sessions replace and cancel. */
class TwoPorts {
  readonly book = new OrderBook();
  refused = 0;
  tooLate = 0;
  deepest = 0;
  readonly #slots = new Map<number, number>();

  enter(owner: number, id: number, side: number, ticks: number, lots: number, isImmediate = false): void {
    const { book } = this;
    const reason = book.submit(id, 0, owner, side, ticks, lots, isImmediate);
    if (reason !== RejectReason.none && reason !== RejectReason.executionLimit) this.refused++;
    for (let n = 0; n < book.executionCount; n++) {
      const at = n * EXECUTION_WORDS;
      if (book.executions[at + ExecutionWord.restingRemainingLots] !== 0) continue;
      if (book.executions[at + ExecutionWord.restingOwner] === SESSION) {
        this.#slots.delete(book.executions[at + ExecutionWord.restingIdLow]!);
      }
    }
    if (owner === SESSION && book.restingSlot >= 0) this.#slots.set(id, book.restingSlot);
    this.deepest = Math.max(this.deepest, book.restingOrders);
  }

  cancel(id: number, left: number): Side | undefined {
    const slot = this.#slots.get(id);
    if (slot === undefined) return undefined;
    const side = this.book.sideOf(slot);
    const lots = this.book.remainingIn(slot) - left;
    if (lots > 0) this.book.reduce(slot, lots);
    if (left === 0) this.#slots.delete(id);
    return side;
  }

  message(bytes: DataView): void {
    const type = bytes.getUint8(0);
    if (type === InboundType.cancelOrder) {
      this.cancel(bytes.getInt32(CancelOrder.userRefNum), bytes.getInt32(CancelOrder.quantity));
    } else if (type === InboundType.replaceOrder) {
      const side = this.cancel(bytes.getInt32(ReplaceOrder.originalUserRefNum), 0);
      const ticks = Number(bytes.getBigInt64(ReplaceOrder.price)) / PRICE_UNITS_PER_TICK;
      const id = bytes.getInt32(ReplaceOrder.userRefNum);
      if (side === undefined) this.tooLate++;
      else this.enter(SESSION, id, side, ticks, bytes.getInt32(ReplaceOrder.quantity));
    } else {
      const side = bytes.getUint8(EnterOrder.side) === OuchSide.buy ? Side.buy : Side.sell;
      const ticks = Number(bytes.getBigInt64(EnterOrder.price)) / PRICE_UNITS_PER_TICK;
      const isImmediate = bytes.getUint8(EnterOrder.timeInForce) === TimeInForce.immediateOrCancel;
      const id = bytes.getInt32(EnterOrder.userRefNum);
      this.enter(SESSION, id, side, ticks, bytes.getInt32(EnterOrder.quantity), isImmediate);
    }
  }
}

/** Messages of both ports, of which so many in 256 are datagrams. Returns what came of them, and what share was bad. */
function trade(messageCount: number, datagramShare: number): { ports: TwoPorts; badShare: number; lateShare: number } {
  const ports = new TwoPorts();
  const random = new SeededRandom(5);
  const market = new ExpectedMarket(10_000);
  const datagrams = new OrderFlow({ seed: 1, market });
  const session = new SessionFlow({ seed: 2, symbol: 'PRISM', referenceTicks: 10_000, maximumQuantityLots: 0, market });
  const order = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
  const underWay: DataView[] = [];
  let nextUserRefNum = 1;
  let bad = 0;
  for (let n = 0; n < messageCount; n++) {
    if ((random.nextInt32() & 255) < datagramShare) {
      datagrams.next(order, 0);
      if (datagrams.kind === OrderKind.bad) bad++;
      else ports.enter(0, n, orderSide(order, 0), orderPriceTicks(order, 0), orderQuantityLots(order, 0));
      continue;
    }
    const message = new DataView(new ArrayBuffer(64));
    session.next(message, 0, nextUserRefNum);
    if (!session.isCancel) nextUserRefNum++;
    if (session.isBad) bad++;
    else underWay.push(message);
    // Those of the session are on their way longer, and datagrams overtake them.
    if (underWay.length > 60) ports.message(underWay.shift()!);
  }
  return { ports, badShare: bad / messageCount, lateShare: ports.tooLate / messageCount };
}

describe('the flows of both ports into one book', () => {
  it.each([
    ['both, mostly datagrams', 1_000_000, 215],
    ['both, mostly sessions', 500_000, 60],
    ['sessions alone', 500_000, 0],
  ])('never fill it: %s', (_, messageCount, datagramShare) => {
    const { badShare, lateShare, ports } = trade(messageCount, datagramShare);
    expect(ports.refused).toBe(0);
    expect(ports.deepest).toBeGreaterThan(1_000);
    expect(ports.deepest).toBeLessThan(12_000);
    expect(badShare).toBeCloseTo(0.005, 3);
    expect(lateShare).toBeLessThan(0.005);
  });

  it('rejects of a session are the bad orders, and each is bad by OUCH or by risk', () => {
    const session = new SessionFlow({ seed: 3, symbol: 'PRISM', referenceTicks: 10_000, maximumQuantityLots: 0 });
    const message = new DataView(new ArrayBuffer(64));
    let bad = 0;
    for (let n = 1; n < 100_000; ) {
      const length = session.next(message, 0, n);
      if (session.isCancel) continue;
      n++;
      const isReplacement = message.getUint8(0) === InboundType.replaceOrder;
      const code = isReplacement ? checkReplaceOrder(message, 0) : checkEnterOrder(message, 0);
      expect(length).toBeLessThanOrEqual(64);
      const ticks = isReplacement ? 1 : Number(message.getBigInt64(EnterOrder.price)) / PRICE_UNITS_PER_TICK;
      const isWrong = code !== OuchRejectReason.none || ticks > 10_500 || ticks % 1 !== 0;
      if (isWrong !== session.isBad) throw new Error(`order ${n}: ${isWrong ? '' : 'not '}wrong, against expectation`);
      if (isWrong) bad++;
    }
    expect(bad).toBeGreaterThan(300);
  });
});
