import {
  AcknowledgementSample,
  type CongestionControl,
  CongestionWindow,
  createCongestionControl,
} from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import type { TcpOptions } from '@prism-net/wire';
import { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';
import { LOSS_RECOVERY_DEFAULTS, type LossRecoveryOptions } from './recovery-options.js';
import { RoundTripEstimator } from './round-trip-estimator.js';

/*
 * What the caller does, beyond the names in the class:
 *
 *   SYN        start(ISS, now); onSent(ISS + 1, now).
 *   handshake  onAcknowledgement(…) as for any ACK; then sackEnabled, timestampsEnabled as negotiated, and
 *              established(maximumSegmentSize, now), which sets the initial window and calls control.start.
 *   sending    if nothing is outstanding: resume(now) (idle window, RFC 5681 §4.1). Then, in this order:
 *              while ((index = nextLost()) >= 0 && allowance() >= recordEnd(index) - recordStart(index)) retransmit it as
 *              one segment, onRetransmitted(index, now); then new data while allowance() > 0 permits and canRecord():
 *              onSent(end, now). One onSent may cover many segments: it makes a record per maximumSegmentSize.
 *              At the end of a super-segment recordsFree says for how many segments there is room.
 *   ACK        set newDataAvailable, call onAcknowledgement; then send.
 *   timer      after each of onSent, onRetransmitted, onAcknowledgement, onDeadline: deadlineKind and deadline hold.
 *   FIN        one byte of sequence space: onSent(next + 1, now), retransmitted as any record.
 */

/** Loss detection and repair of one connection: a machine without I/O. Sizes are bytes, times int32 microseconds. */
export class LossRecovery {
  readonly estimator: RoundTripEstimator;
  readonly window = new CongestionWindow(536);
  /** May be replaced at any time; then call its `start`. */
  control: CongestionControl = createCongestionControl('cubic');
  /** What the last acknowledgement said. */
  readonly sample: AcknowledgementSample;

  /** Set by the caller once negotiated. */
  sackEnabled = false;
  timestampsEnabled = false;
  /** Set by the caller before {@link onAcknowledgement}: there is unsent data that the peer's window takes (RFC 5682 §2.1 step 2). */
  newDataAvailable = false;

  /** SND.UNA. */
  unacknowledged = 0;
  /** SND.NXT: what follows the highest byte ever sent. */
  next = 0;
  phase: RecoveryPhase = RecoveryPhase.OPEN;

  /** What the timer waits for, and until when. */
  deadlineKind: DeadlineKind = DeadlineKind.NONE;
  deadline: Instant = 0;

  /** Retransmission timeouts since SND.UNA last advanced (R1 and R2 of RFC 9293 §3.8.3). */
  consecutiveTimeouts = 0;
  /** When the first of them was; meaningless while there are none. */
  firstTimeoutAt: Instant = 0;

  /** The caller sets CWR on the next segment with new data and clears this (RFC 3168 §6.1.2); only with ECN negotiated. */
  congestionWindowReduced = false;

  /** `maximumRecords`: how many segments may be outstanding. */
  constructor(maximumRecords: number, options: LossRecoveryOptions) {
    const times = { ...LOSS_RECOVERY_DEFAULTS, ...options };
    this.estimator = new RoundTripEstimator(
      times.minimumTimeout,
      times.initialTimeout,
      times.maximumTimeout,
      times.clockGranularity,
    );
    this.sample = options.sample ?? new AcknowledgementSample();
    void maximumRecords;
  }

  /** A new connection, also in a used object: SND.UNA = SND.NXT = `sequence`. */
  start(sequence: number, _now: Instant): void {
    this.unacknowledged = sequence;
    this.next = sequence;
  }

  /** The handshake is complete. `maximumSegmentSize`: payload of a full segment, options deducted. */
  established(maximumSegmentSize: number, now: Instant): void {
    this.window.reset(maximumSegmentSize);
    this.control.start(this.window, now);
  }

  /** False: as many segments are outstanding as allowed; no new data may be sent. */
  canRecord(): boolean {
    return this.recordsFree > 0;
  }

  /** For how many more segments there is room. */
  get recordsFree(): number {
    return 1;
  }

  /** Bytes taken to be on their way: outstanding, neither SACKed nor lost, and retransmissions (RFC 6675 §2, pipe). */
  get inFlight(): number {
    return (this.next - this.unacknowledged) | 0;
  }

  /**
   * Before new data is sent while nothing is outstanding: after an idle period the window falls back to the restart window
   * (RFC 5681 §4.1). {@link onSent} does it too, but then the first burst has been allowed by the old window.
   */
  resume(_now: Instant): void {}

  /** New data from {@link next} to `end` was put on the wire, in segments of `window.maximumSegmentSize` (the last may be shorter). */
  onSent(end: number, _now: Instant): void {
    this.next = end;
  }

  /** The record `index` was put on the wire again. */
  onRetransmitted(_index: number, _now: Instant): void {}

  /**
   * An acceptable ACK: SND.UNA <= `acknowledgement` <= SND.NXT. What it said is in {@link sample}.
   *
   * `carriesData`: the segment has payload, SYN or FIN, or changed the send window; it is no duplicate ACK then (RFC 5681 §2).
   * `timestampNow`: our timestamp clock, in milliseconds, as it would be sent now.
   */
  onAcknowledgement(
    acknowledgement: number,
    _options: TcpOptions,
    _ecnEcho: boolean,
    _carriesData: boolean,
    _timestampNow: number,
    _now: Instant,
  ): void {
    this.unacknowledged = acknowledgement;
  }

  /** The record to be retransmitted next, or -1. Good until the next call of another method. */
  nextLost(): number {
    return -1;
  }

  /** The newest record, for a probe; -1: nothing is outstanding. */
  lastRecord(): number {
    return -1;
  }

  /** The sequence number of the record's first byte. */
  recordStart(_index: number): number {
    return this.unacknowledged;
  }

  /** The sequence number that follows the record. */
  recordEnd(_index: number): number {
    return this.next;
  }

  /** Bytes that may leave now, 0 or more. A segment may leave when it is no longer than this. Asked only when there is something to send. */
  allowance(): number {
    return Math.max((this.window.window - this.inFlight) | 0, 0);
  }

  /** The timer expired. Called too early, it does nothing. */
  onDeadline(_now: Instant): RecoveryAction {
    return RecoveryAction.NONE;
  }

  /**
   * The path MTU fell: outstanding records larger than `maximumSegmentSize` count as lost, cut to size, without a congestion
   * response (RFC 8899 §3, RFC 1191 §6.5).
   */
  onSegmentSizeReduced(maximumSegmentSize: number, _now: Instant): void {
    this.window.setMaximumSegmentSize(maximumSegmentSize);
  }

  /** The broken invariant, for tests; null: none. Costs a walk over everything. */
  check(): string | null {
    return null;
  }
}
