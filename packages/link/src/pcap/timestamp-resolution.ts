/** Turns the 64-bit timestamps of a pcapng interface into seconds and nanoseconds, exactly. */
export class TimestampResolution {
  /** Results of the last {@link split}. */
  seconds = 0;
  nanoseconds = 0;

  /** Units per second when a power of ten up to 10^9; else 0. */
  readonly #unitsPerSecond: number;
  readonly #exponent: number;
  readonly #binary: boolean;
  readonly #offsetSeconds: number;

  /** `code` is the value of if_tsresol: 10^-code, or 2^-(code - 128) from 128 on. `offsetSeconds` is if_tsoffset. */
  constructor(code: number, offsetSeconds: number) {
    this.#binary = code >= 128;
    this.#exponent = code & 127;
    this.#unitsPerSecond = !this.#binary && code <= 9 ? 10 ** code : 0;
    this.#offsetSeconds = offsetSeconds;
  }

  split(high: number, low: number): void {
    const units = this.#unitsPerSecond;
    if (units === 0) {
      this.#splitUnusual(high, low);
      return;
    }
    // Long division by 16 bits at a time: every intermediate value is below 2^53.
    let rest = high % units;
    let seconds = Math.floor(high / units) * 2 ** 32;
    let part = rest * 65_536 + Math.floor(low / 65_536);
    seconds += Math.floor(part / units) * 65_536;
    rest = part % units;
    part = rest * 65_536 + (low % 65_536);
    seconds += Math.floor(part / units);
    this.seconds = seconds + this.#offsetSeconds;
    this.nanoseconds = (part % units) * (1e9 / units);
  }

  /** Picoseconds, powers of two: rare, and allowed to be slow. */
  #splitUnusual(high: number, low: number): void {
    const value = (BigInt(high) << 32n) | BigInt(low);
    const units = (this.#binary ? 2n : 10n) ** BigInt(this.#exponent);
    this.seconds = Number(value / units) + this.#offsetSeconds;
    this.nanoseconds = Number(((value % units) * 1_000_000_000n) / units);
  }
}
