import type { Instant } from '@prism-net/time';
import type { DeliveryRate } from './delivery-rate.js';
import type { Rack } from './rack.js';
import { RecordFlag, type TransmissionRecords } from './transmission-records.js';

const { RETRANSMITTED } = RecordFlag;

/** What one acknowledgement says to have arrived, record by record. Refilled by {@link begin}. */
export class Delivery {
  /** Bytes that have newly arrived, those of a record acknowledged in part included. */
  bytes = 0;
  /** Of these, newly SACKed. */
  sackedBytes = 0;
  /** A record sent only once was acknowledged: its first and last, by their time. */
  hasRoundTrip = false;
  longestRoundTrip = 0;
  shortestRoundTrip = 0;
  /** A retransmitted record was acknowledged: the others say nothing of the round trip (Karn). */
  hasRetransmitted = false;
  /** The same for SACKed records. */
  hasSackRoundTrip = false;
  longestSackRoundTrip = 0;
  shortestSackRoundTrip = 0;
  /** Data sent once, and before the last reduction of the window, has arrived (RFC 5682 §3.1 step 3b). */
  hasOriginal = false;
  /** Something arrived that was sent before, and is no retransmission of, something that had arrived already. */
  isReordered = false;

  readonly #records: TransmissionRecords;
  readonly #rack: Rack;
  readonly #rate: DeliveryRate;
  #highest = 0;
  #recoveryPoint = 0;
  #echoAge = -1;
  #minimumRoundTrip = 0;
  #now: Instant = 0;

  constructor(records: TransmissionRecords, rack: Rack, rate: DeliveryRate) {
    this.#records = records;
    this.#rack = rack;
    this.#rate = rate;
  }

  /** `echoAge`: the segment that this answers is at least so many µs old; -1: unknown. */
  begin(recoveryPoint: number, echoAge: number, minimumRoundTrip: number, now: Instant): void {
    this.bytes = 0;
    this.sackedBytes = 0;
    this.hasRoundTrip = false;
    this.hasRetransmitted = false;
    this.hasSackRoundTrip = false;
    this.hasOriginal = false;
    this.isReordered = false;
    this.#highest = this.#rack.highest;
    this.#recoveryPoint = recoveryPoint;
    this.#echoAge = echoAge;
    this.#minimumRoundTrip = minimumRoundTrip;
    this.#now = now;
  }

  /** The record, not SACKed before, is acknowledged. */
  onAcknowledged(index: number): void {
    this.bytes = (this.bytes + this.#records.recordLength(index)) | 0;
    if ((this.#records.flags(index) & RETRANSMITTED) !== 0) {
      this.hasRetransmitted = true;
    } else {
      const roundTrip = (this.#now - this.#records.sentAt(index)) | 0;
      if (!this.hasRoundTrip) this.longestRoundTrip = roundTrip;
      this.shortestRoundTrip = roundTrip;
      this.hasRoundTrip = true;
    }
    this.#onArrived(index, this.#echoAge);
  }

  /** The record is newly SACKed; to be called before it is marked so. */
  onSacked(index: number): void {
    const length = this.#records.recordLength(index);
    this.bytes = (this.bytes + length) | 0;
    this.sackedBytes = (this.sackedBytes + length) | 0;
    if ((this.#records.flags(index) & RETRANSMITTED) === 0) {
      const roundTrip = (this.#now - this.#records.sentAt(index)) | 0;
      if (!this.hasSackRoundTrip) this.longestSackRoundTrip = roundTrip;
      this.shortestSackRoundTrip = roundTrip;
      this.hasSackRoundTrip = true;
    }
    // The echo with a SACK block is that of the last segment in order (RFC 7323 §4.3): it says nothing of this one.
    this.#onArrived(index, -1);
  }

  #onArrived(index: number, echoAge: number): void {
    const rack = this.#rack;
    if (this.#records.keepsRates) this.#rate.onDelivered(index);
    const end = this.#records.recordEnd(index);
    const isRetransmitted = (this.#records.flags(index) & RETRANSMITTED) !== 0;
    const roundTrip = (this.#now - this.#records.sentAt(index)) | 0;
    // RFC 8985 §6.2 step 2: the original's arrival must not be taken for that of the retransmission.
    const isAmbiguous =
      isRetransmitted && ((echoAge >= 0 && echoAge >= roundTrip) || roundTrip < this.#minimumRoundTrip);
    if (!isAmbiguous) rack.update(this.#records.order(index), roundTrip);

    // RFC 8985 §6.2 step 3, with what had arrived before this acknowledgement: the order of blocks within it means nothing.
    if (((end - rack.highest) | 0) > 0) rack.highest = end;
    if (isRetransmitted) return;
    if (((end - this.#highest) | 0) < 0) this.isReordered = true;
    if (((end - this.#recoveryPoint) | 0) <= 0) this.hasOriginal = true;
  }
}
