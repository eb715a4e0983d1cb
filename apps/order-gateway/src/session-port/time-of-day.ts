import type { TimeStamp } from '@prism-net/ouch';

const NANOSECONDS_PER_DAY = 86_400e9;
const TWO_POW_32 = 4_294_967_296;

/** Nanoseconds since midnight in two words, as messages carry them, kept up from a clock of 32 bits. Allocates nothing. */
export class TimeOfDay implements TimeStamp {
  high: number;
  low: number;
  #last: number;

  /** `nanosecondsSinceMidnight` now, when the clock of int32 nanoseconds says `now`. */
  constructor(nanosecondsSinceMidnight: number, now: number) {
    const time = nanosecondsSinceMidnight % NANOSECONDS_PER_DAY;
    this.high = Math.floor(time / TWO_POW_32) | 0;
    this.low = time | 0;
    this.#last = now;
  }

  /** To be called at least every four seconds. */
  advance(now: number): void {
    const low = (this.low + (now - this.#last)) | 0;
    if (low >>> 0 < this.low >>> 0) this.high = (this.high + 1) | 0;
    this.low = low;
    this.#last = now;
  }
}
