/*
 * One-character fields, as the bytes on the wire (OUCH 5.0 §2, §3 and appendices). `…_VALUES` are the letters a field may
 * hold; see `isOneOf`.
 */
export const InboundType = { enterOrder: 0x4f, replaceOrder: 0x55, cancelOrder: 0x58, accountQuery: 0x51 } as const;

export const OutboundType = {
  systemEvent: 0x53,
  accepted: 0x41,
  replaced: 0x55,
  cancelled: 0x43,
  executed: 0x45,
  rejected: 0x4a,
  accountQueryResponse: 0x51,
} as const;

export const OuchSide = { buy: 0x42, sell: 0x53, sellShort: 0x54, sellShortExempt: 0x45 } as const;
export const TimeInForce = { day: 0x30, immediateOrCancel: 0x33 } as const;
export const OrderState = { live: 0x4c, dead: 0x44 } as const;
export type OrderState = (typeof OrderState)[keyof typeof OrderState];

/** The one value that names no cross: the order is for continuous trading. */
export const CrossType = { continuous: 0x4e } as const;
export const EventCode = { startOfDay: 0x53, endOfDay: 0x45 } as const;
export const LiquidityFlag = { added: 0x41, removed: 0x52 } as const;
export const CancelReason = {
  immediateOrCancel: 0x49,
  marketCollars: 0x4b,
  supervisory: 0x53,
  userRequested: 0x55,
  systemCancel: 0x5a,
} as const;

/** The characters of a text, a bit for each value a byte can have: a character is looked up without a search. */
export type CharacterSet = Int32Array;

function characters(text: string): CharacterSet {
  const set = new Int32Array(8);
  for (const letter of text) {
    const code = letter.charCodeAt(0);
    set[code >> 5]! |= 1 << (code & 31);
  }
  return set;
}

export function isOneOf(set: CharacterSet, code: number): boolean {
  return ((set[code >> 5]! >>> (code & 31)) & 1) === 1;
}

export const SIDE_VALUES = characters('BSTE');
export const ENTER_TIME_IN_FORCE_VALUES = characters('0356E');
export const REPLACE_TIME_IN_FORCE_VALUES = characters('0356');
export const DISPLAY_VALUES = characters('YNA');
export const CAPACITY_VALUES = characters('APRO');
export const INTERMARKET_SWEEP_VALUES = characters('YN');
export const CROSS_TYPE_VALUES = characters('NOCHSREA');
