import type { StateCursor } from '../parking/state-cursor.js';
import type { RoundTripEstimator } from './round-trip-estimator.js';

/** PTO before a round trip was measured (RFC 8985 §7.2). */
const UNMEASURED = 1_000_000;

/** The probe of RFC 8985 §7: when acknowledgements stop coming, one more segment asks for one. */
export class TailLossProbe {
  /** TLP.end_seq is {@link end}; else it is none. */
  isOutstanding = false;
  end = 0;
  /** TLP.is_retrans. */
  isRetransmission = false;
  /** The timer expired, and the caller has not sent the probe yet. */
  isDue = false;
  /** A round trip was measured since the last probe: without that no further probe is sent (§7.3). */
  hasRoundTrip = true;

  readonly minimumTimeout: number;
  readonly maximumAcknowledgementDelay: number;

  constructor(minimumTimeout: number, maximumAcknowledgementDelay: number) {
    this.minimumTimeout = minimumTimeout;
    this.maximumAcknowledgementDelay = maximumAcknowledgementDelay;
  }

  exchange(state: StateCursor): void {
    this.isOutstanding = state.flag(this.isOutstanding);
    this.end = state.rare(this.end);
    this.isRetransmission = state.flag(this.isRetransmission);
    this.isDue = state.flag(this.isDue);
    this.hasRoundTrip = state.flag(this.hasRoundTrip);
  }

  reset(): void {
    this.cancel();
    this.hasRoundTrip = true;
  }

  cancel(): void {
    this.isOutstanding = false;
    this.isDue = false;
  }

  /** PTO in µs (§7.2), not yet limited by the retransmission timer. */
  timeout(estimator: RoundTripEstimator, recordCount: number): number {
    if (!estimator.hasSample) return UNMEASURED;
    const timeout = Math.max(estimator.smoothed << 1, this.minimumTimeout);
    return recordCount === 1 ? (timeout + this.maximumAcknowledgementDelay) | 0 : timeout;
  }

  /** The probe was sent; `next` is SND.NXT after it (§7.3). */
  onSent(next: number, isRetransmission: boolean): void {
    this.isDue = false;
    this.isOutstanding = true;
    this.end = next;
    this.isRetransmission = isRetransmission;
    this.hasRoundTrip = false;
  }

  /**
   * An acknowledgement while the probe is outstanding (§7.4.2). True: the probe repaired a loss, which congestion control has to
   * hear of.
   */
  onAcknowledgement(acknowledgement: number, isProbeDuplicate: boolean, isDuplicate: boolean): boolean {
    const beyond = (acknowledgement - this.end) | 0;
    if (beyond < 0) return false;
    if (!this.isRetransmission) {
      this.isOutstanding = false;
      return false;
    }
    // Case 1: original and probe have arrived, as a D-SACK says.
    if (isProbeDuplicate) {
      this.isOutstanding = false;
      return false;
    }
    // Case 3: the original was lost.
    if (beyond > 0) {
      this.isOutstanding = false;
      return true;
    }
    // Case 2: as 1, with a peer that has no D-SACK.
    if (isDuplicate) this.isOutstanding = false;
    return false;
  }
}
