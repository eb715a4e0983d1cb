import { findOption, OptionTag, OuchRejectReason } from '@prism-net/ouch';

const LIMIT = 0x4c;
const POST_ONLY = 0x50;
const TRADE_NOW = 0x59;

/**
 * Asks the appendage of an order (well-formed, `length` bytes with its elements at `at`) for anything this market does not
 * have? Who the order is for may be said; what would change how it trades is rejected, rather than taken and not done.
 */
export function checkOptions(view: DataView, at: number, length: number): number {
  if (length <= 0) return OuchRejectReason.none;
  if (isSet(view, at, length, OptionTag.minQty)) return OuchRejectReason.invalidMinimumQuantity;
  if (isSet(view, at, length, OptionTag.maxFloor)) return OuchRejectReason.invalidMaxFloor;
  const priceType = findOption(view, at, length, OptionTag.priceType);
  if (priceType >= 0 && view.getUint8(priceType) !== LIMIT) return OuchRejectReason.invalidPegType;
  if (isSet(view, at, length, OptionTag.discretionPrice)) return OuchRejectReason.invalidPrice;
  if (isSet(view, at, length, OptionTag.randomReserves)) return OuchRejectReason.other;
  if (isSet(view, at, length, OptionTag.expireTime)) return OuchRejectReason.other;
  if (isLetter(view, at, length, OptionTag.postOnly, POST_ONLY)) return OuchRejectReason.other;
  if (isLetter(view, at, length, OptionTag.tradeNow, TRADE_NOW)) return OuchRejectReason.other;
  const index = findOption(view, at, length, OptionTag.userRefIdx);
  return index >= 0 && view.getUint8(index) !== 0 ? OuchRejectReason.other : OuchRejectReason.none;
}

/** Has a value that is not 0, of four bytes; that of a price has eight. */
function isSet(view: DataView, at: number, length: number, tag: OptionTag): boolean {
  const value = findOption(view, at, length, tag);
  if (value < 0) return false;
  if (view.getInt32(value) !== 0) return true;
  return tag === OptionTag.discretionPrice && view.getInt32(value + 4) !== 0;
}

function isLetter(view: DataView, at: number, length: number, tag: OptionTag, letter: number): boolean {
  const value = findOption(view, at, length, tag);
  return value >= 0 && view.getUint8(value) === letter;
}
