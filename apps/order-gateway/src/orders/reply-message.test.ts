import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { RejectReason } from './reject-reason.js';
import {
  answerKind,
  isReply,
  REPLY_BYTES,
  ReplyKind,
  replyExecutions,
  replyFilledLots,
  replyIdHigh,
  replyIdLow,
  replyKind,
  replyLastPriceTicks,
  replyReason,
  replyRemainingLots,
  replySequence,
  writeReject,
  writeReply,
} from './reply-message.js';

describe('reply datagram', () => {
  it('is laid out as documented, little-endian, in 40 bytes', () => {
    const bytes = new Uint8Array(42).fill(0xee);
    writeReply(
      new DataView(bytes.buffer),
      1,
      ReplyKind.partiallyFilled,
      RejectReason.executionLimit,
      258,
      -2,
      7,
      1,
      1,
      2,
      10_050,
    );
    expect(Buffer.from(bytes).toString('hex')).toBe(
      `ee${'03220201'}${'feffffff'}${'0700000001000000'}${'40420f0000000000'}${'80841e0000000000'}${'80d4065702000000'}ee`,
    );
  });

  it('round-trips every field', () => {
    const word = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
    const amount = fc.integer({ min: 0, max: 2 ** 31 - 1 });
    const kind = fc.constantFrom(...Object.values(ReplyKind));
    const reason = fc.constantFrom(...Object.values(RejectReason));
    const executions = fc.integer({ min: 0, max: 100_000 });
    const view = new DataView(new ArrayBuffer(48));
    fc.assert(
      fc.property(
        fc.record({ kind, reason, executions, sequence: word, low: word, high: word }),
        fc.record({ filled: amount, remaining: amount, price: amount }),
        (a, b) => {
          writeReply(
            view,
            8,
            a.kind,
            a.reason,
            a.executions,
            a.sequence,
            a.low,
            a.high,
            b.filled,
            b.remaining,
            b.price,
          );
          expect(isReply(view, 8, REPLY_BYTES)).toBe(true);
          expect(replyKind(view, 8)).toBe(a.kind);
          expect(replyReason(view, 8)).toBe(a.reason);
          expect(replyExecutions(view, 8)).toBe(Math.min(a.executions, 65_535));
          expect(replySequence(view, 8)).toBe(a.sequence);
          expect(replyIdLow(view, 8)).toBe(a.low);
          expect(replyIdHigh(view, 8)).toBe(a.high);
          expect(replyFilledLots(view, 8)).toBe(b.filled);
          expect(replyRemainingLots(view, 8)).toBe(b.remaining);
          expect(replyLastPriceTicks(view, 8)).toBe(b.price);
        },
      ),
      { numRuns: 500 },
    );
  });

  it('of a rejected order says why and that nothing was done', () => {
    const view = new DataView(new ArrayBuffer(REPLY_BYTES));
    writeReject(view, 0, RejectReason.duplicateOrderId, 9, 7, 0, 300);
    expect(replyKind(view, 0)).toBe(ReplyKind.rejected);
    expect(replyReason(view, 0)).toBe(RejectReason.duplicateOrderId);
    expect(replyFilledLots(view, 0)).toBe(0);
    expect(replyRemainingLots(view, 0)).toBe(300);
    expect(replyExecutions(view, 0)).toBe(0);
  });

  it('is of the kind that the outcome in the book calls for', () => {
    expect(answerKind(RejectReason.none, 0, 10)).toBe(ReplyKind.accepted);
    expect(answerKind(RejectReason.none, 10, 0)).toBe(ReplyKind.filled);
    expect(answerKind(RejectReason.none, 4, 6)).toBe(ReplyKind.partiallyFilled);
    expect(answerKind(RejectReason.executionLimit, 4, 6)).toBe(ReplyKind.partiallyFilled);
    expect(answerKind(RejectReason.bookFull, 0, 10)).toBe(ReplyKind.rejected);
  });

  it('of another length or an unknown kind is none', () => {
    const view = new DataView(new ArrayBuffer(64));
    expect(isReply(view, 0, REPLY_BYTES)).toBe(false);
    view.setUint8(0, 6);
    expect(isReply(view, 0, REPLY_BYTES)).toBe(false);
    view.setUint8(0, ReplyKind.fill);
    expect(isReply(view, 0, REPLY_BYTES)).toBe(true);
    for (const length of [0, 39, 41]) expect(isReply(view, 0, length)).toBe(false);
  });
});
