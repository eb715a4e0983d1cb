/** Bytes of a full Ethernet frame without its FCS: what the simulator's lines count. */
export const FRAME = 1514;

/** A bottleneck between senders and one receiver, and who sends over it. */
export interface PathOptions {
  readonly seed: number;
  readonly bitsPerSecond: number;
  /** Without queueing; the first sender's, where flows differ. */
  readonly roundTripMicroseconds: number;
  /** The drop-tail queue in front of the bottleneck, in bandwidth-delay products. Default 1. */
  readonly queue?: number;
  /** Frames in the queue from which on ECN-capable ones are marked. Default: never. */
  readonly markAt?: number;
  /** Share of data frames lost at random. Default 0. */
  readonly loss?: number;
  /** Frames of acknowledgements come up to this much later, which breaks ties between flows. Default 0. */
  readonly jitterMicroseconds?: number;
  /** Ask for ECN. Default true: without `markAt` nothing comes of it. */
  readonly ecn?: boolean;
  readonly flows: readonly FlowOptions[];
}

export interface FlowOptions {
  /** The algorithm's registered name. */
  readonly congestionControl: string;
  /** Default: the path's. */
  readonly roundTripMicroseconds?: number;
  /** When it connects. Default 0. */
  readonly atMicroseconds?: number;
  /** It always has something to send; else only what {@link Flow.supply} gives it. Default true. */
  readonly isGreedy?: boolean;
}

/** Whole frames in a bandwidth-delay product, at least one. */
export function framesInFlight(bitsPerSecond: number, roundTripMicroseconds: number): number {
  return Math.max(1, Math.round((bitsPerSecond * roundTripMicroseconds) / 8e6 / FRAME));
}
