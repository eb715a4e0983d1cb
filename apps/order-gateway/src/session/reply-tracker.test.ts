import { describe, expect, it } from 'vitest';
import { ORDER_FLOW_MAX_BYTES, OrderFlow } from '../flow/order-flow.js';
import { RejectReason } from '../orders/reject-reason.js';
import { ReplyKind } from '../orders/reply-message.js';
import { isFlawless, ReplyTracker } from './reply-tracker.js';

const { accepted, rejected, fill, filled, partiallyFilled } = ReplyKind;
const { none, duplicateOrderId, killSwitch, priceOutsideCollar } = RejectReason;

function tracker(sent: number, capacity = 16): ReplyTracker {
  const created = new ReplyTracker(capacity);
  for (let id = 1; id <= sent; id++) created.sent(id, 0, false, id * 100);
  return created;
}

describe('reply tracker', () => {
  it('finds nothing wrong when each order is answered once, in any order', () => {
    const replies = tracker(3);
    expect(replies.outstanding).toBe(3);
    expect(replies.answered(filled, none, 3, 0)).toBe(true);
    expect(replies.sentAt).toBe(300);
    expect(replies.answered(accepted, none, 1, 0)).toBe(true);
    expect(replies.sentAt).toBe(100);
    expect(isFlawless(replies.totals())).toBe(false);
    expect(replies.answered(rejected, priceOutsideCollar, 2, 0)).toBe(true);
    expect(isFlawless(replies.totals())).toBe(true);
    expect(replies.totals()).toMatchObject({
      sent: 3,
      answered: 3,
      outstanding: 0,
      answersByKind: { accepted: 1, filled: 1, partiallyFilled: 0, rejected: 1 },
    });
    expect(replies.answersFor(priceOutsideCollar)).toBe(1);
    expect(replies.answersFor(none)).toBe(2);
  });

  it('does not take later fills for answers', () => {
    const replies = tracker(1);
    expect(replies.answered(fill, none, 1, 0)).toBe(false);
    expect(replies.outstanding).toBe(1);
    expect(replies.answered(partiallyFilled, none, 1, 0)).toBe(true);
    expect(replies.answered(fill, none, 1, 0)).toBe(false);
    expect(replies.totals()).toMatchObject({ fills: 2, doubled: 0, answered: 1 });
    // A fill may also come for an order long gone from the ring.
    for (let id = 2; id <= 40; id++) {
      replies.sent(id, 0, false, 0);
      replies.answered(accepted, none, id, 0);
    }
    replies.answered(fill, none, 1, 0);
    expect(replies.totals()).toMatchObject({ fills: 3, late: 0, unknown: 0 });
    expect(isFlawless(replies.totals())).toBe(true);
  });

  it('finds an answer that comes twice', () => {
    const replies = tracker(2);
    replies.answered(accepted, none, 1, 0);
    expect(replies.answered(accepted, none, 1, 0)).toBe(false);
    expect(replies.answered(rejected, duplicateOrderId, 1, 0)).toBe(false);
    replies.answered(accepted, none, 2, 0);
    expect(replies.totals()).toMatchObject({ doubled: 2, answered: 2, outstanding: 0 });
    expect(isFlawless(replies.totals())).toBe(false);
  });

  it('finds an answer to an order that was never sent', () => {
    const replies = tracker(2);
    for (const [low, high] of [
      [3, 0],
      [0, 0],
      [-1, 0],
      [1, 1],
      [1, -1],
    ]) {
      expect(replies.answered(accepted, none, low!, high!)).toBe(false);
    }
    expect(replies.answered(fill, none, 3, 0)).toBe(false);
    expect(replies.totals()).toMatchObject({ unknown: 6, outstanding: 2, fills: 0 });
  });

  it('finds an order that is never answered, at the end or when its place is needed', () => {
    const replies = tracker(3);
    replies.answered(accepted, none, 2, 0);
    replies.giveUp();
    expect(replies.totals()).toMatchObject({ lost: 2, outstanding: 0, answered: 1 });

    const small = tracker(5, 4);
    expect(small.totals()).toMatchObject({ lost: 1, outstanding: 4 });
    // Its answer, when it comes after all, is neither doubled nor unknown.
    expect(small.answered(accepted, none, 1, 0)).toBe(false);
    expect(small.totals()).toMatchObject({ late: 1, doubled: 0, unknown: 0 });
  });

  it('expects the reject of a deliberate duplicate, before or after the answer to the order itself', () => {
    for (const duplicateFirst of [true, false]) {
      const replies = tracker(1);
      replies.sent(1, 0, true, 777);
      expect(replies.outstanding).toBe(2);
      if (!duplicateFirst) replies.answered(accepted, none, 1, 0);
      expect(replies.answered(rejected, duplicateOrderId, 1, 0)).toBe(true);
      expect(replies.sentAt).toBe(777);
      if (duplicateFirst) {
        replies.answered(accepted, none, 1, 0);
        expect(replies.sentAt).toBe(100);
      }
      expect(isFlawless(replies.totals())).toBe(true);
      expect(replies.answered(rejected, duplicateOrderId, 1, 0)).toBe(false);
      expect(replies.totals().doubled).toBe(1);
    }
  });

  it('takes any reject for a duplicate once the kill switch is thrown', () => {
    const replies = tracker(1);
    replies.sent(1, 0, true, 0);
    replies.answered(rejected, killSwitch, 1, 0);
    replies.answered(rejected, killSwitch, 1, 0);
    expect(isFlawless(replies.totals())).toBe(true);
  });

  it('finds a duplicate that was taken for a new order, and an order that was taken for a duplicate', () => {
    const missed = tracker(1);
    missed.sent(1, 0, true, 0);
    missed.answered(accepted, none, 1, 0);
    missed.answered(filled, none, 1, 0);
    expect(missed.totals()).toMatchObject({ duplicatesAccepted: 1, outstanding: 0 });
    expect(isFlawless(missed.totals())).toBe(false);

    const wronged = tracker(1);
    expect(wronged.answered(rejected, duplicateOrderId, 1, 0)).toBe(true);
    expect(wronged.totals()).toMatchObject({ falseDuplicates: 1, outstanding: 0 });
    expect(isFlawless(wronged.totals())).toBe(false);
  });

  it('lets a duplicate pass when the order itself was refused before its id counted, but only one', () => {
    const { bookFull, gatewayOverloaded } = RejectReason;
    for (const reason of [priceOutsideCollar, gatewayOverloaded]) {
      const replies = tracker(1);
      replies.answered(rejected, reason, 1, 0);
      replies.sent(1, 0, true, 0);
      replies.answered(accepted, none, 1, 0);
      expect(isFlawless(replies.totals())).toBe(true);
      replies.sent(1, 0, true, 0);
      replies.answered(accepted, none, 1, 0);
      expect(replies.totals().duplicatesAccepted).toBe(1);
    }
    // What the book refused had passed the risk check, which remembers the id.
    const replies = tracker(1);
    replies.answered(rejected, bookFull, 1, 0);
    replies.sent(1, 0, true, 0);
    replies.answered(accepted, none, 1, 0);
    expect(replies.totals().duplicatesAccepted).toBe(1);
  });

  it('counts a lost duplicate', () => {
    const replies = tracker(1);
    replies.sent(1, 0, true, 0);
    replies.answered(accepted, none, 1, 0);
    replies.giveUp();
    expect(replies.totals()).toMatchObject({ lost: 1, outstanding: 0 });
  });

  it('goes on where the lower word of the id wraps', () => {
    const replies = new ReplyTracker(16);
    for (const [low, high] of [
      [0x7fffffff, 0],
      [-0x80000000, 0],
      [-1, 0],
      [0, 1],
      [1, 1],
    ]) {
      replies.sent(low!, high!, false, 0);
      expect(replies.answered(accepted, none, low!, high!)).toBe(true);
    }
    expect(isFlawless(replies.totals())).toBe(true);
    replies.answered(fill, none, -1, 0);
    replies.answered(fill, none, 2, 1);
    expect(replies.totals()).toMatchObject({ fills: 1, unknown: 1 });
  });

  it('finds nothing wrong in a long flow with duplicates, answered out of order within the window', () => {
    const flow = new OrderFlow({ seed: 11, badPermille: 100 });
    const view = new DataView(new ArrayBuffer(ORDER_FLOW_MAX_BYTES));
    const replies = new ReplyTracker(256);
    const pending: [kind: ReplyKind, reason: RejectReason, low: number, high: number][] = [];
    let duplicates = 0;
    for (let n = 0; n < 100_000; n++) {
      flow.next(view, 0);
      replies.sent(flow.idLow, flow.idHigh, flow.isDuplicate, n);
      if (flow.isDuplicate) duplicates++;
      pending.push([flow.expectedReason === none ? accepted : rejected, flow.expectedReason, flow.idLow, flow.idHigh]);
      if (pending.length === 32 || n === 99_999) {
        for (const [kind, reason, low, high] of pending.reverse()) replies.answered(kind, reason, low, high);
        pending.length = 0;
      }
    }
    expect(isFlawless(replies.totals())).toBe(true);
    expect(replies.totals().answered).toBe(100_000);
    expect(duplicates).toBeGreaterThan(500);
    expect(replies.answersFor(duplicateOrderId)).toBe(duplicates);
  });

  it('names the capacity that makes no sense', () => {
    for (const capacity of [0, 1, 3, 100, 2 ** 25]) {
      expect(() => new ReplyTracker(capacity)).toThrow(new RegExp(`capacity must be .* not ${capacity}`));
    }
  });
});
