/*
 * The optional appendage: elements of
 *
 *   0  length   u8    of what follows: tag and value, so at least 1
 *   1  tag      u8
 *   2  value
 *
 * one after the other, which fill it exactly (OUCH 5.0 appendix A).
 */
export const OptionTag = {
  secondaryOrdRefNum: 1,
  firm: 2,
  minQty: 3,
  customerType: 4,
  maxFloor: 5,
  priceType: 6,
  pegOffset: 7,
  discretionPrice: 9,
  discretionPriceType: 10,
  discretionPegOffset: 11,
  postOnly: 12,
  randomReserves: 13,
  route: 14,
  expireTime: 15,
  tradeNow: 16,
  handleInst: 17,
  bboWeightIndicator: 18,
  displayQuantity: 22,
  displayPrice: 23,
  groupId: 24,
  sharesLocated: 25,
  locateBroker: 26,
  side: 27,
  userRefIdx: 28,
} as const;
export type OptionTag = (typeof OptionTag)[keyof typeof OptionTag];

/** Bytes of each tag's value; 0: no such tag. */
const VALUE_BYTES = new Uint8Array(32);
VALUE_BYTES.set([0, 8, 4, 4, 1, 4, 1, 4, 0, 8, 1, 4, 1, 4, 4, 4, 1, 1, 1], 0);
VALUE_BYTES.set([4, 8, 2, 1, 4, 1, 1], 22);

/** Do well-formed elements with known tags, each at most once, fill the `length` bytes at `at`? Work is bounded by the number of tags. */
export function checkAppendage(view: DataView, at: number, length: number): boolean {
  const end = at + length;
  let seen = 0;
  let from = at;
  while (from < end) {
    const size = view.getUint8(from);
    if (size < 2 || from + 1 + size > end) return false;
    const tag = view.getUint8(from + 1);
    if (tag > 31 || VALUE_BYTES[tag] !== size - 1 || ((seen >>> tag) & 1) === 1) return false;
    seen |= 1 << tag;
    from = (from + 1 + size) | 0;
  }
  return true;
}

/** Where the tag's value is, in an appendage that `checkAppendage` found well-formed; -1 if it has none. */
export function findOption(view: DataView, at: number, length: number, tag: OptionTag): number {
  const end = at + length;
  for (let from = at; from < end; from = (from + 1 + view.getUint8(from)) | 0) {
    if (view.getUint8(from + 1) === tag) return (from + 2) | 0;
  }
  return -1;
}

/** Bytes of a tag's value; 0: there is no such tag. */
export function optionValueBytes(tag: number): number {
  return VALUE_BYTES[tag] ?? 0;
}

/** Writes length and tag; returns where the value goes. */
export function writeOption(view: DataView, at: number, tag: OptionTag): number {
  view.setUint8(at, 1 + VALUE_BYTES[tag]!);
  view.setUint8(at + 1, tag);
  return at + 2;
}
