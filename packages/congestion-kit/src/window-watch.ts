/** Segments that may leave although the window is full: two by limited transmit (RFC 3042 §2), a tail loss probe. */
const EXCEPTIONS = 3;

/**
 * Compares what a sender has outstanding with its congestion window, each time a segment has left, and keeps the window's
 * mean and extremes. The comparison is made while nothing is lost or reordered: all that was sent and is not acknowledged
 * is then in flight, and no account of loss recovery needs to be believed.
 */
export class WindowWatch {
  /** The window was no whole number of bytes from one segment to 2^30 - 1: what it was. */
  invalid: number | null = null;
  /** The slow start threshold, or the pacing rate, was no number from 0 on, or endless: what it was. */
  invalidThreshold: number | null = null;
  invalidRate: number | null = null;
  /** Segments by which the window was exceeded at most when data left. */
  excess = 0;
  /** Bytes; of the window while it was valid. */
  largest = 0;
  smallest = Number.POSITIVE_INFINITY;
  /** Bytes outstanding at most. */
  largestFlight = 0;
  #area = 0;
  #since = 0;
  #last = 0;
  #window = 0;
  #outstanding = 0;
  #checked = 0;

  /** From now on anew. */
  reset(time: number): void {
    this.excess = 0;
    this.largest = 0;
    this.largestFlight = 0;
    this.smallest = Number.POSITIVE_INFINITY;
    this.#area = 0;
    this.#since = time;
    this.#last = time;
  }

  /** How often data left and the window was looked at. */
  get checked(): number {
    return this.#checked;
  }

  /** The mean window in bytes over time since {@link reset}. */
  mean(time: number): number {
    const area = this.#area + this.#window * (time - this.#last);
    return time > this.#since ? area / (time - this.#since) : this.#window;
  }

  /** Looks at what an algorithm has set, before it is confined. A pace of 0 is none. */
  check(window: number, segment: number, threshold: number, bytesPerSecond: number): void {
    if (segment === 0) return;
    if (!isSize(window, segment)) this.invalid ??= window;
    if (!isAmount(threshold)) this.invalidThreshold ??= threshold;
    if (!isAmount(bytesPerSecond)) this.invalidRate ??= bytesPerSecond;
  }

  /** All that was set and is none of its kind, in words. */
  get faults(): readonly string[] {
    const { invalid, invalidThreshold, invalidRate } = this;
    const faults: string[] = [];
    if (invalid !== null) faults.push(`the window was ${invalid}, which is no size`);
    if (invalidThreshold !== null) faults.push(`the slow start threshold was ${invalidThreshold}, which is no size`);
    if (invalidRate !== null) faults.push(`the pacing rate was ${invalidRate}, which is no rate`);
    return faults;
  }

  look(
    window: number,
    segment: number,
    outstanding: number,
    isUndisturbed: boolean,
    hasSent: boolean,
    time: number,
  ): void {
    if (segment === 0) return;
    if (!isSize(window, segment)) {
      this.invalid ??= window;
      return;
    }
    this.#area += this.#window * (time - this.#last);
    this.#last = time;
    this.#window = window;
    if (window > this.largest) this.largest = window;
    if (window < this.smallest) this.smallest = window;
    if (outstanding > this.largestFlight) this.largestFlight = outstanding;
    if (hasSent && isUndisturbed && outstanding > this.#outstanding) {
      this.#checked++;
      const excess = (outstanding - window) / segment;
      if (excess > this.excess) this.excess = excess;
    }
    this.#outstanding = outstanding;
  }

  /** More left than the window allows, limited transmit and probes taken into account. */
  get isExceeded(): boolean {
    return this.excess > EXCEPTIONS;
  }
}

function isSize(window: number, segment: number): boolean {
  return Number.isInteger(window) && window >= segment && window <= 0x3fff_ffff;
}

function isAmount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
