/** Where BBR stands (draft-ietf-ccwg-bbr, "State Machine"). */
export const BbrPhase = {
  /** The rate doubles each round trip until it brings no more bandwidth, or losses. */
  STARTUP: 0,
  /** The queue that this made is let run empty. */
  DRAIN: 1,
  /** ProbeBW: slower than the path delivers, to leave room for others. */
  PROBE_DOWN: 2,
  /** ProbeBW: as fast as the path delivers. */
  PROBE_CRUISE: 3,
  /** ProbeBW: one round trip in which the pipe is filled, to see in the next what is beyond. */
  PROBE_REFILL: 4,
  /** ProbeBW: a quarter faster than the path delivered. */
  PROBE_UP: 5,
  /** Half of what fills the path is in flight, so that the shortest round trip shows. */
  PROBE_ROUND_TRIP: 6,
} as const;
export type BbrPhase = (typeof BbrPhase)[keyof typeof BbrPhase];

/** Pacing gain by phase ("Summary of Control Behavior in the State Machine"). */
export const PACING_GAINS: readonly number[] = [2.77, 0.5, 0.9, 1, 1, 1.25, 1];
/** Window gain by phase. */
export const WINDOW_GAINS: readonly number[] = [2, 2, 2, 2, 2, 2.25, 0.5];

export function isProbingBandwidth(phase: BbrPhase): boolean {
  return phase >= BbrPhase.PROBE_DOWN && phase <= BbrPhase.PROBE_UP;
}

/** IsProbingBW: more is sent than the path is known to carry, so that losses are no surprise. */
export function isAccelerating(phase: BbrPhase): boolean {
  return phase === BbrPhase.STARTUP || phase === BbrPhase.PROBE_REFILL || phase === BbrPhase.PROBE_UP;
}

/** What the acknowledgements that arrive are of (BBR.ack_phase). */
export const AcknowledgementPhase = {
  /** Nothing in particular. */
  NONE: 0,
  REFILLING: 1,
  /** The faster rate has begun; what arrives was sent before. */
  PROBE_STARTING: 2,
  /** What arrives was sent at the faster rate. */
  PROBE_FEEDBACK: 3,
  /** The faster rate has ended; what arrives was sent at it still. */
  PROBE_STOPPING: 4,
} as const;
export type AcknowledgementPhase = (typeof AcknowledgementPhase)[keyof typeof AcknowledgementPhase];
