/** The largest window, in bytes: what 16 bits scaled by 14 can offer (RFC 7323 §2.3). The sum of two is still an int32. */
export const MAXIMUM_WINDOW = 0x3fff_ffff;
/** Bytes per second: faster than any link. */
const MAXIMUM_RATE = 1e12;

/**
 * How much one connection may have in flight, and the rules of RFC 5681 that all algorithms share. Sizes are bytes;
 * everything is an int32 or a boolean.
 *
 * `window` has one writer at a time: congestion control on acknowledgements, timeouts, idle periods and undo; loss
 * recovery from {@link CongestionControl.onCongestion} to {@link CongestionControl.onRecovered}.
 */
export class CongestionWindow {
  /** cwnd (RFC 5681 §2): 1 segment to {@link MAXIMUM_WINDOW}. */
  window = 0;
  /** ssthresh (RFC 5681 §2): at least 2 segments; {@link MAXIMUM_WINDOW} until the first congestion. */
  slowStartThreshold = MAXIMUM_WINDOW;
  /** SMSS (RFC 5681 §2): payload of a full segment, options deducted. Changed by {@link setMaximumSegmentSize} only. */
  maximumSegmentSize = 0;
  /** IW (RFC 6928 §2). */
  initialWindow = 0;
  /** The floor of `slowStartThreshold`: 2 segments (RFC 5681 §3.1 (4)). */
  minimumWindow = 0;
  /**
   * Pacing rate in bytes per second, a double; 0: unpaced. An algorithm that wants pacing sets it; for those that do not,
   * the connection can pace by window and round trip (option `pacing`).
   */
  bytesPerSecond = 0;

  /**
   * L (RFC 3465 §2.2): how many segments one acknowledgement counts for in slow start while the sender is not paced; a
   * paced one has no limit. 8 is the value of RFC 9406 §4.3. The 2 of RFC 3465 stems from receivers that acknowledge every
   * other segment; those that acknowledge once per burst would hold slow start down to a crawl. 1 to 16384; kept by
   * {@link reset}.
   */
  byteCountingLimit = 8;

  /** A reduction is being repaired: from onCongestion or onTimeout to onRecovered or onUndo. */
  isRecovering = false;
  /** That reduction was a timeout. */
  isAfterTimeout = false;
  /** `window` before the last reduction; 0: there is nothing to undo. */
  priorWindow = 0;
  /** `slowStartThreshold` before the last reduction. */
  priorThreshold = MAXIMUM_WINDOW;

  /** `maximumSegmentSize` as for {@link reset}. */
  constructor(maximumSegmentSize: number) {
    this.reset(maximumSegmentSize);
  }

  /** The state of a new connection. `maximumSegmentSize` in bytes, 1 to 65535. */
  reset(maximumSegmentSize: number): void {
    this.setMaximumSegmentSize(maximumSegmentSize);
    this.window = this.initialWindow;
    this.slowStartThreshold = MAXIMUM_WINDOW;
    this.bytesPerSecond = 0;
    this.isRecovering = false;
    this.isAfterTimeout = false;
    this.priorWindow = 0;
    this.priorThreshold = MAXIMUM_WINDOW;
  }

  /** After path MTU discovery. The window keeps its bytes, but is never less than one segment, and the loss window is one. */
  setMaximumSegmentSize(bytes: number): void {
    // Else a timer that expires again would be taken for a new congestion.
    if (this.isRepeatedTimeout) this.window = bytes;
    this.maximumSegmentSize = bytes;
    // RFC 6928 §2.
    this.initialWindow = Math.min(10 * bytes, Math.max(2 * bytes, 14600));
    this.minimumWindow = 2 * bytes;
    this.window = Math.max(this.window, bytes);
    this.slowStartThreshold = Math.max(this.slowStartThreshold, this.minimumWindow);
  }

  get isSlowStart(): boolean {
    return this.window < this.slowStartThreshold;
  }

  /** There is a reduction {@link undo} can take back. */
  get canUndo(): boolean {
    return this.priorWindow !== 0;
  }

  /** Enlarges the window by `bytes`, 0 to {@link MAXIMUM_WINDOW}, up to {@link MAXIMUM_WINDOW}. */
  grow(bytes: number): void {
    this.window = Math.min((this.window + bytes) | 0, MAXIMUM_WINDOW);
  }

  /**
   * Slow start (RFC 9293 §3.8.2, MUST-19) with byte counting (RFC 5681 §3.1, RFC 3465 §2.2), to be called while
   * {@link isSlowStart}. Returns those of the bytes that were left over when the threshold was reached: they count for
   * congestion avoidance. With a `divisor`, a positive int32, the window grows so much more slowly (RFC 9406 §4.2).
   */
  slowStart(acknowledgedBytes: number, divisor = 1): number {
    let bytes = acknowledgedBytes;
    // RFC 3465 §2.3: after a timeout an acknowledgement can cover much that had arrived long before. Over with the repair.
    if (this.isAfterTimeout) bytes = Math.min(bytes, this.maximumSegmentSize);
    else if (this.bytesPerSecond === 0) bytes = Math.min(bytes, (this.byteCountingLimit * this.maximumSegmentSize) | 0);
    if (divisor !== 1) bytes = (bytes / divisor) | 0;
    const room = (this.slowStartThreshold - this.window) | 0;
    const growth = Math.min(bytes, room);
    this.grow(growth);
    return (bytes - growth) | 0;
  }

  /**
   * The flight size a reduction starts from: without what limited transmit sent beyond the window (RFC 5681 §3.2 (1)).
   * When the timer expires during fast recovery, `window` has been lowered already and says nothing about the load.
   */
  loadOf(flightSize: number): number {
    return this.isRecovering && !this.isAfterTimeout ? flightSize : Math.min(flightSize, this.window);
  }

  /** The same for a loss or ECE: a second one in the course of a repair lowers what the first has left (RFC 5681 §4.3). */
  loadAtCongestion(flightSize: number): number {
    const load = this.loadOf(flightSize);
    return this.isRecovering ? Math.min(load, this.slowStartThreshold) : load;
  }

  /**
   * A loss or ECE: remembers the state and sets the threshold, to 2 segments at least (RFC 5681 §3.1 (4)). Leaves `window`.
   */
  reduce(threshold: number): void {
    this.#remember();
    this.slowStartThreshold = Math.max(threshold, this.minimumWindow);
    this.isRecovering = true;
  }

  /**
   * The retransmission timer expired: one segment (RFC 5681 §3.1, the loss window). The threshold is as for {@link reduce}, but is
   * held when the timer expires again before anything was acknowledged, and does not rise.
   */
  timeOut(threshold: number): void {
    if (!this.isRepeatedTimeout) {
      this.#remember();
      const held = this.isRecovering ? this.slowStartThreshold : MAXIMUM_WINDOW;
      this.slowStartThreshold = Math.min(held, Math.max(threshold, this.minimumWindow));
    }
    this.window = this.maximumSegmentSize;
    this.isRecovering = true;
    this.isAfterTimeout = true;
  }

  /** An expiry of the timer now would be for data it has already resent: after a timeout nothing has been acknowledged. */
  get isRepeatedTimeout(): boolean {
    return this.isAfterTimeout && this.window <= this.maximumSegmentSize;
  }

  /** The repair is complete. It can still turn out to have been unnecessary: {@link undo}. */
  recovered(): void {
    this.isRecovering = false;
    this.isAfterTimeout = false;
  }

  /**
   * The last reduction was spurious: the state is as before it, unless the window has outgrown that already (RFC 9438 §4.9.2).
   * Returns whether it was restored.
   */
  undo(): boolean {
    const isRestored = this.window <= this.priorWindow;
    if (isRestored) {
      this.window = this.priorWindow;
      this.slowStartThreshold = Math.max(this.slowStartThreshold, this.priorThreshold);
    }
    if (this.priorWindow !== 0) this.recovered();
    this.priorWindow = 0;
    return isRestored;
  }

  /**
   * RFC 5681 §4.1: after more than a retransmission timeout without sending, the window is no larger than the restart window.
   * Slow start then leads back to three quarters of what was in use (RFC 7661 §4.4.3). Returns whether the window was lowered.
   */
  restart(idleMicroseconds: number, retransmissionTimeoutMicroseconds: number): boolean {
    if (idleMicroseconds <= retransmissionTimeoutMicroseconds || this.window <= this.initialWindow) return false;
    this.slowStartThreshold = Math.max(this.slowStartThreshold, (this.window - (this.window >> 2)) | 0);
    this.window = this.initialWindow;
    return true;
  }

  /**
   * To be called after every call of an algorithm: values beyond the limits become the nearest one within, so that a mistake of
   * a user's algorithm neither stops the connection nor overflows. NaN becomes the least window, and no pace.
   */
  confine(): void {
    const { maximumSegmentSize, minimumWindow } = this;
    if (!(this.window >= maximumSegmentSize && this.window <= MAXIMUM_WINDOW)) {
      this.window = this.window > MAXIMUM_WINDOW ? MAXIMUM_WINDOW : maximumSegmentSize;
    }
    if (!(this.slowStartThreshold >= minimumWindow && this.slowStartThreshold <= MAXIMUM_WINDOW)) {
      this.slowStartThreshold = this.slowStartThreshold > MAXIMUM_WINDOW ? MAXIMUM_WINDOW : minimumWindow;
    }
    if (!(this.bytesPerSecond >= 0 && this.bytesPerSecond <= MAXIMUM_RATE)) {
      this.bytesPerSecond = this.bytesPerSecond > MAXIMUM_RATE ? MAXIMUM_RATE : 0;
    }
  }

  #remember(): void {
    this.priorWindow = this.window;
    this.priorThreshold = this.slowStartThreshold;
  }
}
