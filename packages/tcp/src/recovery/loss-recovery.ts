import {
  AcknowledgementSample,
  type CongestionControl,
  CongestionWindow,
  createCongestionControl,
} from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import { seq, type TcpOptions } from '@prism-net/wire';
import type { StateCursor } from '../parking/state-cursor.js';
import { acknowledge } from './acknowledgement.js';
import { useControl } from './control-choice.js';
import { arm, expire } from './deadlines.js';
import { Delivery } from './delivery.js';
import { DeliveryRate } from './delivery-rate.js';
import { DuplicateAcknowledgements } from './duplicate-acknowledgements.js';
import { ForwardRetransmission } from './forward-retransmission.js';
import { ProportionalRateReduction } from './proportional-rate-reduction.js';
import { Rack } from './rack.js';
import { checkRecovery } from './record-check.js';
import { splitRecords } from './record-splitting.js';
import { DeadlineKind, type RecoveryAction, RecoveryPhase } from './recovery-constants.js';
import { exchangeRecovery } from './recovery-exchange.js';
import { LOSS_RECOVERY_DEFAULTS, type LossRecoveryOptions } from './recovery-options.js';
import { RoundTripEstimator } from './round-trip-estimator.js';
import { SackBlocks } from './sack-blocks.js';
import { TailLossProbe } from './tail-loss-probe.js';
import { NONE, ORDER, RECORD_SHIFT, RecordFlag, SENT_AT, TransmissionRecords } from './transmission-records.js';
import { UndoState } from './undo-state.js';

const { LOST, RETRANSMISSION_IN_FLIGHT } = RecordFlag;

/*
 * What the caller does, beyond the names in the class:
 *
 *   SYN        start(ISS, now); onSent(ISS + 1, now).
 *   handshake  sackEnabled, timestampsEnabled as negotiated, established(maximumSegmentSize, now), which sets the initial
 *              window and calls control.start, and onAcknowledgement(…) for the ACK of the SYN as for any, in either order.
 *   sending    if nothing is outstanding: resume(now) (idle window, RFC 5681 §4.1). Then, in this order:
 *              while ((index = nextLost()) >= 0 && allowance() >= recordEnd(index) - recordStart(index)) retransmit it as
 *              one segment, onRetransmitted(index, now); those behind that isLost() may go along; then new data while allowance() permits and canRecord():
 *              onSent(end, now). One onSent may cover many segments: it makes a record per maximumSegmentSize.
 *              recordsFree says for how many segments there is room.
 *   ACK        set newDataAvailable, call onAcknowledgement; then send.
 *   timer      after each of onSent, onRetransmitted, onAcknowledgement, onDeadline: deadlineKind and deadline hold.
 *   FIN        one byte of sequence space: onSent(next + 1, now), retransmitted as any record.
 */

/** Loss detection and repair of one connection: a machine without I/O. Sizes are bytes, times int32 microseconds. */
export class LossRecovery {
  readonly estimator: RoundTripEstimator;
  readonly window = new CongestionWindow(536);
  /** Set by {@link use}. */
  control: CongestionControl = createCongestionControl('cubic');
  // Its traits; `deliveryRate` is `records.keepsRates`.
  hearsOfSending = false;
  /** {@link hearsOfSending}, or `deliveryRate`, of an established connection: all that others pay for both. */
  observesSending = false;
  rulesRecovery = false;
  preciseEcn = false;
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

  // The parts. Read by tests and traces; changed by the files of this folder only.
  readonly records: TransmissionRecords;
  readonly rack: Rack;
  readonly probe: TailLossProbe;
  readonly reduction = new ProportionalRateReduction();
  readonly duplicates = new DuplicateAcknowledgements();
  readonly forward = new ForwardRetransmission();
  readonly undo = new UndoState();
  readonly delivery: Delivery;
  readonly rate: DeliveryRate;
  readonly blocks: SackBlocks;
  /** Milliseconds; an echo older than this is not believed. */
  readonly longestEcho: number;

  /** SND.NXT when the present repair, or the last one, began (RFC 6675 RecoveryPoint, RFC 6582 recover). */
  recoveryPoint = 0;
  /** SND.NXT when the window was last reduced: what was sent before belongs to that congestion (RFC 3168 §6.1.2). */
  reductionPoint = 0;
  reducedAt: Instant = 0;
  /** The end of the highest record found lost by acknowledgements. */
  lossEnd = 0;
  /** The first retransmission of a repair leaves whatever the window says (RFC 6937 §3, RFC 5681 §3.1). */
  mustRetransmit = false;
  /** When the retransmission timer expires, armed or not. */
  retransmissionDeadline: Instant = 0;

  /** {@link established} was called. */
  isEstablished = false;
  /** Timeouts before that. */
  handshakeTimeouts = 0;

  /** RACK waits for something until {@link reorderingDeadline}. */
  isReordering = false;
  reorderingDeadline: Instant = 0;
  /** Sending more at this instant leaves the deadline as it is. */
  armedAt: Instant = 0;

  lastSentAt: Instant = 0;
  /** Round trips are told apart by SND.NXT at their beginning. */
  roundEnd = 0;
  /** All bytes that have arrived, modulo 2^32. */
  deliveredTotal = 0;
  /** SND.NXT when CWR was last said with {@link preciseEcn}. */
  markAnswered = 0;
  /** Of all that was lost, what congestion control has been told. */
  lostReported = 0;
  /** The window was full when {@link limitedEnd} was SND.NXT. */
  isWindowLimited = false;
  limitedEnd = 0;

  /** `maximumRecords`: how many segments may be outstanding. */
  constructor(maximumRecords: number, options: LossRecoveryOptions) {
    const times = { ...LOSS_RECOVERY_DEFAULTS, ...options };
    this.estimator = new RoundTripEstimator(
      times.minimumTimeout,
      times.initialTimeout,
      times.maximumTimeout,
      times.clockGranularity,
    );
    this.longestEcho = Math.ceil(times.maximumTimeout / 1000);
    this.sample = options.sample ?? new AcknowledgementSample();
    this.records = new TransmissionRecords(maximumRecords);
    this.rack = new Rack(times.reorderingGranularity);
    this.probe = new TailLossProbe(times.minimumProbeTimeout, times.maximumAcknowledgementDelay);
    this.rate = new DeliveryRate(this.records);
    this.delivery = new Delivery(this.records, this.rack, this.rate);
    this.blocks = new SackBlocks(this.records, this.delivery);
  }

  /** A new connection, also in a used object: SND.UNA = SND.NXT = `sequence`. */
  start(sequence: number, now: Instant): void {
    this.unacknowledged = sequence;
    this.next = sequence;
    this.sackEnabled = false;
    this.timestampsEnabled = false;
    this.newDataAvailable = false;
    this.phase = RecoveryPhase.OPEN;
    this.consecutiveTimeouts = 0;
    this.congestionWindowReduced = false;
    this.deadlineKind = DeadlineKind.NONE;
    this.records.reset(sequence);
    this.estimator.reset();
    this.rack.reset(sequence);
    this.probe.reset();
    this.duplicates.reset();
    this.forward.stop();
    this.undo.end();
    this.recoveryPoint = (sequence - 1) | 0;
    this.reductionPoint = this.recoveryPoint;
    this.markAnswered = this.recoveryPoint;
    this.lossEnd = sequence;
    this.mustRetransmit = false;
    this.isEstablished = false;
    this.observesSending = false;
    this.handshakeTimeouts = 0;
    this.isReordering = false;
    this.roundEnd = sequence;
    this.deliveredTotal = 0;
    this.lostReported = 0;
    this.rate.reset(now);
    this.isWindowLimited = false;
  }

  /** All state but that of congestion control. Only while nothing is outstanding. */
  exchange(state: StateCursor): void {
    exchangeRecovery(this, state);
  }

  /**
   * Replaces congestion control, at any time. That of a connection in use goes on with the window and the threshold as they
   * are, also within a repair, and cannot take back reductions made before its time.
   */
  use(control: CongestionControl, now: Instant): void {
    useControl(this, control, now);
  }

  /** The handshake is complete. `maximumSegmentSize`: payload of a full segment, options deducted. */
  established(maximumSegmentSize: number, now: Instant): void {
    this.window.reset(maximumSegmentSize);
    // RFC 6928 §2: a SYN lost once may be chance, or a timer that was too short.
    if (this.handshakeTimeouts > 1) this.window.window = maximumSegmentSize;
    this.isEstablished = true;
    this.observesSending = this.hearsOfSending || this.records.keepsRates;
    this.lastSentAt = now;
    this.congestionWindowReduced = false;
    this.control.start(this.window, now);
    this.window.confine();
  }

  /** False: as many segments are outstanding as allowed; no new data may be sent. */
  canRecord(): boolean {
    return this.records.count < this.records.maximumRecords;
  }

  /** For how many more segments there is room. */
  get recordsFree(): number {
    return Math.max((this.records.maximumRecords - this.records.count) | 0, 0);
  }

  /** Bytes sent and not acknowledged cumulatively: FlightSize of RFC 5681 §2. */
  get outstanding(): number {
    return (this.next - this.unacknowledged) | 0;
  }

  /** Bytes taken to be on their way: outstanding, neither SACKed nor lost, and retransmissions (RFC 6675 §2, pipe). */
  get inFlight(): number {
    const pipe = (this.next - this.unacknowledged - this.records.absentBytes) | 0;
    // Without SACK what has arrived is a guess, and may be more than there is.
    return Math.max((pipe - this.duplicates.presumedBytes) | 0, 0);
  }

  /**
   * To be called before {@link allowance} when new data is to be sent: if nothing is outstanding, after an idle period, the window
   * falls back to the restart window (RFC 5681 §4.1).
   */
  resume(now: Instant): void {
    if (this.next !== this.unacknowledged || !this.isEstablished) return;
    const timeout = this.estimator.timeout;
    const idle = (now - this.lastSentAt) | 0;
    // Negative: for longer than instants can tell.
    if (idle >= 0 && idle <= timeout) return;
    this.control.onIdle(this.window, idle < 0 ? 0x7fff_ffff : idle, timeout, now);
    this.window.confine();
  }

  /** New data from {@link next} to `end` was put on the wire, in segments of `window.maximumSegmentSize` (the last may be shorter). */
  onSent(end: number, now: Instant): void {
    const length = (end - this.next) | 0;
    const { records } = this;
    if (this.next === this.unacknowledged) {
      // RFC 6298 §5.1.
      this.retransmissionDeadline = (now + this.estimator.timeout) | 0;
      if (this.observesSending) this.rate.beginFlight(now);
    }
    const segment = this.window.maximumSegmentSize;
    if (length > segment) {
      for (let cut = (this.next + segment) | 0; ((end - cut) | 0) > 0; cut = (cut + segment) | 0) {
        records.append(cut, now);
      }
    }
    records.append(end, now);
    this.next = end;
    this.lastSentAt = now;
    if (this.observesSending) {
      this.#observe((records.end - (length > segment ? Math.ceil(length / segment) : 1)) | 0, records.end, length, now);
    }
    if (this.phase === RecoveryPhase.RECOVERY) this.reduction.sent = (this.reduction.sent + length) | 0;
    if (this.probe.isDue) this.probe.onSent(end, false);
    // A burst moves the deadline once.
    if (now !== this.armedAt || this.deadlineKind === DeadlineKind.NONE) arm(this, now);
  }

  /** The record `index` was put on the wire again. */
  onRetransmitted(index: number, now: Instant): void {
    const start = this.records.recordStart(index);
    const end = this.records.recordEnd(index);
    const length = (end - start) | 0;
    this.records.markRetransmitted(index, now);
    this.lastSentAt = now;
    // RFC 6675 §6: the timer is for what is on its way now.
    if (index === this.records.first) this.retransmissionDeadline = (now + this.estimator.timeout) | 0;
    if (this.phase >= RecoveryPhase.RECOVERY) this.undo.onRetransmitted(start, end, now);
    if (this.phase === RecoveryPhase.RECOVERY) this.reduction.sent = (this.reduction.sent + length) | 0;
    this.mustRetransmit = false;
    if (this.observesSending) this.#observe(index, (index + 1) | 0, length, now);
    if (this.probe.isDue) this.probe.onSent(this.next, true);
    arm(this, now);
  }

  /**
   * An acceptable ACK: SND.UNA <= `acknowledgement` <= SND.NXT. What it said is in {@link sample}.
   *
   * `carriesData`: the segment has payload, SYN or FIN, or changed the send window; it is no duplicate ACK then (RFC 5681 §2).
   * `timestampNow`: our timestamp clock, in milliseconds, as it would be sent now.
   */
  onAcknowledgement(
    acknowledgement: number,
    options: TcpOptions,
    ecnEcho: boolean,
    carriesData: boolean,
    timestampNow: number,
    now: Instant,
  ): void {
    const acknowledged = (acknowledgement - this.unacknowledged) | 0;
    const records = this.records;
    const isPlain =
      this.phase === RecoveryPhase.OPEN && !ecnEcho && options.sackCount === 0 && !this.probe.isOutstanding;
    if (!isPlain || (acknowledged === 0 && !carriesData) || !records.isClean) {
      acknowledge(this, acknowledgement, options, ecnEcho, carriesData, timestampNow, now);
      arm(this, now);
      return;
    }

    const sample = this.sample;
    sample.acknowledgedBytes = acknowledged;
    sample.deliveredBytes = acknowledged;
    sample.roundTrip = -1;
    if (acknowledged === 0) return;

    // All is well: the records that are covered were sent once, in this order.
    sample.inFlight = (this.next - this.unacknowledged) | 0;
    const words = records.words;
    const mask = records.mask;
    const first = records.first;
    const end = records.end;
    let index = first;
    while (index < end && ((acknowledgement - words[(index & mask) << RECORD_SHIFT]!) | 0) >= 0)
      index = (index + 1) | 0;
    records.first = index;
    records.start = acknowledgement;
    this.unacknowledged = acknowledgement;
    if (index !== first) {
      if (records.keepsRates) this.rate.onDelivered((index - 1) | 0);
      const at = ((index - 1) & mask) << RECORD_SHIFT;
      const shortest = (now - words[at | SENT_AT]!) | 0;
      this.rack.update(words[at | ORDER]!, shortest);
      this.rack.highest = words[at]!;
      sample.roundTrip = shortest;
      this.measure((now - words[((first & mask) << RECORD_SHIFT) | SENT_AT]!) | 0, shortest, now);
    }
    this.retransmissionDeadline = (now + this.estimator.timeout) | 0;
    sample.inFlightNow = (sample.inFlight - acknowledged) | 0;
    this.completeSample(false, now);
    this.report(now);
    arm(this, now);
  }

  /** The record to be retransmitted next, or -1. Good until the next call of another method. */
  nextLost(): number {
    return this.forward.isSendingNewData ? -1 : this.records.firstLost;
  }

  /** The record is lost and was not sent again yet. */
  isLost(index: number): boolean {
    const { records } = this;
    return index < records.end && (records.flags(index) & (LOST | RETRANSMISSION_IN_FLIGHT)) === LOST;
  }

  /** The newest record, for a probe; -1: nothing is outstanding. */
  lastRecord(): number {
    return this.records.count === 0 ? -1 : (this.records.end - 1) | 0;
  }

  /** The sequence number of the record's first byte. */
  recordStart(index: number): number {
    return this.records.recordStart(index);
  }

  /** The sequence number that follows the record. */
  recordEnd(index: number): number {
    return this.records.recordEnd(index);
  }

  /** Bytes that may leave now, 0 or more. A segment may leave when it is no longer than this. Asked only when there is something to send. */
  allowance(): number {
    const segment = this.window.maximumSegmentSize;
    const room = (this.window.window - this.inFlight) | 0;
    if (room >= segment) return room;
    this.isWindowLimited = true;
    this.limitedEnd = this.next;
    // A probe needs no room in the window (RFC 8985 §7.3).
    // And the first retransmission only where there is one: a repair may begin when all that is lost is on its way again.
    if ((this.mustRetransmit && this.nextLost() >= 0) || this.probe.isDue) return segment;
    return Math.max(room, 0);
  }

  /** The timer expired. Called too early, it does nothing. */
  onDeadline(now: Instant): RecoveryAction {
    return expire(this, now);
  }

  /**
   * The path MTU fell: outstanding records larger than `maximumSegmentSize` count as lost, cut to size, without a congestion
   * response (RFC 8899 §3, RFC 1191 §6.5).
   */
  onSegmentSizeReduced(maximumSegmentSize: number, now: Instant): void {
    this.window.setMaximumSegmentSize(maximumSegmentSize);
    splitRecords(this.records, maximumSegmentSize);
    arm(this, now);
  }

  /** The broken invariant, for tests; null: none. Costs a walk over everything. */
  check(): string | null {
    return checkRecovery(this);
  }

  /** Runs RACK (RFC 8985 §6.2 step 5) and arms its timer; returns the number of records found lost. */
  detectLosses(reorderingWindow: number, now: Instant): number {
    const { rack } = this;
    rack.detectLosses(this.records, reorderingWindow, now);
    if (rack.lostCount > 0 && ((rack.lostEnd - this.lossEnd) | 0) > 0) this.lossEnd = rack.lostEnd;
    this.isReordering = rack.wait > 0;
    this.reorderingDeadline = (now + rack.wait) | 0;
    return rack.lostCount;
  }

  /** The record at SND.UNA is lost. */
  loseFirst(): void {
    this.records.markLost(this.records.first);
    this.lossEnd = this.records.recordEnd(this.records.first);
  }

  /** A round trip was measured on the oldest and on the newest record of an acknowledgement; the difference is delay at the peer. */
  measure(longest: number, shortest: number, now: Instant): void {
    const isNewRound = ((this.unacknowledged - this.roundEnd) | 0) > 0;
    this.estimator.measure(longest, shortest, isNewRound, now);
    this.probe.hasRoundTrip = true;
    if (isNewRound) this.#onRound();
  }

  /** Fills in what the sample says of the connection. */
  completeSample(ecnEcho: boolean, now: Instant): void {
    const { sample, window, estimator, records } = this;
    this.deliveredTotal = (this.deliveredTotal + sample.deliveredBytes) | 0;
    sample.deliveredTotal = this.deliveredTotal;
    sample.lostTotal = records.lostTotal;
    sample.lostBytes = (records.lostTotal - this.lostReported) | 0;
    if (records.keepsRates) this.rate.complete(sample, estimator.minimum, now);
    sample.smoothedRoundTrip = estimator.smoothed;
    sample.minimumRoundTrip = estimator.minimum;
    sample.hasEcnEcho = ecnEcho;
    // RFC 7661 §4.2: in slow start half of the window in use is enough. RFC 3168 §6.1.2: no growth with ECE.
    sample.isWindowLimited =
      (!ecnEcho || this.preciseEcn) &&
      (this.isWindowLimited || (window.isSlowStart && sample.inFlight >= window.window >> 1));
    if (this.isWindowLimited && ((this.unacknowledged - this.limitedEnd) | 0) >= 0) this.isWindowLimited = false;
  }

  /** Congestion control hears of the sample. */
  report(now: Instant): void {
    const { window, sample } = this;
    const before = window.window;
    this.lostReported = sample.lostTotal;
    this.control.onAcknowledgement(window, sample, now);
    window.confine();
    if (!this.preciseEcn) return;
    // RFC 8257 §3.3: CWR, even where the window did not shrink: a receiver as of RFC 3168 echoes until it gets one.
    const isNew = sample.acknowledgedBytes > 0 && seq.isGreater(this.unacknowledged, this.markAnswered);
    const isUnanswered = sample.hasEcnEcho && isNew;
    if (!isUnanswered && window.window >= before) return;
    this.congestionWindowReduced = true;
    this.markAnswered = this.next;
  }

  /**
   * To be called when all was sent that can be, and less than a segment is left, because the application has not given more:
   * unless the window is full or something lost waits, the rates that follow say little of the path.
   */
  limitedByApplication(): void {
    const { records, inFlight } = this;
    if (!records.keepsRates || records.firstLost !== NONE || inFlight >= this.window.window) return;
    this.rate.limit(this.deliveredTotal, inFlight);
  }

  /** The records `from` to `to` - 1 were put on the wire. */
  #observe(from: number, to: number, bytes: number, now: Instant): void {
    const { inFlight } = this;
    if (this.records.keepsRates) this.rate.onSent(from, to, inFlight, this.deliveredTotal);
    if (this.hearsOfSending) this.control.onSent(this.window, bytes, inFlight, now);
  }

  // Once per round trip; also keeps sequence numbers of long ago from seeming to lie ahead after 2^31 bytes.
  #onRound(): void {
    const before = (this.unacknowledged - 1) | 0;
    this.roundEnd = this.next;
    if (this.phase >= RecoveryPhase.RECOVERY) return;
    if (((before - this.recoveryPoint) | 0) > 0) this.recoveryPoint = before;
    if (((before - this.reductionPoint) | 0) > 0) this.reductionPoint = before;
    if (((before - this.markAnswered) | 0) > 0) this.markAnswered = before;
    this.lossEnd = this.unacknowledged;
    this.rack.onAdvance(this.unacknowledged);
    if (this.undo.isPossible) this.undo.onRound();
  }
}
