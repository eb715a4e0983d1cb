/** What loss recovery is doing. */
export const RecoveryPhase = {
  /** Nothing is missing. */
  OPEN: 0,
  /** Something arrived beyond a hole: loss or reordering, not yet decided. */
  DISORDER: 1,
  /** Losses found by acknowledgements are being repaired; the window is ruled by RFC 6937. */
  RECOVERY: 2,
  /** The retransmission timer expired; slow start from one segment. */
  LOSS: 3,
} as const;
export type RecoveryPhase = (typeof RecoveryPhase)[keyof typeof RecoveryPhase];

/** What the one timer of loss recovery waits for. */
export const DeadlineKind = {
  /** Nothing outstanding: the timer is off (RFC 6298 §5.2). */
  NONE: 0,
  /** RFC 6298. */
  RETRANSMISSION: 1,
  /** The tail loss probe of RFC 8985 §7. */
  PROBE: 2,
  /** The reordering window of RFC 8985 §6.2 step 5. */
  REORDERING: 3,
} as const;
export type DeadlineKind = (typeof DeadlineKind)[keyof typeof DeadlineKind];

/** What the caller does after a deadline. */
export const RecoveryAction = {
  NONE: 0,
  /**
   * Send one segment of new data if there is some and the peer's window takes it (the congestion window need not), else
   * retransmit the record `lastRecord()` (RFC 8985 §7.3).
   */
  PROBE_SEND_NEW_OR_LAST: 1,
  /** Records were marked lost: send as for any acknowledgement, first what `nextLost()` names. */
  RETRANSMIT: 2,
} as const;
export type RecoveryAction = (typeof RecoveryAction)[keyof typeof RecoveryAction];
