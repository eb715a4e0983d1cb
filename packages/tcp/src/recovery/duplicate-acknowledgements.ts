import type { StateCursor } from '../parking/state-cursor.js';

/**
 * What duplicate acknowledgements say when there is no SACK (RFC 5681 §3.2): each that one segment has arrived, not which.
 */
export class DuplicateAcknowledgements {
  count = 0;
  /** Bytes that have arrived beyond the hole, guessed by their number: room for new ones (limited transmit, RFC 3042 §2). */
  presumedBytes = 0;

  exchange(state: StateCursor): void {
    this.count = state.rare(this.count);
    this.presumedBytes = state.rare(this.presumedBytes);
  }

  reset(): void {
    this.count = 0;
    this.presumedBytes = 0;
  }

  /**
   * One more; returns the bytes delivered by it. No more can have arrived than `limit`, what is outstanding beyond the hole: a
   * peer that sends duplicates without end gains nothing.
   */
  onDuplicate(maximumSegmentSize: number, limit: number): number {
    this.count = (this.count + 1) | 0;
    const delivered = Math.max(Math.min(maximumSegmentSize, (limit - this.presumedBytes) | 0), 0);
    this.presumedBytes = (this.presumedBytes + delivered) | 0;
    return delivered;
  }

  /**
   * SND.UNA advanced by `acknowledged` bytes, of which `hole` were missing; the rest is what duplicates announced before
   * (RFC 6937 §3). `outstanding` is what is left. Returns the bytes delivered.
   */
  onAdvance(acknowledged: number, hole: number, outstanding: number): number {
    const announced = Math.min(this.presumedBytes, Math.max((acknowledged - hole) | 0, 0));
    this.presumedBytes = Math.min((this.presumedBytes - announced) | 0, outstanding);
    return (acknowledged - announced) | 0;
  }
}
