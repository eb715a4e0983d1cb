export { LossRecovery } from './loss-recovery.js';
export { DeadlineKind, RecoveryAction, RecoveryPhase } from './recovery-constants.js';
export type { LossRecoveryOptions } from './recovery-options.js';
