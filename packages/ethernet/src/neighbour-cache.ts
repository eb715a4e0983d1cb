/** Limits and times of the neighbour cache. */
export interface NeighbourOptions {
  /** Most neighbours known at once. Default 1,024. */
  readonly capacity?: number;
  /** How long a neighbour counts as reachable after its last answer; randomised by ±50 % (RFC 4861 §6.3.2). Default 60,000. */
  readonly reachableMilliseconds?: number;
  /** Time between two requests for the same neighbour; not below 1,000 (RFC 1122 §2.3.2.1). Default 1,000. */
  readonly retransmitMilliseconds?: number;
  /** Requests without an answer after which a neighbour counts as unreachable. Default 3. */
  readonly maximumRequests?: number;
  /** How long sends to an unreachable neighbour fail at once. Default 3,000. */
  readonly failedMilliseconds?: number;
  /** Most packets that wait for one neighbour; the oldest gives way (RFC 1122 §2.3.2.2). Default 3. */
  readonly pendingPerNeighbour?: number;
  /** Most packets that wait for all neighbours together. Default 256. */
  readonly pendingTotal?: number;
}
