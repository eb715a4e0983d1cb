import type { Instant } from '@prism-net/time';
import type { StateCursor } from '../parking/state-cursor.js';
import type { RoundTripEstimator } from './round-trip-estimator.js';
import {
  END,
  FLAGS,
  NEXT,
  NONE,
  ORDER,
  RECORD_SHIFT,
  RecordFlag,
  SENT_AT,
  type TransmissionRecords,
} from './transmission-records.js';

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT } = RecordFlag;

/** RFC 8985 §5.4: recoveries for which an enlarged reordering window is kept. */
const PERSISTENCE = 16;
/** RFC 5681 §3.2. */
export const DUPLICATE_THRESHOLD = 3;

/**
 * Recent acknowledgement (RFC 8985 §6): what was sent before something that has arrived, by more than the reordering window,
 * is lost. Times are µs.
 */
export class Rack {
  /** RACK.xmit_ts and RACK.end_seq in one: the count of the most recent transmission that has arrived. */
  order = 0;
  /** RACK.rtt. */
  roundTrip = 0;
  /** RACK.fack: the end of the highest record that has arrived. */
  highest = 0;
  /** RACK.reordering_seen. */
  hasReordering = false;
  /** RACK.reo_wnd_mult. */
  multiplier = 1;
  /** RACK.reo_wnd_persist. */
  persistence = 0;
  /** RACK.dsack_round is {@link dsackRound}; else it is none. */
  isDsackRound = false;
  dsackRound = 0;

  /** Set by {@link detectLosses}: records marked lost. */
  lostCount = 0;
  /** … and of these, retransmissions that were lost again. */
  lostRetransmissions = 0;
  /** … and when the latest of these was sent. */
  lostRetransmissionAt: Instant = 0;
  /** … the end of the highest. */
  lostEnd = 0;
  /** … µs until the next record is lost if it does not arrive; 0: none is waited for. */
  wait = 0;

  readonly granularity: number;

  constructor(granularity: number) {
    this.granularity = granularity;
  }

  /** A new connection. */
  reset(sequence: number): void {
    this.order = 0;
    this.roundTrip = 0;
    this.highest = sequence;
    this.hasReordering = false;
    this.multiplier = 1;
    this.persistence = 0;
    this.isDsackRound = false;
    this.wait = 0;
  }

  exchange(state: StateCursor): void {
    this.order = state.number(this.order);
    this.roundTrip = state.number(this.roundTrip);
    this.highest = state.number(this.highest);
    this.hasReordering = state.flag(this.hasReordering);
    this.multiplier = state.rare(this.multiplier);
    this.persistence = state.rare(this.persistence);
    this.isDsackRound = state.flag(this.isDsackRound);
    this.dsackRound = state.rare(this.dsackRound);
    this.lostCount = state.rare(this.lostCount);
    this.lostRetransmissions = state.rare(this.lostRetransmissions);
    this.lostRetransmissionAt = state.rare(this.lostRetransmissionAt);
    this.lostEnd = state.rare(this.lostCount > 0 ? this.lostEnd : 0);
    this.wait = state.rare(this.wait);
  }

  /**
   * RFC 8985 §6.2 step 2: a transmission has arrived, an original or unambiguously a retransmission. `order` counts
   * transmissions, so it is RACK_sent_after by itself.
   */
  update(order: number, roundTrip: number): void {
    this.roundTrip = roundTrip;
    if (((order - this.order) | 0) > 0) this.order = order;
  }

  /** RFC 8985 §6.2 step 4: a D-SACK came; once per round trip the window grows. */
  onDuplicateSack(next: number): void {
    if (this.isDsackRound) return;
    this.isDsackRound = true;
    this.dsackRound = next;
    this.multiplier = Math.min(this.multiplier + 1, 1024);
    this.persistence = PERSISTENCE;
  }

  /** SND.UNA advanced. */
  onAdvance(unacknowledged: number): void {
    if (this.isDsackRound && ((unacknowledged - this.dsackRound) | 0) >= 0) this.isDsackRound = false;
  }

  /** Fast recovery or that of a timeout is over (RFC 8985 §6.2 step 4). */
  onRecovered(): void {
    this.persistence = Math.max(this.persistence - 1, 0);
    if (this.persistence === 0) this.multiplier = 1;
  }

  /** RFC 8985 §6.2 step 4. */
  reorderingWindow(estimator: RoundTripEstimator, isRecovering: boolean, sackedCount: number): number {
    if (!this.hasReordering && (isRecovering || sackedCount >= DUPLICATE_THRESHOLD)) return 0;
    const window = Math.min(this.multiplier * (estimator.minimum >> 2), estimator.smoothed);
    return Math.max(window, this.granularity);
  }

  /** RFC 8985 §6.2 step 5. Fills {@link lostCount} and what follows it. Amortised O(1): looks at no record it does not decide but one. */
  detectLosses(records: TransmissionRecords, window: number, now: Instant): void {
    this.lostCount = 0;
    this.lostRetransmissions = 0;
    this.lostEnd = records.start;
    this.wait = 0;
    const overdue = (now - this.roundTrip - window) | 0;
    this.#detectOriginals(records, overdue);
    this.#detectRetransmissions(records, overdue);
  }

  /**
   * The retransmission timer expired (RFC 8985 §6.3): the oldest record is lost, and what was sent longer ago than a round
   * trip and the window; with `all`, whatever is not SACKed. Walks over all records.
   */
  loseOnTimeout(records: TransmissionRecords, all: boolean, window: number, now: Instant): void {
    const overdue = (now - this.roundTrip - window) | 0;
    for (let index = records.first; index < records.end; index = (index + 1) | 0) {
      const flags = records.flags(index);
      if ((flags & SACKED) !== 0 || (flags & (LOST | RETRANSMISSION_IN_FLIGHT)) === LOST) continue;
      if (all || index === records.first || ((records.sentAt(index) - overdue) | 0) <= 0) records.markLost(index);
    }
    records.sortLosses();
  }

  #detectOriginals(records: TransmissionRecords, overdue: Instant): void {
    let index = Math.max(records.firstOriginal, records.first);
    for (; index < records.end; index = (index + 1) | 0) {
      const at = (index & records.mask) << RECORD_SHIFT;
      // SACKed, lost, or retransmitted: settled here for good.
      if (records.words[at | FLAGS] !== 0) continue;
      if (!this.#isLost(records.words[at | SENT_AT]!, records.words[at | ORDER]!, overdue)) break;
      records.markLost(index);
      this.lostCount = (this.lostCount + 1) | 0;
      this.lostEnd = records.words[at | END]!;
    }
    records.firstOriginal = index;
  }

  #detectRetransmissions(records: TransmissionRecords, overdue: Instant): void {
    let index = records.firstRetransmission;
    while (index !== NONE) {
      const at = (index & records.mask) << RECORD_SHIFT;
      const end = records.words[at | END]!;
      const sentAt = records.words[at | SENT_AT]!;
      if (!this.#isLost(sentAt, records.words[at | ORDER]!, overdue)) break;
      const next = records.words[at | NEXT]!;
      records.markLost(index);
      this.lostCount = (this.lostCount + 1) | 0;
      this.lostRetransmissions = (this.lostRetransmissions + 1) | 0;
      this.lostRetransmissionAt = sentAt;
      if (((end - this.lostEnd) | 0) > 0) this.lostEnd = end;
      index = next;
    }
  }

  #isLost(sentAt: Instant, order: number, overdue: Instant): boolean {
    if (((this.order - order) | 0) <= 0) return false;
    const remaining = (sentAt - overdue) | 0;
    if (remaining <= 0) return true;
    // RFC 8985 waits for the last of them; the first is found sooner, and no other need be looked at.
    if (this.wait === 0 || remaining < this.wait) this.wait = remaining;
    return false;
  }
}
