/** What happened on the path in an interval. Shares are 0 to 1, queues in bandwidth-delay products of the path. */
export interface Measurement {
  readonly seconds: number;
  /** Of the bottleneck's rate, frames counted whole. */
  readonly utilisation: number;
  readonly queueMean: number;
  /** What 95 % of the samples do not exceed. */
  readonly queue95: number;
  readonly queueMaximum: number;
  /** Of the data frames that came to the bottleneck. */
  readonly loss: number;
  readonly marked: number;
  /** Of the data segments sent. */
  readonly retransmitted: number;
  readonly timeouts: number;
  /** Payload per second that was received, in bits, by flow. */
  readonly goodputs: readonly number[];
  readonly jain: number;
  /** Mean congestion window in segments, by flow. */
  readonly windows: readonly number[];
  /** Bytes outstanding at most, in bandwidth-delay products, of all flows together (sum of their largest). */
  readonly flightMaximum: number;
}
