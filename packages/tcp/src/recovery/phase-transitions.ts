import { CongestionCause } from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import { seq } from '@prism-net/wire';
import type { LossRecovery } from './loss-recovery.js';
import { RecoveryPhase } from './recovery-constants.js';
import { RecordFlag } from './transmission-records.js';

/** Losses were found by acknowledgements: fast recovery begins (RFC 5681 §3.2, RFC 6675 §5, RFC 8985 §6.2). */
export function enterRecovery(recovery: LossRecovery, now: Instant): void {
  const { records, duplicates, reduction, window } = recovery;
  const outstanding = recovery.outstanding;
  recovery.phase = RecoveryPhase.RECOVERY;
  recovery.recoveryPoint = recovery.next;
  // RFC 3168 §6.1.2: loss and ECE of one window of data are one congestion.
  const isReduced = seq.isGreaterOrEqual(recovery.reductionPoint, recovery.lossEnd);
  if (!isReduced) {
    reduceWindow(recovery, CongestionCause.LOSS, now);
    recovery.undo.begin();
  }
  // RecoverFS counts what this acknowledgement delivered: it is the first that the reduction goes by.
  reduction.start((outstanding - records.sackedBytes - duplicates.presumedBytes + recovery.sample.deliveredBytes) | 0);
  if (!recovery.rulesRecovery) window.window = Math.max(recovery.inFlight, window.maximumSegmentSize);
  recovery.mustRetransmit = true;
  recovery.probe.cancel();
}

/** Further losses were found during fast recovery. */
export function continueRecovery(recovery: LossRecovery, now: Instant): void {
  const { rack, records, reduction } = recovery;
  // RFC 5681 §4.3: a retransmission lost is a second congestion; but those sent before the last reduction belong to that.
  if (rack.lostRetransmissions === 0 || ((rack.lostRetransmissionAt - recovery.reducedAt) | 0) < 0) return;
  recovery.recoveryPoint = recovery.next;
  reduceWindow(recovery, CongestionCause.LOSS, now);
  recovery.undo.end();
  reduction.start((recovery.outstanding - records.sackedBytes + recovery.sample.deliveredBytes) | 0);
}

function reduceWindow(recovery: LossRecovery, cause: CongestionCause, now: Instant): void {
  // RFC 5681 §3.1 (4): FlightSize is what was out when the loss was found, what this acknowledgement has taken off included.
  const flightSize = (recovery.outstanding + recovery.sample.acknowledgedBytes) | 0;
  recovery.control.onCongestion(recovery.window, flightSize, cause, now);
  recovery.window.confine();
  recovery.reducedAt = now;
  recovery.reductionPoint = recovery.next;
  recovery.congestionWindowReduced = true;
}

/** Everything outstanding when the repair began is acknowledged. */
export function leaveRecovery(recovery: LossRecovery, now: Instant): void {
  const { window } = recovery;
  // RFC 6937 §3.1, RFC 5681 §3.2 (6): deflated. After a timeout slow start goes on from where it is.
  if (recovery.phase === RecoveryPhase.RECOVERY && !recovery.rulesRecovery) window.window = window.slowStartThreshold;
  recovery.control.onRecovered(window, now);
  window.confine();
  endRepair(recovery);
  recovery.rack.onRecovered();
  // Something sent since has been lost as well: RFC 5681 §4.3, loss in two successive windows.
  if (seq.isGreater(recovery.lossEnd, recovery.unacknowledged)) enterRecovery(recovery, now);
}

/** The retransmission timer expired (RFC 6298 §5.4 to §5.6, RFC 8985 §6.3). */
export function enterLoss(recovery: LossRecovery, now: Instant): void {
  const { records, estimator, rack } = recovery;
  if (recovery.consecutiveTimeouts === 0) recovery.firstTimeoutAt = now;
  recovery.consecutiveTimeouts = (recovery.consecutiveTimeouts + 1) | 0;
  estimator.backOff();
  if (!recovery.isEstablished) recovery.handshakeTimeouts = (recovery.handshakeTimeouts + 1) | 0;

  // RFC 2018 §8: what begins at SND.UNA was SACKed, and yet is not acknowledged; the peer has thrown it away.
  if ((records.flags(records.first) & RecordFlag.SACKED) !== 0) records.forgetSacked();
  const isTimed = recovery.sackEnabled && estimator.hasSample;
  const reordering = rack.reorderingWindow(estimator, true, records.sackedCount);
  rack.loseOnTimeout(records, !isTimed, reordering, now);
  recovery.lossEnd = recovery.unacknowledged;
  recovery.duplicates.reset();
  recovery.probe.cancel();

  // RFC 5682 §2.1 step 1: not within the repair of an earlier timeout, nor, with retransmissions under way, of other losses.
  if (recovery.phase <= RecoveryPhase.DISORDER) recovery.forward.start();
  else recovery.forward.stop();
  if (recovery.phase !== RecoveryPhase.LOSS) {
    recovery.undo.begin();
  }
  recovery.control.onTimeout(recovery.window, recovery.outstanding, now);
  recovery.window.confine();
  recovery.reducedAt = now;
  recovery.reductionPoint = recovery.next;
  recovery.congestionWindowReduced = true;
  recovery.phase = RecoveryPhase.LOSS;
  // RFC 6582 §4: no fast retransmit for duplicates of what is outstanding now.
  recovery.recoveryPoint = recovery.next;
  recovery.mustRetransmit = true;
  // RFC 6298 §5.6.
  recovery.retransmissionDeadline = (now + estimator.timeout) | 0;
}

/** The reduction of the window was not needed: things are as before. */
export function undoReduction(recovery: LossRecovery, now: Instant): void {
  const { window } = recovery;
  const isRepairing = recovery.phase >= RecoveryPhase.RECOVERY;
  if (isRepairing) recovery.records.forgetLost();
  const reduced = window.window;
  recovery.control.onUndo(window, now);
  window.confine();
  // RFC 4015 §3.2 step 3: what the window gains is not sent at once, but won back by slow start.
  const burst = Math.min(recovery.sample.acknowledgedBytes, window.initialWindow);
  const limit = Math.max(reduced, (recovery.inFlight + burst) | 0);
  if (window.window > limit && !recovery.rulesRecovery) {
    window.slowStartThreshold = Math.max(window.slowStartThreshold, window.window);
    window.window = limit;
  }
  recovery.estimator.resetBackoff();
  recovery.reductionPoint = (recovery.unacknowledged - 1) | 0;
  // It was reordering or delay that looked like loss.
  recovery.rack.hasReordering = true;
  recovery.undo.end();
  if (isRepairing) {
    endRepair(recovery);
    recovery.lossEnd = recovery.unacknowledged;
  }
}

/** One reduction with nothing to repair: ECE (RFC 3168 §6.1.2), or a probe that repaired a loss (RFC 8985 §7.4.2). */
export function reduceAtOnce(recovery: LossRecovery, cause: CongestionCause, now: Instant): void {
  const { window } = recovery;
  const isSmallest = window.window <= window.minimumWindow;
  reduceWindow(recovery, cause, now);
  if (!recovery.rulesRecovery) {
    window.window = Math.min(window.window, window.slowStartThreshold);
    // RFC 9438 §4.6, RFC 3168 §6.1.2: marks that go on although the window cannot shrink any further.
    if (cause === CongestionCause.ECN && isSmallest) window.window = window.maximumSegmentSize;
  }
  recovery.control.onRecovered(window, now);
  window.confine();
  recovery.undo.end();
}

function endRepair(recovery: LossRecovery): void {
  recovery.forward.stop();
  recovery.mustRetransmit = false;
  recovery.duplicates.reset();
  recovery.phase = recovery.records.sackedCount > 0 ? RecoveryPhase.DISORDER : RecoveryPhase.OPEN;
}
