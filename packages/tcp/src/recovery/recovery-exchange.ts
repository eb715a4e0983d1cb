import type { StateCursor } from '../parking/state-cursor.js';
import type { LossRecovery } from './loss-recovery.js';
import type { DeadlineKind, RecoveryPhase } from './recovery-constants.js';

/** Saves or restores all state but that of congestion control. Only while nothing is outstanding. */
export function exchangeRecovery(recovery: LossRecovery, state: StateCursor): void {
  const { window } = recovery;
  recovery.records.exchange(state);
  recovery.unacknowledged = recovery.records.start;
  recovery.next = recovery.records.start;
  recovery.sackEnabled = state.flag(recovery.sackEnabled);
  recovery.timestampsEnabled = state.flag(recovery.timestampsEnabled);
  recovery.newDataAvailable = state.flag(recovery.newDataAvailable);
  recovery.phase = state.rare(recovery.phase) as RecoveryPhase;
  recovery.deadlineKind = state.rare(recovery.deadlineKind) as DeadlineKind;
  recovery.consecutiveTimeouts = state.rare(recovery.consecutiveTimeouts);
  recovery.firstTimeoutAt = state.rare(recovery.firstTimeoutAt);
  recovery.congestionWindowReduced = state.flag(recovery.congestionWindowReduced);
  recovery.recoveryPoint = state.number(recovery.recoveryPoint);
  recovery.reductionPoint = state.number(recovery.reductionPoint);
  recovery.reducedAt = state.rare(recovery.reducedAt);
  recovery.lossEnd = state.number(recovery.lossEnd);
  recovery.mustRetransmit = state.flag(recovery.mustRetransmit);
  recovery.isEstablished = state.flag(recovery.isEstablished);
  recovery.handshakeTimeouts = state.rare(recovery.handshakeTimeouts);
  recovery.observesSending = state.flag(recovery.observesSending);
  recovery.isReordering = state.flag(recovery.isReordering);
  // Without it the deadline is one of the past.
  recovery.reorderingDeadline = state.rare(recovery.isReordering ? recovery.reorderingDeadline : 0);
  if (!state.isSaving) {
    // Of no meaning while nothing is outstanding.
    recovery.deadline = 0;
    recovery.retransmissionDeadline = 0;
    recovery.armedAt = 0;
    recovery.markAnswered = recovery.unacknowledged;
  }
  recovery.lastSentAt = state.number(recovery.lastSentAt);
  recovery.roundEnd = state.number(recovery.roundEnd);
  recovery.deliveredTotal = state.number(recovery.deliveredTotal);
  recovery.lostReported = state.rare(recovery.lostReported);
  recovery.isWindowLimited = state.flag(recovery.isWindowLimited);
  recovery.limitedEnd = state.number(recovery.limitedEnd);
  recovery.estimator.exchange(state);
  recovery.rack.exchange(state);
  recovery.probe.exchange(state);
  recovery.reduction.exchange(state);
  recovery.duplicates.exchange(state);
  recovery.forward.exchange(state);
  recovery.undo.exchange(state);
  window.window = state.number(window.window);
  window.slowStartThreshold = state.number(window.slowStartThreshold);
  window.maximumSegmentSize = state.number(window.maximumSegmentSize);
  window.initialWindow = state.number(window.initialWindow);
  window.minimumWindow = state.number(window.minimumWindow);
  window.bytesPerSecond = state.rareDouble(window.bytesPerSecond);
  window.byteCountingLimit = state.rare(window.byteCountingLimit);
  window.isRecovering = state.flag(window.isRecovering);
  window.isAfterTimeout = state.flag(window.isAfterTimeout);
  window.priorWindow = state.rare(window.priorWindow);
  window.priorThreshold = state.rare(window.priorThreshold);
}
