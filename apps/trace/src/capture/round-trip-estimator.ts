/** Segments without an answer that are remembered: those of a capture without answers are many. */
const MAXIMUM_PENDING = 65_536;

/** Pairs of a number and the time it was first seen, in order. */
class Pending {
  #numbers: number[] = [];
  #times: number[] = [];
  #head = 0;

  get last(): number | undefined {
    return this.#numbers.at(-1);
  }

  push(number: number, time: number): void {
    this.#numbers.push(number);
    this.#times.push(time);
    if (this.#numbers.length - this.#head > MAXIMUM_PENDING) this.#head++;
    if (this.#head < 4096 || this.#head * 2 < this.#numbers.length) return;
    this.#numbers = this.#numbers.slice(this.#head);
    this.#times = this.#times.slice(this.#head);
    this.#head = 0;
  }

  /** Takes out as long as `isCovered`, and returns the time of the last taken; NaN when there was none. */
  take(isCovered: (number: number) => boolean): number {
    let time = Number.NaN;
    while (this.#head < this.#numbers.length && isCovered(this.#numbers[this.#head]!)) {
      time = this.#times[this.#head++]!;
    }
    return time;
  }
}

/** Round trips as an observer sees them: from a segment to the acknowledgement of it. */
export class RoundTripEstimator {
  /** RFC 6298 §2; NaN before the first measurement. */
  smoothed = Number.NaN;
  /** Least so far; NaN before the first. */
  minimum = Number.NaN;

  readonly #ends = new Pending();
  readonly #timestamps = new Pending();
  #ambiguousUntil = Number.NEGATIVE_INFINITY;

  /** A segment with new data. `timestamp` is its TSval, an int32, or NaN. */
  sent(end: number, timestamp: number, time: number): void {
    this.#ends.push(end, time);
    if (!Number.isNaN(timestamp)) this.#stamp(timestamp, time);
  }

  /** Data was sent again: acknowledgements up to the highest byte sent say nothing without timestamps (RFC 6298 §3). */
  repeated(highest: number, timestamp: number, time: number): void {
    this.#ambiguousUntil = highest;
    if (!Number.isNaN(timestamp)) this.#stamp(timestamp, time);
  }

  /** An acknowledgement of new data. `echo` is its TSecr or NaN. Returns the round trip, or NaN. */
  acknowledged(acknowledgement: number, echo: number, time: number): number {
    const sent = this.#ends.take((end) => end <= acknowledgement);
    const stamped = this.#takeTimestamp(echo);
    const from = acknowledgement > this.#ambiguousUntil ? sent : stamped;
    const sample = time - from;
    if (!(sample >= 0)) return Number.NaN;
    this.smoothed = Number.isNaN(this.smoothed) ? sample : this.smoothed + (sample - this.smoothed) / 8;
    if (!(sample >= this.minimum)) this.minimum = sample;
    return sample;
  }

  #stamp(timestamp: number, time: number): void {
    const last = this.#timestamps.last;
    // A clock ticks more slowly than segments follow: the first of a tick stands for all.
    if (last === undefined || ((timestamp - last) | 0) > 0) this.#timestamps.push(timestamp, time);
  }

  /** When the echoed timestamp was first seen; NaN when it never was. */
  #takeTimestamp(echo: number): number {
    if (Number.isNaN(echo)) return Number.NaN;
    this.#timestamps.take((timestamp) => ((timestamp - echo) | 0) < 0);
    return this.#timestamps.take((timestamp) => timestamp === echo);
  }
}
