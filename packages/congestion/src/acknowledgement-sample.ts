/**
 * What one acknowledgement (or one burst of them, taken together) said. One object per TCP layer, refilled for each
 * call of {@link CongestionControl.onAcknowledgement} and not to be kept. Everything is an int32 or a boolean.
 */
export class AcknowledgementSample {
  /** Bytes by which the cumulative acknowledgement advanced; 0 for a duplicate. */
  acknowledgedBytes = 0;
  /** Bytes newly known to have arrived: cumulatively acknowledged or SACKed, each counted once. */
  deliveredBytes = 0;
  /** All bytes delivered since the connection began, modulo 2^32: compare by `(a - b) | 0`. */
  deliveredTotal = 0;
  /** µs; the round trip measured by this acknowledgement; -1: none (RFC 6298 §3, Karn). */
  roundTrip = -1;
  /** µs; SRTT (RFC 6298 §2); 0: not measured yet. */
  smoothedRoundTrip = 0;
  /** µs; the shortest round trip of the recent past; 0: not measured yet. */
  minimumRoundTrip = 0;
  /** Bytes outstanding before this acknowledgement came. */
  inFlight = 0;
  /**
   * The congestion window was what held the sender back since the last acknowledgement; not the application, not the
   * receiver's window, not a sender that had not yet come round to sending. Only then may the window grow (RFC 9438
   * §5.8, RFC 7661 §4.3). In slow start it is enough that half of the window was in flight (RFC 7661 §4.2), since a
   * doubled window is filled only a round trip later.
   */
  isWindowLimited = false;
  /** The segment carried ECE (RFC 3168 §6.1): with the trait `preciseEcn`, all it acknowledges was marked. */
  hasEcnEcho = false;
  /** Bytes outstanding now, what this acknowledgement found lost deducted. */
  inFlightNow = 0;
  /** Bytes found lost since the last sample. */
  lostBytes = 0;
  /** All bytes found lost since the connection began, modulo 2^32; what was lost twice counts twice. */
  lostTotal = 0;

  // The delivery rate (draft-ietf-ccwg-bbr, "Delivery Rate Samples"), of the segment acknowledged that was sent last. Filled
  // for algorithms with the trait `deliveryRate` only.
  /** µs over which {@link intervalBytes} were delivered: the longer one of sending and of acknowledging them; -1: no sample. */
  interval = -1;
  intervalBytes = 0;
  /** {@link deliveredTotal} when that segment was sent: a round trip began there. */
  priorDelivered = 0;
  /** Bytes in flight when it had been sent, itself included. */
  inFlightAtSend = 0;
  /** Bytes found lost between its transmission and now. */
  lostSinceSend = 0;
  /** The application had nothing more to send at that time: the path may be faster than this. */
  isApplicationLimited = false;

  /** As made. */
  reset(): void {
    this.acknowledgedBytes = 0;
    this.deliveredBytes = 0;
    this.deliveredTotal = 0;
    this.roundTrip = -1;
    this.smoothedRoundTrip = 0;
    this.minimumRoundTrip = 0;
    this.inFlight = 0;
    this.isWindowLimited = false;
    this.hasEcnEcho = false;
    this.inFlightNow = 0;
    this.lostBytes = 0;
    this.lostTotal = 0;
    this.interval = -1;
    this.intervalBytes = 0;
    this.priorDelivered = 0;
    this.inFlightAtSend = 0;
    this.lostSinceSend = 0;
    this.isApplicationLimited = false;
  }
}
