/** Why an order was rejected: u16 (OUCH 5.0 appendix). Those that this package or a gateway on it can have a use for. */
export const OuchRejectReason = {
  none: 0,
  invalidDisplay: 0x03,
  invalidMaxFloor: 0x04,
  invalidPegType: 0x05,
  fatFinger: 0x06,
  halted: 0x07,
  invalidSide: 0x09,
  processingError: 0x0a,
  invalidMinimumQuantity: 0x0d,
  other: 0x0f,
  invalidQuantity: 0x13,
  invalidCrossOrder: 0x14,
  replaceNotAllowed: 0x15,
  invalidSymbol: 0x17,
  invalidPrice: 0x1d,
  sharesExceedThreshold: 0x1e,
  exceedsMaximumNotional: 0x1f,
} as const;
export type OuchRejectReason = (typeof OuchRejectReason)[keyof typeof OuchRejectReason];
