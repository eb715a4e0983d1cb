import type { AcknowledgementSample } from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import { NONE, RATE_SHIFT, type TransmissionRecords } from './transmission-records.js';

// The words that `TransmissionRecords.rates` keeps of a record's last transmission.
/** ORDER of that transmission: data of an earlier user of the place, or none, does not have it. */
const STAMP = 0;
/** All that was delivered when it was sent, and when the last of that was. */
const DELIVERED = 1;
const DELIVERED_AT = 2;
/** When the transmission was sent whose delivery was known of last: what was sent since is the flight it closes. */
const FIRST_SENT_AT = 3;
/** In flight then, itself included. */
const IN_FLIGHT = 4;
const LOST_TOTAL = 5;
const IS_APPLICATION_LIMITED = 6;

/**
 * Delivery rate samples (draft-ietf-ccwg-bbr, "Delivery Rate Samples"): how much was delivered between the acknowledgement
 * known of when a segment was sent, and that of the segment. A flight cannot be delivered faster than it was sent, so the
 * longer one of both times counts: acknowledgements that come in a heap do not look like a fast path.
 */
export class DeliveryRate {
  /** C.delivered_time. */
  deliveredAt: Instant = 0;
  /** C.first_send_time. */
  firstSentAt: Instant = 0;
  /** C.app_limited: what is sent until {@link limitedEnd} bytes are delivered follows a pause of the application. */
  isApplicationLimited = false;
  limitedEnd = 0;
  /** Bytes per second of the last sample; 0: none yet. */
  latest = 0;

  readonly #records: TransmissionRecords;
  #newest = NONE;

  constructor(records: TransmissionRecords) {
    this.#records = records;
  }

  /** Nothing is known. */
  reset(now: Instant): void {
    this.deliveredAt = now;
    this.firstSentAt = now;
    this.isApplicationLimited = false;
    this.latest = 0;
    this.#newest = NONE;
  }

  /** Nothing was outstanding: what is sent now begins a flight. */
  beginFlight(now: Instant): void {
    this.deliveredAt = now;
    this.firstSentAt = now;
  }

  /** The records `from` to `to` - 1 were put on the wire, new or again; `inFlight` counts them. */
  onSent(from: number, to: number, inFlight: number, deliveredTotal: number): void {
    const records = this.#records;
    const { rates, mask, lostTotal } = records;
    let rest = inFlight;
    for (let index = (to - 1) | 0; index >= from; index = (index - 1) | 0) {
      const at = (index & mask) << RATE_SHIFT;
      rates[at | STAMP] = records.order(index);
      rates[at | DELIVERED] = deliveredTotal;
      rates[at | DELIVERED_AT] = this.deliveredAt;
      rates[at | FIRST_SENT_AT] = this.firstSentAt;
      rates[at | IN_FLIGHT] = rest;
      rates[at | LOST_TOTAL] = lostTotal;
      rates[at | IS_APPLICATION_LIMITED] = this.isApplicationLimited ? 1 : 0;
      rest = (rest - records.recordLength(index)) | 0;
    }
  }

  /** The record is newly SACKed or acknowledged as a whole; {@link complete} follows before anything is sent. */
  onDelivered(index: number): void {
    const records = this.#records;
    const order = records.order(index);
    if (records.rates[((index & records.mask) << RATE_SHIFT) | STAMP] !== order) return;
    if (this.#newest === NONE || ((order - records.order(this.#newest)) | 0) > 0) this.#newest = index;
  }

  /** MarkConnectionAppLimited: the bubble is behind what is in flight. */
  limit(deliveredTotal: number, inFlight: number): void {
    this.isApplicationLimited = true;
    this.limitedEnd = (deliveredTotal + inFlight) | 0;
  }

  /** Fills in the sample; `deliveredBytes` and `deliveredTotal` in it are good already. */
  complete(sample: AcknowledgementSample, minimumRoundTrip: number, now: Instant): void {
    if (sample.deliveredBytes > 0) this.deliveredAt = now;
    if (this.isApplicationLimited && ((sample.deliveredTotal - this.limitedEnd) | 0) > 0) {
      this.isApplicationLimited = false;
    }
    sample.interval = -1;
    const index = this.#newest;
    if (index === NONE) {
      sample.intervalBytes = 0;
      sample.priorDelivered = 0;
      sample.inFlightAtSend = 0;
      sample.lostSinceSend = 0;
      sample.isApplicationLimited = false;
      return;
    }
    this.#newest = NONE;
    const records = this.#records;
    const { rates } = records;
    const at = (index & records.mask) << RATE_SHIFT;
    const sentAt = records.sentAt(index);
    const sending = (sentAt - rates[at | FIRST_SENT_AT]!) | 0;
    const acknowledging = (now - rates[at | DELIVERED_AT]!) | 0;
    this.firstSentAt = sentAt;
    sample.priorDelivered = rates[at | DELIVERED]!;
    sample.intervalBytes = (sample.deliveredTotal - sample.priorDelivered) | 0;
    sample.inFlightAtSend = rates[at | IN_FLIGHT]!;
    sample.lostSinceSend = (records.lostTotal - rates[at | LOST_TOTAL]!) | 0;
    sample.isApplicationLimited = rates[at | IS_APPLICATION_LIMITED] !== 0;
    // Shorter than any round trip: it was not the retransmission that arrived, but what was sent before.
    const interval = Math.max(sending, acknowledging);
    if (interval < Math.max(minimumRoundTrip, 1)) return;
    sample.interval = interval;
    this.latest = Math.round((sample.intervalBytes / interval) * 1e6);
  }
}
