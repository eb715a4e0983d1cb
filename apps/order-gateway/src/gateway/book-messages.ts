/** Records of the ring from the gateway to the book: one order that passed the risk check. */
export const OrderWord = { owner: 0, idLow: 1, idHigh: 2, side: 3, priceTicks: 4, quantityLots: 5 } as const;
export const ORDER_WORDS = 6;

/** Records of the ring from the book to the gateway: one reply each, an answer or the later fill of a resting order. */
export const ReportWord = {
  owner: 0,
  kind: 1,
  reason: 2,
  executions: 3,
  idLow: 4,
  idHigh: 5,
  filledLots: 6,
  remainingLots: 7,
  lastPriceTicks: 8,
} as const;
export const REPORT_WORDS = 9;
