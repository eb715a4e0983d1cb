import { highWordOfSteps, lowWordOfSteps, stepsFromWords } from './fixed-point.js';

/*
 * The reply datagram, little-endian, 40 bytes, every field on its natural alignment:
 *
 *   offset  field               type
 *        0  kind                u8    ReplyKind
 *        1  reason              u8    RejectReason, 0 where nothing was refused
 *        2  executions          u16   trades this message sums up (65,535 = that many or more)
 *        4  sequence            u32   one more than in the previous reply to the same client, wraps: a gap is a lost reply
 *        8  order_id            u64
 *       16  filled_quantity     u64   units of 1e-8: what the trades of this message took
 *       24  remaining_quantity  u64   units of 1e-8: what is left of the order; rests in the book where reason = 0
 *       32  last_price          u64   units of 1e-8: price of the last of those trades, 0 without trades
 *
 * Every order datagram gets exactly one *answer* (accepted, filled, partiallyFilled or rejected), which sums up all that
 * happened on entry however many trades that were. What happens to the rest in the book later comes as `fill`, one
 * message per trade. `order_id` is 0 where the datagram was too short to carry one.
 */
export const REPLY_BYTES = 40;

export const ReplyKind = {
  /** Answer: the whole order rests in the book. */
  accepted: 1,
  /** Answer: wholly executed on entry. */
  filled: 2,
  /** Answer: executed in part on entry. The rest is in the book if `reason` is 0, else it was cancelled for that reason. */
  partiallyFilled: 3,
  /** Answer: no effect, for `reason`. */
  rejected: 4,
  /** No answer: a resting order was executed, wholly if `remaining_quantity` is 0. */
  fill: 5,
} as const;
export type ReplyKind = (typeof ReplyKind)[keyof typeof ReplyKind];

/** The kind of answer to an order that the book refused for `reason` or took, by what it executed and left over. */
export function answerKind(reason: number, filledLots: number, remainingLots: number): ReplyKind {
  if (filledLots === 0) return reason === 0 ? ReplyKind.accepted : ReplyKind.rejected;
  return remainingLots === 0 ? ReplyKind.filled : ReplyKind.partiallyFilled;
}

const KIND = 0;
const REASON = 1;
const EXECUTIONS = 2;
const SEQUENCE = 4;
const ID = 8;
const FILLED = 16;
const REMAINING = 24;
const LAST_PRICE = 32;
const LARGEST_U16 = 65_535;

/** Writes all 40 bytes; prices in ticks and quantities in lots, all ≥ 0. */
export function writeReply(
  view: DataView,
  at: number,
  kind: ReplyKind,
  reason: number,
  executions: number,
  sequence: number,
  idLow: number,
  idHigh: number,
  filledLots: number,
  remainingLots: number,
  lastPriceTicks: number,
): void {
  view.setUint8(at + KIND, kind);
  view.setUint8(at + REASON, reason);
  view.setUint16(at + EXECUTIONS, Math.min(executions, LARGEST_U16), true);
  view.setInt32(at + SEQUENCE, sequence, true);
  view.setInt32(at + ID, idLow, true);
  view.setInt32(at + ID + 4, idHigh, true);
  view.setInt32(at + FILLED, lowWordOfSteps(filledLots), true);
  view.setInt32(at + FILLED + 4, highWordOfSteps(filledLots), true);
  view.setInt32(at + REMAINING, lowWordOfSteps(remainingLots), true);
  view.setInt32(at + REMAINING + 4, highWordOfSteps(remainingLots), true);
  view.setInt32(at + LAST_PRICE, lowWordOfSteps(lastPriceTicks), true);
  view.setInt32(at + LAST_PRICE + 4, highWordOfSteps(lastPriceTicks), true);
}

/** The answer to an order that had no effect. */
export function writeReject(
  view: DataView,
  at: number,
  reason: number,
  sequence: number,
  idLow: number,
  idHigh: number,
  quantityLots: number,
): void {
  writeReply(view, at, ReplyKind.rejected, reason, 0, sequence, idLow, idHigh, 0, quantityLots, 0);
}

/** Is this a reply: the right length and a known kind? A client reads the other fields only then. */
export function isReply(view: DataView, at: number, length: number): boolean {
  if (length !== REPLY_BYTES) return false;
  const kind = view.getUint8(at + KIND);
  return kind >= ReplyKind.accepted && kind <= ReplyKind.fill;
}

/** The kind byte; {@link ReplyKind} after {@link isReply}. */
export function replyKind(view: DataView, at: number): number {
  return view.getUint8(at + KIND);
}

export function replyReason(view: DataView, at: number): number {
  return view.getUint8(at + REASON);
}

export function replyExecutions(view: DataView, at: number): number {
  return view.getUint16(at + EXECUTIONS, true);
}

/** Int32, modulo 2^32: compare by `(a - b) | 0`. */
export function replySequence(view: DataView, at: number): number {
  return view.getInt32(at + SEQUENCE, true);
}

export function replyIdLow(view: DataView, at: number): number {
  return view.getInt32(at + ID, true);
}

export function replyIdHigh(view: DataView, at: number): number {
  return view.getInt32(at + ID + 4, true);
}

export function replyFilledLots(view: DataView, at: number): number {
  return stepsFromWords(view.getInt32(at + FILLED, true), view.getInt32(at + FILLED + 4, true));
}

export function replyRemainingLots(view: DataView, at: number): number {
  return stepsFromWords(view.getInt32(at + REMAINING, true), view.getInt32(at + REMAINING + 4, true));
}

export function replyLastPriceTicks(view: DataView, at: number): number {
  return stepsFromWords(view.getInt32(at + LAST_PRICE, true), view.getInt32(at + LAST_PRICE + 4, true));
}
