import type { Instant } from '@prism-net/time';
import { remaining } from '../opening/deadline.js';
import type { LossRecovery } from './loss-recovery.js';
import { continueRecovery, enterLoss, enterRecovery } from './phase-transitions.js';
import { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';

/** Decides what the timer waits for: three timers that never run at the same time (RFC 8985 §8). */
export function arm(recovery: LossRecovery, now: Instant): void {
  const { records, retransmissionDeadline } = recovery;
  if (records.first === records.end) {
    // RFC 6298 §5.2.
    recovery.deadlineKind = DeadlineKind.NONE;
    recovery.isReordering = false;
    return;
  }
  recovery.armedAt = now;
  // After a long pause a deadline long past looks like one far ahead.
  const isPast = remaining(retransmissionDeadline, recovery.estimator.maximumTimeout, now) === 0;
  recovery.deadline = isPast ? now : retransmissionDeadline;
  recovery.deadlineKind = DeadlineKind.RETRANSMISSION;
  if (recovery.isReordering) {
    if (((recovery.reorderingDeadline - retransmissionDeadline) | 0) >= 0) return;
    recovery.deadlineKind = DeadlineKind.REORDERING;
    recovery.deadline = recovery.reorderingDeadline;
  } else if (canProbe(recovery)) {
    const count = (records.end - records.first) | 0;
    const probe = (now + recovery.probe.timeout(recovery.estimator, count)) | 0;
    // The probe of a lone segment waits for longer: the second one moves it.
    if (count === 1) recovery.armedAt = (now - 1) | 0;
    recovery.deadlineKind = DeadlineKind.PROBE;
    // RFC 8985 §7.2: no later than the retransmission timer would expire.
    if (((probe - retransmissionDeadline) | 0) < 0) recovery.deadline = probe;
  }
}

/** RFC 8985 §7.2, §7.3. */
function canProbe(recovery: LossRecovery): boolean {
  const { probe } = recovery;
  return (
    recovery.sackEnabled &&
    recovery.phase === RecoveryPhase.OPEN &&
    probe.hasRoundTrip &&
    !probe.isOutstanding &&
    !probe.isDue
  );
}

/** The timer expired; does nothing before its time. */
export function expire(recovery: LossRecovery, now: Instant): RecoveryAction {
  const kind = recovery.deadlineKind;
  const { maximumTimeout } = recovery.estimator;
  if (kind === DeadlineKind.NONE || remaining(recovery.deadline, maximumTimeout, now) > 0) return RecoveryAction.NONE;
  recovery.sample.acknowledgedBytes = 0;
  recovery.sample.deliveredBytes = 0;
  let action: RecoveryAction = RecoveryAction.RETRANSMIT;
  if (kind === DeadlineKind.REORDERING) {
    if (!expireReordering(recovery, now)) action = RecoveryAction.NONE;
  } else if (kind === DeadlineKind.PROBE) {
    recovery.probe.isDue = true;
    // RFC 8985 §7.3: whether it is sent or not, the timer is the retransmission timer now.
    recovery.retransmissionDeadline = (now + recovery.estimator.timeout) | 0;
    action = RecoveryAction.PROBE_SEND_NEW_OR_LAST;
  } else {
    recovery.isReordering = false;
    enterLoss(recovery, now);
  }
  arm(recovery, now);
  return action;
}

/** RFC 8985 §6.2 step 5: the wait for reordered segments is over. True when some are lost. */
function expireReordering(recovery: LossRecovery, now: Instant): boolean {
  const { rack, window, records, estimator } = recovery;
  const isRepairing = recovery.phase >= RecoveryPhase.RECOVERY;
  const allowed = (window.window - recovery.inFlight) | 0;
  const reordering = rack.reorderingWindow(estimator, isRepairing, records.sackedCount);
  if (recovery.detectLosses(reordering, now) === 0) return false;
  if (!isRepairing) {
    enterRecovery(recovery, now);
  } else if (recovery.phase === RecoveryPhase.RECOVERY) {
    continueRecovery(recovery, now);
    // RFC 6937: what may leave is paced by what arrives; only the first goes without an acknowledgement.
    if (!recovery.rulesRecovery) window.window = (recovery.inFlight + Math.max(allowed, window.maximumSegmentSize)) | 0;
  }
  return true;
}
