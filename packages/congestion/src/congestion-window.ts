/** The largest window, in bytes: what 16 bits scaled by 14 can offer (RFC 7323 §2.3), and small enough to add two of them. */
export const MAXIMUM_WINDOW = 0x3fff_ffff;

/**
 * How much one connection may have in flight. Everything is an int32; sizes are bytes.
 *
 * One of three writes `window` at any time: congestion control on acknowledgements, timeouts, idle periods and undo;
 * loss recovery from {@link CongestionControl.onCongestion} to {@link CongestionControl.onRecovered}.
 */
export class CongestionWindow {
  /** cwnd (RFC 5681 §2): 1 segment to {@link MAXIMUM_WINDOW}. */
  window = 0;
  /** ssthresh (RFC 5681 §2): at least 2 segments; {@link MAXIMUM_WINDOW} until the first congestion. */
  slowStartThreshold = MAXIMUM_WINDOW;
  /** SMSS (RFC 5681 §2): payload bytes of a full segment, options deducted. Change it by {@link setMaximumSegmentSize}. */
  maximumSegmentSize = 0;
  /** IW (RFC 6928 §2). */
  initialWindow = 0;
  /** The floor of `slowStartThreshold`: 2 segments (RFC 5681 §3.1 (4)). */
  minimumWindow = 0;
  /** Pacing rate in bytes per second; 0: unpaced. An algorithm that wants pacing sets it. */
  bytesPerSecond = 0;

  /** `window` before the reduction that may yet prove spurious; 0: there is none. */
  priorWindow = 0;
  /** `slowStartThreshold` before that reduction. */
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
    this.forget();
  }

  /** After path MTU discovery. The window keeps its bytes, but never less than one segment. */
  setMaximumSegmentSize(bytes: number): void {
    this.maximumSegmentSize = bytes;
    // RFC 6928 §2.
    this.initialWindow = Math.min(10 * bytes, Math.max(2 * bytes, 14600));
    this.minimumWindow = 2 * bytes;
    if (this.window < bytes) this.window = bytes;
    if (this.slowStartThreshold < this.minimumWindow) this.slowStartThreshold = this.minimumWindow;
  }

  get isSlowStart(): boolean {
    return this.window < this.slowStartThreshold;
  }

  /** A reduction is under repair and can still be undone: `priorWindow` and `priorThreshold` hold. */
  get isReduced(): boolean {
    return this.priorWindow !== 0;
  }

  /** Enlarges the window by `bytes` (0 to {@link MAXIMUM_WINDOW}), up to {@link MAXIMUM_WINDOW}. */
  grow(bytes: number): void {
    this.window = Math.min((this.window + bytes) | 0, MAXIMUM_WINDOW);
  }

  /** Keeps the state to return to by {@link restore}; within a reduction that is not repaired, the older state holds. */
  remember(): void {
    if (this.priorWindow !== 0) return;
    this.priorWindow = this.window;
    this.priorThreshold = this.slowStartThreshold;
  }

  /** The reduction was genuine, or is over. */
  forget(): void {
    this.priorWindow = 0;
    this.priorThreshold = MAXIMUM_WINDOW;
  }

  /** Back to the state before the reduction; what has grown beyond it since stays. */
  restore(): void {
    if (this.priorWindow === 0) return;
    if (this.window < this.priorWindow) this.window = this.priorWindow;
    if (this.slowStartThreshold < this.priorThreshold) this.slowStartThreshold = this.priorThreshold;
    this.forget();
  }
}
