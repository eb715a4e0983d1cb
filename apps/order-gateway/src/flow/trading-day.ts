const PERIODS = 64;
/** A short burst starts once in so many orders … */
const BURST_EVERY = 4096;
/** … lasts 64 to 319 of them … */
const BURST_SHORTEST = 64;
const BURST_SPREAD_MASK = 255;
/** … and comes so many times as fast. */
const BURST_FACTOR = 4;
/** Keeps the average of the day at 1000 in spite of the bursts: 4.5 % of the orders take a quarter of their time. */
const BETWEEN_BURSTS_PERMILLE = 966;

/** Order rate over the day in thousandths of the average, U-shaped: burst at the open, lull, burst at the close. */
export const DAY_PROFILE_PERMILLE: Int32Array = dayProfile();

/**
 * Where in the trading day the flow is. The day advances by orders, not by a clock: the same seed gives the same
 * orders however fast they are taken. A paced sender follows {@link intensityPermille}; since each period has as many
 * orders as its intensity says, all periods then last equally long.
 */
export class TradingDay {
  /** Present rate in thousandths of the day's average. */
  intensityPermille = 1000;
  /** Days gone by. */
  days = 0;
  /** 0 to 63. */
  period = 0;
  /** In a burst most orders are on one side: +1 buyers, -1 sellers, 0 no burst. */
  burst = 0;

  readonly #ordersOfPeriod = new Int32Array(PERIODS);
  #ordersLeft: number;
  #burstLeft = 0;

  constructor(ordersPerDay: number) {
    for (let period = 0; period < PERIODS; period++) {
      const orders = (ordersPerDay / PERIODS) * (DAY_PROFILE_PERMILLE[period]! / 1000);
      this.#ordersOfPeriod[period] = Math.max(1, Math.round(orders));
    }
    this.#ordersLeft = this.#ordersOfPeriod[0]!;
    this.#setIntensity();
  }

  /** Moves on by one order. `bits`: 32 random ones; a burst starts where the lower 12 are 0. */
  advance(bits: number): void {
    if (this.#ordersLeft === 0) {
      if (this.period + 1 === PERIODS) {
        this.period = 0;
        this.days = (this.days + 1) | 0;
      } else {
        this.period = (this.period + 1) | 0;
      }
      this.#ordersLeft = this.#ordersOfPeriod[this.period]!;
      this.#setIntensity();
    }
    this.#ordersLeft = (this.#ordersLeft - 1) | 0;
    if (this.#burstLeft > 0) {
      this.#burstLeft = (this.#burstLeft - 1) | 0;
      if (this.#burstLeft === 0) {
        this.burst = 0;
        this.#setIntensity();
      }
      return;
    }
    if ((bits & (BURST_EVERY - 1)) === 0) {
      this.burst = bits < 0 ? 1 : -1;
      this.#burstLeft = (BURST_SHORTEST + ((bits >>> 12) & BURST_SPREAD_MASK)) | 0;
      this.#setIntensity();
    }
  }

  #setIntensity(): void {
    const permille = (DAY_PROFILE_PERMILLE[this.period]! * BETWEEN_BURSTS_PERMILLE) / 1000;
    this.intensityPermille = (this.burst === 0 ? permille : permille * BURST_FACTOR) | 0;
  }
}

function dayProfile(): Int32Array {
  const weights = new Float64Array(PERIODS);
  let sum = 0;
  for (let period = 0; period < PERIODS; period++) {
    const fromOpen = (period + 0.5) / PERIODS;
    // The open decays faster than the close builds up.
    const weight = 0.45 + 3.2 * (1 - fromOpen) ** 12 + 2.2 * fromOpen ** 8;
    weights[period] = weight;
    sum += weight;
  }
  const profile = new Int32Array(PERIODS);
  for (let period = 0; period < PERIODS; period++) {
    profile[period] = Math.round((weights[period]! * 1000 * PERIODS) / sum);
  }
  return profile;
}
