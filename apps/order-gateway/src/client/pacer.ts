/** How many orders are due: `ordersPerSecond` times the intensity of the trading day, or no limit. Allocates nothing. */
export class Pacer {
  readonly #ordersPerSecond: number;
  /** Orders due and not yet sent; time of the last look, in nanoseconds (int32). */
  readonly #due = new Float64Array(1);
  #last: number;

  /** @param ordersPerSecond 0 means as fast as the window allows. */
  constructor(ordersPerSecond: number, now: number) {
    this.#ordersPerSecond = ordersPerSecond;
    this.#last = now;
  }

  /** Orders that may be sent at `now` (int32 nanoseconds), when the day's intensity is `intensityPermille`. */
  allowed(now: number, intensityPermille: number): number {
    if (this.#ordersPerSecond === 0) return 0x7fff_ffff;
    const elapsed = (now - this.#last) >>> 0;
    this.#last = now;
    const perNanosecond = (this.#ordersPerSecond * intensityPermille) / 1e12;
    // A thread that slept must not send all it missed in one lump of any size: at most 10 ms of it.
    this.#due[0] = Math.min(this.#due[0]! + elapsed * perNanosecond, Math.max(1, perNanosecond * 1e7));
    return this.#due[0]! | 0;
  }

  used(orders: number): void {
    if (this.#ordersPerSecond !== 0) this.#due[0]! -= orders;
  }
}
