import type { StateCursor } from '../parking/state-cursor.js';

/** Proportional rate reduction (RFC 6937): what may leave during fast recovery, paced by what arrives. Bytes. */
export class ProportionalRateReduction {
  /** RecoverFS: on its way when recovery began. */
  flightSize = 0;
  /** prr_delivered. */
  delivered = 0;
  /** prr_out: counted up by whoever sends. */
  sent = 0;

  exchange(state: StateCursor): void {
    this.flightSize = state.rare(this.flightSize);
    this.delivered = state.rare(this.delivered);
    this.sent = state.rare(this.sent);
  }

  start(flightSize: number): void {
    this.flightSize = Math.max(flightSize, 1);
    this.delivered = 0;
    this.sent = 0;
  }

  /**
   * The congestion window after an acknowledgement that delivered `delivered` bytes. `isSafe`: SND.UNA advanced and no further
   * loss was found.
   */
  onAcknowledgement(
    delivered: number,
    inFlight: number,
    threshold: number,
    maximumSegmentSize: number,
    isSafe: boolean,
  ): number {
    this.delivered = (this.delivered + delivered) | 0;
    let count: number;
    if (inFlight > threshold) {
      // RFC 6937 §3.1: proportional. The product can pass 2^53, and then its last digits do not matter.
      count = Math.ceil((this.delivered * threshold) / this.flightSize) - this.sent;
    } else {
      // The reduction bound: conservatively what was delivered, and a segment more while repair makes progress.
      const bound = Math.max((this.delivered - this.sent) | 0, delivered) + (isSafe ? maximumSegmentSize : 0);
      count = Math.min((threshold - inFlight) | 0, bound);
    }
    return (inFlight + Math.max(count, 0)) | 0;
  }
}
