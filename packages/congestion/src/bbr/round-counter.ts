import type { AcknowledgementSample } from '../acknowledgement-sample.js';
import { hasSegment } from './rate-sample.js';

/**
 * Round trips counted by packets ("BBR.round_count"): a round is over when something is acknowledged that was sent after it
 * began, however long that takes.
 */
export class RoundCounter {
  /** The acknowledgement just taken is the first of a round. */
  isStart = false;
  /** Rounds, modulo 2^32. */
  count = 0;
  /** All bytes delivered, modulo 2^32. */
  delivered = 0;
  /** BBR.next_round_delivered. */
  #end = 0;
  #hasBegun = false;

  reset(): void {
    this.isStart = false;
    this.count = 0;
    this.#hasBegun = false;
  }

  /** Returns whether a round has begun. */
  update(sample: AcknowledgementSample): boolean {
    this.delivered = sample.deliveredTotal;
    this.isStart = hasSegment(sample) && (!this.#hasBegun || ((sample.priorDelivered - this.#end) | 0) >= 0);
    if (!this.isStart) return false;
    this.count = (this.count + 1) | 0;
    this.begin();
    return true;
  }

  /** StartRound: the round lasts until something is acknowledged that is sent from now on. */
  begin(): void {
    this.#hasBegun = true;
    this.#end = this.delivered;
  }
}
