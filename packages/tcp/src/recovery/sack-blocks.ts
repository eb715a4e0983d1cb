import type { TcpOptions } from '@prism-net/wire';
import type { Delivery } from './delivery.js';
import type { TransmissionRecords } from './transmission-records.js';

/** Reads the SACK blocks of an acknowledgement (RFC 2018, RFC 2883). Nothing in them is believed unless it can be true. */
export class SackBlocks {
  /** The first block reports what arrived twice (RFC 2883 §4): {@link duplicateStart} to {@link duplicateEnd}. */
  hasDuplicate = false;
  duplicateStart = 0;
  duplicateEnd = 0;

  readonly #records: TransmissionRecords;
  readonly #delivery: Delivery;

  constructor(records: TransmissionRecords, delivery: Delivery) {
    this.#records = records;
    this.#delivery = delivery;
  }

  /** `unacknowledged` and `next` are SND.UNA, already advanced, and SND.NXT. */
  read(options: TcpOptions, unacknowledged: number, next: number): void {
    this.#findDuplicate(options, unacknowledged, next);
    for (let block = this.hasDuplicate ? 1 : 0; block < options.sackCount; block++) {
      const start = options.sackStart[block]!;
      const end = options.sackEnd[block]!;
      // A block at SND.UNA contradicts the acknowledgement; empty, inverted and outside ones are nonsense.
      if (((start - unacknowledged) | 0) <= 0 || ((end - start) | 0) <= 0 || ((next - end) | 0) < 0) continue;
      this.#mark(start, end);
    }
  }

  // RFC 2883 §4: only the first block, when it lies below the acknowledgement or within the second.
  #findDuplicate(options: TcpOptions, unacknowledged: number, next: number): void {
    this.hasDuplicate = false;
    const start = options.sackStart[0]!;
    const end = options.sackEnd[0]!;
    if (options.sackCount === 0 || ((end - start) | 0) <= 0 || ((next - end) | 0) < 0) return;
    const isBelow = ((unacknowledged - end) | 0) >= 0;
    const isWithin =
      options.sackCount > 1 &&
      ((start - options.sackStart[1]!) | 0) >= 0 &&
      ((options.sackEnd[1]! - end) | 0) >= 0 &&
      ((start - unacknowledged) | 0) > 0;
    if (!isBelow && !isWithin) return;
    this.hasDuplicate = true;
    this.duplicateStart = start;
    this.duplicateEnd = end;
  }

  /** Marks the records that lie in the block as a whole. Those SACKed before cost next to nothing. */
  #mark(start: number, end: number): void {
    const records = this.#records;
    let index = records.find(start);
    // A block that begins within a record does not cover it.
    if (records.recordStart(index) !== start) index = (index + 1) | 0;
    for (;;) {
      index = records.skipSacked(index);
      if (index >= records.end || ((end - records.recordEnd(index)) | 0) < 0) return;
      this.#delivery.onSacked(index);
      records.markSacked(index);
      index = (index + 1) | 0;
    }
  }
}
