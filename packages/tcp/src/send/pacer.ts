import type { Instant } from '@prism-net/time';

/** µs: what the rate carries within it leaves together. */
const QUANTUM_MICROSECONDS = 1000;
/** What one virtual segment can hold, about. */
const LARGEST_QUANTUM = 65_536;
/** Bytes per second, 1.2 Mbit/s: below it segments leave one by one (draft-ietf-ccwg-bbr, "Send Quantum"). */
const SLOW = 150_000;
/**
 * µs for which a sender that waits for its turn catches up: timers are late by a tick of the wheel, and in a process that
 * sleeps, by a millisecond or two. A longer stall is not made good by a burst.
 */
const LATENESS_MICROSECONDS = 4000;
/** µs; an `Instant` cannot tell much more. */
export const LONGEST_WAIT = 1 << 30;

/**
 * Spreads what one connection sends over time. The budget is bytes, paid in by the clock and spent by sending; a quantum
 * may leave whenever it is not overdrawn.
 *
 * ```
 *   budget  0 ──┐      ╱│     ╱│         idle: no more than 0 is saved
 *               │    ╱  │   ╱  │         timer late: what came in meanwhile leaves as well
 *   - quantum   └──╱    └─╱    └──
 * ```
 */
export class Pacer {
  /** Bytes per second; 0: unpaced. */
  rate = 0;
  /** Bytes that may leave at a time: whole segments. */
  quantum = 0;
  /** Something could have been sent, had the budget allowed it: {@link due} is when it will. */
  isWaiting = false;
  /** More was to be sent when the last turn ended: time that has passed since counts. */
  isBacklogged = false;

  // Doubles, in an array so that they are never boxed.
  readonly #budget = new Float64Array(1);
  #at: Instant = 0;

  /** The connection has its turn, at this rate and with segments of this size from now on. */
  begin(rate: number, segmentSize: number, now: Instant): void {
    const elapsed = (now - this.#at) | 0;
    this.#at = now;
    // What has passed was at the rate of then. Negative: longer than an Instant can say.
    const paid = elapsed < 0 ? LARGEST_QUANTUM : (this.rate * elapsed) / 1e6;
    const most = this.isBacklogged ? (this.rate * LATENESS_MICROSECONDS) / 1e6 : 0;
    this.#budget[0] = Math.min(this.#budget[0]! + paid, most);
    this.isWaiting = false;
    this.isBacklogged = false;
    if (rate === this.rate && this.quantum % segmentSize === 0 && this.quantum !== 0) return;
    this.rate = rate;
    const carried = Math.min((rate * QUANTUM_MICROSECONDS) / 1e6, LARGEST_QUANTUM);
    this.quantum = Math.imul(Math.max(rate < SLOW ? 1 : 2, (carried / segmentSize) | 0), segmentSize);
  }

  /** A quantum may leave; if not, the connection waits until {@link due}. */
  mayPass(): boolean {
    if (this.rate === 0 || this.#budget[0]! >= 0) return true;
    this.isWaiting = true;
    return false;
  }

  /** Text was put on the wire, whether it had to wait or not. */
  onSent(bytes: number): void {
    if (this.rate !== 0) this.#budget[0]! -= bytes;
  }

  /** When the budget allows more. */
  get due(): Instant {
    const wait = Math.ceil((-this.#budget[0]! * 1e6) / this.rate);
    return (this.#at + Math.min(Math.max(wait, 0), LONGEST_WAIT)) | 0;
  }
}
