import type { CongestionControl } from '@prism-net/congestion';
import type { Instant } from '@prism-net/time';
import type { LossRecovery } from './loss-recovery.js';
import { RecoveryPhase } from './recovery-constants.js';

/** See `LossRecovery.use`. */
export function useControl(recovery: LossRecovery, control: CongestionControl, now: Instant): void {
  const { traits } = control;
  const { records, window } = recovery;
  const ruledRecovery = recovery.rulesRecovery;
  recovery.control = control;
  recovery.hearsOfSending = traits.sent;
  recovery.rulesRecovery = traits.rulesRecovery;
  recovery.preciseEcn = traits.preciseEcn;
  if (traits.deliveryRate !== records.keepsRates) {
    records.keepRates(traits.deliveryRate);
    recovery.rate.reset(now);
  }
  if (!recovery.isEstablished) return;
  recovery.observesSending = traits.sent || traits.deliveryRate;
  const { window: size, slowStartThreshold, isRecovering, isAfterTimeout } = window;
  window.bytesPerSecond = 0;
  control.start(window, now);
  window.window = size;
  window.slowStartThreshold = slowStartThreshold;
  window.isRecovering = isRecovering;
  window.isAfterTimeout = isAfterTimeout;
  window.priorWindow = 0;
  window.confine();
  recovery.undo.end();
  // The one before has ruled the window by itself: what it left is what the repair is to come out with.
  if (ruledRecovery && !recovery.rulesRecovery && recovery.phase === RecoveryPhase.RECOVERY) {
    window.slowStartThreshold = Math.max(Math.min(slowStartThreshold, size), window.minimumWindow);
    recovery.reduction.start(recovery.inFlight);
  }
}
