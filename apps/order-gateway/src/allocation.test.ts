import { steadyStateBytes } from '@prism-net/measure';
import { createHashKey, SeededRandom } from '@prism-net/tables';
import { expect, it } from 'vitest';
import { EXECUTION_WORDS, ExecutionWord, OrderBook } from './book/order-book.js';
import { ORDER_FLOW_MAX_BYTES, OrderFlow } from './flow/order-flow.js';
import {
  checkOrder,
  orderIdHigh,
  orderIdLow,
  orderPriceTicks,
  orderQuantityLots,
  orderSide,
} from './orders/order-message.js';
import { RejectReason } from './orders/reject-reason.js';
import {
  answerKind,
  REPLY_BYTES,
  ReplyKind,
  replyIdHigh,
  replyIdLow,
  replyKind,
  replyReason,
  writeReject,
  writeReply,
} from './orders/reply-message.js';
import { LatencyHistogram } from './report/latency-histogram.js';
import { RiskCheck } from './risk/risk-check.js';
import { ReplyTracker } from './session/reply-tracker.js';

it('an order allocates nothing from its generation to the accounting of its answer', () => {
  const flow = new OrderFlow({ seed: 1, ordersPerDay: 100_000 });
  const risk = new RiskCheck({
    hashKey: createHashKey(new SeededRandom(2)),
    referenceTicks: 10_000,
    duplicateWindow: 4096,
  });
  const book = new OrderBook();
  const tracker = new ReplyTracker(64);
  const histogram = new LatencyHistogram();
  const order = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
  const reply = new DataView(new ArrayBuffer(REPLY_BYTES));
  let now = 0;
  let sequence = 0;

  const receive = () => {
    if (tracker.answered(replyKind(reply, 0), replyReason(reply, 0), replyIdLow(reply, 0), replyIdHigh(reply, 0))) {
      histogram.record((now - tracker.sentAt) | 0);
    }
  };
  const work = (orders: number) => {
    for (let n = 0; n < orders; n++) {
      const length = flow.next(order, 0);
      now = (now + 1000) | 0;
      tracker.sent(flow.idLow, flow.idHigh, flow.isDuplicate, now);
      const idLow = orderIdLow(order, 0);
      const idHigh = orderIdHigh(order, 0);
      sequence = (sequence + 1) | 0;
      let reason = checkOrder(order, 0, length);
      if (reason !== RejectReason.none) {
        writeReject(reply, 0, reason, sequence, idLow, idHigh, 0);
        receive();
        continue;
      }
      const ticks = orderPriceTicks(order, 0);
      const lots = orderQuantityLots(order, 0);
      reason = risk.check(idLow, idHigh, ticks, lots);
      if (reason !== RejectReason.none) {
        writeReject(reply, 0, reason, sequence, idLow, idHigh, lots);
        receive();
        continue;
      }
      reason = book.submit(idLow, idHigh, 1, orderSide(order, 0), ticks, lots);
      const filled = book.filledLots;
      const left = book.remainingLots;
      const kind = answerKind(reason, filled, left);
      const last = filled === 0 ? 0 : book.lastTradeTicks;
      writeReply(reply, 0, kind, reason, book.executionCount, sequence, idLow, idHigh, filled, left, last);
      receive();
      for (let entry = 0; entry < book.executionCount; entry++) {
        const at = entry * EXECUTION_WORDS;
        const low = book.executions[at + ExecutionWord.restingIdLow]!;
        const high = book.executions[at + ExecutionWord.restingIdHigh]!;
        const price = book.executions[at + ExecutionWord.priceTicks]!;
        writeReply(reply, 0, ReplyKind.fill, 0, 1, sequence, low, high, 1, 1, price);
        receive();
        risk.followTrade(price);
      }
    }
  };

  const bytes = steadyStateBytes(() => work(20_000));
  // The measurement's own objects take a few hundred bytes; one number per order would be 320,000.
  expect(bytes).toBeLessThan(10_000);
  expect(tracker.totals()).toMatchObject({ sent: 200_000, answered: 200_000, lost: 0, doubled: 0, unknown: 0 });
});
