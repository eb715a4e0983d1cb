import { CongestionCause } from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import { seq, type TcpOptions } from '@prism-net/wire';
import { ForwardVerdict } from './forward-retransmission.js';
import type { LossRecovery } from './loss-recovery.js';
import { continueRecovery, enterRecovery, leaveRecovery, reduceAtOnce, undoReduction } from './phase-transitions.js';
import { DUPLICATE_THRESHOLD } from './rack.js';
import { RecoveryPhase } from './recovery-constants.js';
import { RecordFlag } from './transmission-records.js';

const { SACKED, LOST, RETRANSMISSION_IN_FLIGHT } = RecordFlag;

/** RFC 6298 §5.7. */
const TIMEOUT_AFTER_LOST_SYN = 3_000_000;
/** RFC 5682 §2.1 step 3 (a). */
const WINDOW_AFTER_REAL_LOSS = 3;

/** An acknowledgement that says more than that everything is well. Parameters as for `LossRecovery.onAcknowledgement`. */
export function acknowledge(
  recovery: LossRecovery,
  acknowledgement: number,
  options: TcpOptions,
  ecnEcho: boolean,
  carriesData: boolean,
  timestampNow: number,
  now: Instant,
): void {
  const { sample, delivery, blocks, estimator } = recovery;
  const acknowledged = seq.difference(acknowledgement, recovery.unacknowledged);
  const hasAdvanced = acknowledged > 0;
  const echoAge = ageOfEcho(recovery, options, timestampNow);

  sample.inFlight = recovery.inFlight;
  delivery.begin(recovery.recoveryPoint, echoAge, estimator.minimum, now);
  const hole = recovery.records.count === 0 ? 0 : recovery.records.recordLength(recovery.records.first);
  if (hasAdvanced) removeAcknowledged(recovery, acknowledgement);
  blocks.hasDuplicate = false;
  if (recovery.sackEnabled && options.sackCount > 0) blocks.read(options, acknowledgement, recovery.next);
  const isDuplicate = !hasAdvanced && !carriesData && recovery.records.count > 0;

  sample.acknowledgedBytes = acknowledged;
  sample.deliveredBytes = recovery.sackEnabled
    ? delivery.bytes
    : countWithoutSack(recovery, acknowledged, hole, isDuplicate);
  measure(recovery, options, hasAdvanced, timestampNow, now);
  if (hasAdvanced) restartTimer(recovery, now);
  if (!recovery.rulesRecovery) {
    completeSample(recovery, ecnEcho, now);
    if (recovery.phase !== RecoveryPhase.RECOVERY && (sample.deliveredBytes > 0 || ecnEcho)) recovery.report(now);
  }

  if (recovery.probe.isOutstanding) {
    const isOfProbe = blocks.hasDuplicate && blocks.duplicateEnd === recovery.probe.end;
    // A probe too many is no sign of reordering.
    if (blocks.hasDuplicate && !isOfProbe) recovery.rack.onDuplicateSack(recovery.next);
    // Also when nothing is outstanding any more.
    const isPlain = !hasAdvanced && !carriesData && options.sackCount === 0;
    if (recovery.probe.onAcknowledgement(acknowledgement, isOfProbe, isPlain))
      reduceAtOnce(recovery, CongestionCause.LOSS, now);
  } else if (blocks.hasDuplicate) {
    recovery.rack.onDuplicateSack(recovery.next);
  }
  undoIfSpurious(recovery, hasAdvanced, isDuplicate, echoAge, now);
  const lostCount = recovery.sackEnabled ? detectLosses(recovery, now) : detectLossesWithoutSack(recovery, hasAdvanced);
  changePhase(recovery, lostCount, ecnEcho, now);
  if (recovery.rulesRecovery) {
    completeSample(recovery, ecnEcho, now);
    recovery.report(now);
  } else if (recovery.phase === RecoveryPhase.RECOVERY) {
    reduce(recovery, hasAdvanced && lostCount === 0);
  }
}

function completeSample(recovery: LossRecovery, ecnEcho: boolean, now: Instant): void {
  recovery.sample.inFlightNow = recovery.inFlight;
  recovery.completeSample(ecnEcho, now);
}

/**
 * The least time in µs since the segment was sent that this one answers (RFC 7323 §4.1); -1: unknown. The clock has whole
 * milliseconds: what it shows as n is more than n - 1.
 */
function ageOfEcho(recovery: LossRecovery, options: TcpOptions, timestampNow: number): number {
  const age = echoMilliseconds(recovery, options, timestampNow);
  return age < 1 ? -1 : (age - 1) * 1000;
}

/** -1: no echo, or none that can be true. */
function echoMilliseconds(recovery: LossRecovery, options: TcpOptions, timestampNow: number): number {
  if (!recovery.timestampsEnabled || !options.hasTimestamps || options.timestampEcho === 0) return -1;
  const age = (timestampNow - options.timestampEcho) | 0;
  return age < 0 || age > recovery.longestEcho ? -1 : age;
}

function removeAcknowledged(recovery: LossRecovery, acknowledgement: number): void {
  const { records, delivery } = recovery;
  while (records.first < records.end && seq.isLessOrEqual(records.recordEnd(records.first), acknowledgement)) {
    if ((records.flags(records.first) & SACKED) === 0) delivery.onAcknowledged(records.first);
    records.removeFirst();
  }
  const rest = seq.difference(acknowledgement, records.start);
  if (rest > 0) {
    if ((records.flags(records.first) & SACKED) === 0) delivery.bytes = (delivery.bytes + rest) | 0;
    records.trimFirst(acknowledgement);
  }
  recovery.unacknowledged = acknowledgement;
}

/** RFC 6937 §3: what an acknowledgement without SACK delivers. */
function countWithoutSack(recovery: LossRecovery, acknowledged: number, hole: number, isDuplicate: boolean): number {
  const { duplicates, window } = recovery;
  if (acknowledged > 0) return duplicates.onAdvance(acknowledged, hole, recovery.outstanding);
  if (!isDuplicate) return 0;
  // After a timeout everything else counts as lost: what arrives is what F-RTO has sent since.
  const isLoss = recovery.phase === RecoveryPhase.LOSS;
  let limit = isLoss ? seq.difference(recovery.next, recovery.recoveryPoint) : (recovery.outstanding - hole) | 0;
  if (recovery.phase <= RecoveryPhase.DISORDER) {
    // RFC 3042 §2: two segments beyond the window; the third duplicate begins the repair, where there may be one.
    const mayRepair = seq.isGreater(recovery.unacknowledged, recovery.recoveryPoint);
    limit = Math.min(
      limit,
      Math.imul(mayRepair ? DUPLICATE_THRESHOLD : DUPLICATE_THRESHOLD - 1, window.maximumSegmentSize),
    );
  }
  return duplicates.onDuplicate(window.maximumSegmentSize, limit);
}

function measure(
  recovery: LossRecovery,
  options: TcpOptions,
  hasAdvanced: boolean,
  timestampNow: number,
  now: Instant,
): void {
  const { delivery, estimator, sample } = recovery;
  sample.roundTrip = -1;
  if (delivery.hasRoundTrip && !delivery.hasRetransmitted) {
    recovery.measure(delivery.longestRoundTrip, delivery.shortestRoundTrip, now);
    sample.roundTrip = delivery.shortestRoundTrip;
  } else if (delivery.hasSackRoundTrip) {
    recovery.measure(delivery.longestSackRoundTrip, delivery.shortestSackRoundTrip, now);
    sample.roundTrip = delivery.shortestSackRoundTrip;
  } else if (hasAdvanced) {
    // RFC 7323 §4.1: only what acknowledges new data; unambiguous even for retransmissions.
    const age = echoMilliseconds(recovery, options, timestampNow);
    if (age >= 0) {
      estimator.smooth(Math.max(age, 1) * 1000);
      recovery.probe.hasRoundTrip = true;
    } else if (!estimator.hasSample && recovery.consecutiveTimeouts > 0) {
      estimator.reinitialize(Math.max(TIMEOUT_AFTER_LOST_SYN, estimator.initialTimeout));
    }
  }
}

/** RFC 6298 §5.2, §5.3. */
function restartTimer(recovery: LossRecovery, now: Instant): void {
  recovery.consecutiveTimeouts = 0;
  recovery.retransmissionDeadline = (now + recovery.estimator.timeout) | 0;
  recovery.rack.onAdvance(recovery.unacknowledged);
}

/** RFC 3522, RFC 3708, RFC 5682. */
function undoIfSpurious(
  recovery: LossRecovery,
  hasAdvanced: boolean,
  isDuplicate: boolean,
  echoAge: number,
  now: Instant,
): void {
  const { blocks, delivery, forward, undo, window } = recovery;
  let isSpurious = false;
  if (blocks.hasDuplicate) isSpurious = undo.isAllDuplicate(blocks.duplicateStart, blocks.duplicateEnd);
  if (hasAdvanced && undo.isOriginalAcknowledged(recovery.unacknowledged, echoAge, now)) isSpurious = true;
  if (recovery.phase === RecoveryPhase.LOSS) {
    const verdict = forward.onAcknowledgement(
      hasAdvanced,
      seq.isGreaterOrEqual(recovery.unacknowledged, recovery.recoveryPoint),
      delivery.hasOriginal,
      recovery.sackEnabled ? delivery.sackedBytes > 0 : isDuplicate,
      recovery.newDataAvailable,
      recovery.sackEnabled,
    );
    if (verdict === ForwardVerdict.SPURIOUS && undo.isPossible) isSpurious = true;
    // What F-RTO has sent beside the retransmission must not hold up the repair.
    if (verdict === ForwardVerdict.LOSS && !recovery.rulesRecovery)
      window.window = WINDOW_AFTER_REAL_LOSS * window.maximumSegmentSize;
  }
  if (isSpurious) undoReduction(recovery, now);
}

/** RFC 8985 §6.2 steps 3 to 5; the number of records newly marked lost. */
function detectLosses(recovery: LossRecovery, now: Instant): number {
  const { rack, records } = recovery;
  if (recovery.delivery.isReordered) rack.hasReordering = true;
  return recovery.detectLosses(
    rack.reorderingWindow(recovery.estimator, recovery.phase >= RecoveryPhase.RECOVERY, records.sackedCount),
    now,
  );
}

/** Fast retransmit and the partial acknowledgements of NewReno (RFC 6582 §3.2). */
function detectLossesWithoutSack(recovery: LossRecovery, hasAdvanced: boolean): number {
  const { duplicates, records } = recovery;
  const isRepairing = recovery.phase === RecoveryPhase.RECOVERY;
  if (hasAdvanced && !isRepairing) duplicates.reset();
  if (records.count === 0) return 0;
  if (isRepairing) {
    // RFC 6582 §3.2 step 3: a partial acknowledgement shows the next hole.
    if (!hasAdvanced || seq.isGreaterOrEqual(recovery.unacknowledged, recovery.recoveryPoint)) return 0;
  } else {
    // RFC 6582 §3.2 step 2: only for data sent after the last repair.
    if (duplicates.count < DUPLICATE_THRESHOLD) return 0;
    if (!seq.isGreater(recovery.unacknowledged, recovery.recoveryPoint)) return 0;
  }
  if ((records.flags(records.first) & (LOST | RETRANSMISSION_IN_FLIGHT)) !== 0) return 0;
  recovery.loseFirst();
  return 1;
}

function changePhase(recovery: LossRecovery, lostCount: number, ecnEcho: boolean, now: Instant): void {
  const { records, duplicates } = recovery;
  if (recovery.phase >= RecoveryPhase.RECOVERY) {
    if (seq.isGreaterOrEqual(recovery.unacknowledged, recovery.recoveryPoint)) {
      leaveRecovery(recovery, now);
    } else if (recovery.phase === RecoveryPhase.RECOVERY && recovery.sackEnabled && lostCount > 0) {
      continueRecovery(recovery, now);
    }
  } else if (lostCount > 0) {
    enterRecovery(recovery, now);
  } else {
    recovery.phase = records.sackedCount > 0 || duplicates.count > 0 ? RecoveryPhase.DISORDER : RecoveryPhase.OPEN;
  }
  if (ecnEcho && !recovery.preciseEcn && recovery.phase <= RecoveryPhase.DISORDER) {
    if (seq.isGreater(recovery.unacknowledged, recovery.reductionPoint))
      reduceAtOnce(recovery, CongestionCause.ECN, now);
  }
}

function reduce(recovery: LossRecovery, isSafe: boolean): void {
  const { sample, window } = recovery;
  if (sample.deliveredBytes === 0) return;
  const reduced = recovery.reduction.onAcknowledgement(
    sample.deliveredBytes,
    recovery.inFlight,
    window.slowStartThreshold,
    window.maximumSegmentSize,
    isSafe,
  );
  // A window of less than a segment would stop everything.
  window.window = Math.max(reduced, window.maximumSegmentSize);
}
