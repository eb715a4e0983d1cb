import type { Instant } from '@prism-net/time';
import { seq } from '@prism-net/wire';
import type { StateCursor } from '../parking/state-cursor.js';

/** Round trips after a repair for which a D-SACK may still show that it was not needed. */
const ROUNDS = 2;

/** Whether the last reduction of the window may turn out to have been unnecessary (RFC 3522, RFC 3708, RFC 5682). */
export class UndoState {
  isPossible = false;
  /** Bytes retransmitted since the window was reduced, less those that a D-SACK has shown to have arrived twice. */
  retransmittedBytes = 0;
  hasRetransmitted = false;
  firstRetransmittedAt: Instant = 0;
  firstRetransmittedEnd = 0;
  /** All that was retransmitted lies between these sequence numbers. */
  from = 0;
  to = 0;
  /** Eifel has had its acknowledgement. */
  isJudged = false;
  #roundsLeft = 0;

  exchange(state: StateCursor): void {
    this.isPossible = state.flag(this.isPossible);
    this.retransmittedBytes = state.rare(this.retransmittedBytes);
    this.hasRetransmitted = state.flag(this.hasRetransmitted);
    this.firstRetransmittedAt = state.rare(this.firstRetransmittedAt);
    this.firstRetransmittedEnd = state.rare(this.firstRetransmittedEnd);
    this.from = state.rare(this.from);
    this.to = state.rare(this.to);
    this.isJudged = state.flag(this.isJudged);
    this.#roundsLeft = state.rare(this.#roundsLeft);
  }

  begin(): void {
    this.isPossible = true;
    this.retransmittedBytes = 0;
    this.hasRetransmitted = false;
    this.isJudged = false;
    this.#roundsLeft = ROUNDS;
  }

  end(): void {
    this.isPossible = false;
  }

  /** What lies between the sequence numbers `start` and `end` was retransmitted. */
  onRetransmitted(start: number, end: number, now: Instant): void {
    if (!this.hasRetransmitted) {
      this.hasRetransmitted = true;
      this.firstRetransmittedAt = now;
      this.firstRetransmittedEnd = end;
      this.from = start;
      this.to = end;
    }
    this.from = seq.minimum(this.from, start);
    this.to = seq.maximum(this.to, end);
    this.retransmittedBytes = (this.retransmittedBytes + ((end - start) | 0)) | 0;
  }

  /** A round trip has passed since the repair was complete. */
  onRound(): void {
    this.#roundsLeft = (this.#roundsLeft - 1) | 0;
    if (this.#roundsLeft <= 0) this.isPossible = false;
  }

  /**
   * Eifel (RFC 3522 §3.2): SND.UNA advanced to `unacknowledged`. True: this is the acknowledgement of what was retransmitted
   * first, and it answers the original: what it answers was sent at least `echoAge` µs ago (-1: unknown).
   */
  isOriginalAcknowledged(unacknowledged: number, echoAge: number, now: Instant): boolean {
    if (!this.isPossible || !this.hasRetransmitted || this.isJudged) return false;
    if (((unacknowledged - this.firstRetransmittedEnd) | 0) < 0) return false;
    this.isJudged = true;
    return echoAge >= 0 && echoAge >= ((now - this.firstRetransmittedAt) | 0);
  }

  /** A D-SACK (RFC 3708 §2). True: all that was retransmitted had arrived before. What was not retransmitted does not count. */
  isAllDuplicate(start: number, end: number): boolean {
    if (!this.isPossible || !this.hasRetransmitted) return false;
    if (((start - this.from) | 0) < 0 || ((end - this.to) | 0) > 0) return false;
    this.retransmittedBytes = (this.retransmittedBytes - ((end - start) | 0)) | 0;
    return this.retransmittedBytes <= 0;
  }
}
