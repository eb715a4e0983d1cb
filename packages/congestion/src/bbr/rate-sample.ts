import type { AcknowledgementSample } from '../acknowledgement-sample.js';

/**
 * The delivery rate that one acknowledgement shows (RS). What was sent before the end of ProbeRTT counts as limited by the
 * application (MarkConnectionAppLimited): it was kept low on purpose.
 */
export class RateSample {
  /** Bytes per second; 0: the acknowledgement has no rate. */
  rate = 0;
  /** RS.is_app_limited. */
  isLimited = false;
  #limitedEnd = 0;
  #hasLimit = false;

  reset(): void {
    this.rate = 0;
    this.isLimited = false;
    this.#hasLimit = false;
  }

  take(sample: AcknowledgementSample): void {
    this.rate = sample.interval > 0 ? (sample.intervalBytes / sample.interval) * 1e6 : 0;
    this.isLimited = sample.isApplicationLimited;
    if (!this.#hasLimit || !hasSegment(sample)) return;
    if (((sample.priorDelivered - this.#limitedEnd) | 0) > 0) this.#hasLimit = false;
    else this.isLimited = true;
  }

  /** What is outstanding, and all that is sent until it has arrived, says little of the path. */
  limit(sample: AcknowledgementSample): void {
    this.#hasLimit = true;
    this.#limitedEnd = (sample.deliveredTotal + sample.inFlightNow) | 0;
  }
}

/** The sample tells of a segment, of which it is known what was delivered when it was sent. */
export function hasSegment(sample: AcknowledgementSample): boolean {
  return sample.inFlightAtSend > 0;
}
