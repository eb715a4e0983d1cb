import type { AcknowledgementSample } from '@prism-net/congestion';

/** Times of loss recovery, all in microseconds, and what connections share. */
export interface LossRecoveryOptions {
  /** The least retransmission timeout. RFC 6298 §2.4 says 1 s; hosts have used 200 ms for decades. Default 200,000. */
  readonly minimumTimeout?: number;
  /** The timeout before the first measurement (RFC 6298 §2.1). Default 1,000,000. */
  readonly initialTimeout?: number;
  /** The greatest timeout, backed off (RFC 6298 §2.5). Default 60,000,000. */
  readonly maximumTimeout?: number;
  /** G of RFC 6298 §2: the least that is added to the smoothed round trip. Default 1000. */
  readonly clockGranularity?: number;
  /** The least reordering window that is not 0: what timers and instants can resolve. Default 250. */
  readonly reorderingGranularity?: number;
  /** TLP.max_ack_delay (RFC 8985 §7.2): for how long a peer may delay an acknowledgement. Default 200,000. */
  readonly maximumAcknowledgementDelay?: number;
  /** The least time to a tail loss probe. Default 2000. */
  readonly minimumProbeTimeout?: number;
  /** Refilled by each acknowledgement; connections may share one. Default: one of its own. */
  readonly sample?: AcknowledgementSample;
}

export const LOSS_RECOVERY_DEFAULTS = {
  minimumTimeout: 200_000,
  initialTimeout: 1_000_000,
  maximumTimeout: 60_000_000,
  clockGranularity: 1000,
  reorderingGranularity: 250,
  maximumAcknowledgementDelay: 200_000,
  minimumProbeTimeout: 2000,
} as const;
