import { describe, expect, it } from 'vitest';
import { writeAccepted, writeRejected, writeReplaced } from './answers.js';
import { CancelReason, LiquidityFlag, OrderState, OutboundType } from './field-values.js';
import { EnterOrder, ReplaceOrder } from './inbound.js';
import { enterOrder, replaceOrder, viewOf } from './ouch.testkit.js';
import {
  isOutbound,
  outboundBytes,
  writeAccountQueryResponse,
  writeCancelled,
  writeExecuted,
  writeSystemEvent,
} from './outbound.js';
import { OuchRejectReason } from './reject-reason.js';

/** 09:30:00.000000001 */
const NANOSECONDS = 34_200_000_000_001;
const time = { high: Math.floor(NANOSECONDS / 2 ** 32), low: NANOSECONDS | 0 };
const STAMP = NANOSECONDS.toString(16).padStart(16, '0');

function written(write: (view: DataView, at: number) => number): string {
  const bytes = new Uint8Array(100).fill(0xee);
  const length = write(viewOf(bytes), 3);
  expect(bytes[3 + length]).toBe(0xee);
  expect(bytes.subarray(0, 3)).toEqual(Uint8Array.of(0xee, 0xee, 0xee));
  expect(isOutbound(viewOf(bytes), 3, length)).toBe(true);
  expect(isOutbound(viewOf(bytes), 3, length - 1)).toBe(false);
  expect(outboundBytes(bytes[3]!)).toBe(length);
  return Buffer.from(bytes.subarray(3, 3 + length)).toString('hex');
}

describe('messages from the exchange are on the wire as OUCH 5.0 §3 has them', () => {
  it('accepted: the fields of the order, a reference number, the state', () => {
    const order = viewOf(enterOrder());
    expect(written((view, at) => writeAccepted(view, at, time, order, 0, 5, 1, OrderState.live))).toBe(
      `41${STAMP}0000000753000000645052${'49534d202020'}00000000001bd8e83059${'0000000100000005'}504e4e4c${'434c49454e542d4f524445522d31'}0000`,
    );
  });

  it('replaced: both numbers, side and symbol of the old order, terms of the new', () => {
    const order = viewOf(replaceOrder());
    const symbol = viewOf(new Uint8Array(Buffer.from('PRISM   ')));
    const write = (view: DataView, at: number) =>
      writeReplaced(view, at, time, order, 0, 0x54, 150, symbol, 0x41, 6, 0, OrderState.dead);
    expect(written(write)).toBe(
      `55${STAMP}0000000700000008${'54'}00000096${'505249534d202020'}00000000001bec703059${'0000000000000006'}414e4e44${'434c49454e542d4f524445522d32'}0000`,
    );
  });

  it('executed, cancelled, system event and account query response', () => {
    const executed = (view: DataView, at: number) =>
      writeExecuted(view, at, time, 7, 40, 1_825_000, LiquidityFlag.added, 9, 2);
    expect(written(executed)).toBe(`45${STAMP}000000070000002800000000001bd8e841${'0000000200000009'}0000`);
    expect(written((view, at) => writeCancelled(view, at, time, 7, 60, CancelReason.userRequested))).toBe(
      `43${STAMP}000000070000003c55`,
    );
    expect(written((view, at) => writeSystemEvent(view, at, time, true))).toBe(`53${STAMP}53`);
    expect(written((view, at) => writeSystemEvent(view, at, time, false))).toBe(`53${STAMP}45`);
    expect(written((view, at) => writeAccountQueryResponse(view, at, time, 8))).toBe(`51${STAMP}00000008`);
  });

  it('rejected: number and ClOrdID of what was rejected, order or replacement', () => {
    const order = viewOf(enterOrder());
    const { invalidPrice, replaceNotAllowed } = OuchRejectReason;
    const reject = (view: DataView, at: number) =>
      writeRejected(view, at, time, order, 0, EnterOrder.userRefNum, EnterOrder.clOrdId, invalidPrice);
    expect(written(reject)).toBe(`4a${STAMP}00000007001d${'434c49454e542d4f524445522d31'}`);
    const replacement = viewOf(replaceOrder());
    const refuse = (view: DataView, at: number) =>
      writeRejected(view, at, time, replacement, 0, ReplaceOrder.userRefNum, ReplaceOrder.clOrdId, replaceNotAllowed);
    expect(written(refuse)).toBe(`4a${STAMP}000000080015${'434c49454e542d4f524445522d32'}`);
  });

  it('and of a type there is not none is long enough', () => {
    const bytes = new Uint8Array(100);
    for (let type = 0; type < 256; type++) {
      bytes[0] = type;
      const isKnown = (Object.values(OutboundType) as number[]).includes(type);
      expect(isOutbound(viewOf(bytes), 0, bytes.length), String(type)).toBe(isKnown);
    }
    expect(isOutbound(viewOf(bytes), 0, 0)).toBe(false);
  });
});
