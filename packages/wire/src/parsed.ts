import type { DropReason } from './drop-reason.js';

/**
 * What every `parse` returns: the header as a value, or the reason its bytes were refused. A reason is a number, so
 * `typeof parsed === 'number'` tells the two apart; it is never `DropReason.NONE`.
 */
export type Parsed<Value> = Value | Exclude<DropReason, typeof DropReason.NONE>;
