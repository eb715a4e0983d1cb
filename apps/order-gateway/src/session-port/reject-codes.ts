import { OuchRejectReason } from '@prism-net/ouch';
import { REJECT_REASON_COUNT, RejectReason } from '../orders/reject-reason.js';

/** The gateway's reasons in OUCH's words. */
const CODES = new Uint16Array(REJECT_REASON_COUNT).fill(OuchRejectReason.other);
CODES[RejectReason.killSwitch] = OuchRejectReason.halted;
CODES[RejectReason.quantityAboveLimit] = OuchRejectReason.sharesExceedThreshold;
CODES[RejectReason.priceOutsideCollar] = OuchRejectReason.fatFinger;
CODES[RejectReason.notionalAboveLimit] = OuchRejectReason.exceedsMaximumNotional;
CODES[RejectReason.priceOutsideLadder] = OuchRejectReason.invalidPrice;
CODES[RejectReason.bookFull] = OuchRejectReason.processingError;
CODES[RejectReason.orderNotLive] = OuchRejectReason.replaceNotAllowed;

export function rejectCodeOf(reason: number): number {
  return CODES[reason] ?? OuchRejectReason.other;
}
