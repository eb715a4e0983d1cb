/**
 * Why an order, or the rest of one, was not taken. The number travels in the reply's `reason` byte.
 * 1–15: the datagram itself; 16–31: risk; 32–47: book; 48…: the gateway.
 */
export const RejectReason = {
  none: 0,
  wrongLength: 1,
  unknownSide: 2,
  zeroPrice: 3,
  priceOffTick: 4,
  priceBeyondRange: 5,
  zeroQuantity: 6,
  quantityOffLot: 7,
  quantityBeyondRange: 8,
  killSwitch: 16,
  quantityAboveLimit: 17,
  priceOutsideCollar: 18,
  notionalAboveLimit: 19,
  duplicateOrderId: 20,
  priceOutsideLadder: 32,
  bookFull: 33,
  executionLimit: 34,
  /** Of the session port: the order to be replaced is not in the book. */
  orderNotLive: 35,
  gatewayOverloaded: 48,
} as const;
export type RejectReason = (typeof RejectReason)[keyof typeof RejectReason];

/** One more than the greatest reason: the length of an array of counters by reason. */
export const REJECT_REASON_COUNT = 49;

const names: string[] = [];
for (const [name, reason] of Object.entries(RejectReason)) {
  // `priceOffTick` → `price off tick`
  names[reason] = name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

/** The reason in words, for reports; an unused number is named by itself. */
export function rejectReasonName(reason: number): string {
  return names[reason] ?? `reason ${reason}`;
}
