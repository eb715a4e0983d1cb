/**
 * The wire carries prices and quantities as u64 in units of 1e-8. Inside, a price is an int32 number of ticks and a
 * quantity an int32 number of lots, one tick and one lot being 0.01 (10^6 wire units), so that the book compares and
 * subtracts small integers only.
 *
 * Limits: price and quantity are multiples of 0.01, at least 0.01 and at most 21,474,836.47.
 *
 * Why a double divides exactly: (2^31 - 1) · 10^6 < 2^53, so every value in range is an exact double. Its product with
 * the double nearest to 10^-6 is off by less than 10^-5, so rounding finds the quotient of every multiple of 10^6, and
 * multiplying back (again exact) tells the others apart. Doubles stay local: they live in registers and nothing is
 * allocated.
 */
const WIRE_UNITS_PER_STEP = 1_000_000;
const STEPS_PER_WIRE_UNIT = 1e-6;
/** Ticks in a price of 1, lots in a quantity of 1. */
export const STEPS_PER_UNIT = 100;

/** Not a multiple of one step (tick or lot). */
export const OFF_STEP = -1;
/** More steps than an int32 holds. */
export const BEYOND_RANGE = -2;

const TWO_POW_32 = 4_294_967_296;
const LARGEST_WIRE_VALUE = 2_147_483_647 * WIRE_UNITS_PER_STEP;
// With no larger a high word the sum below is an exact double.
const LARGEST_HIGH_WORD = Math.floor(LARGEST_WIRE_VALUE / TWO_POW_32);

/** A u64 in two words (each read as unsigned) → steps ≥ 0, or {@link OFF_STEP}, or {@link BEYOND_RANGE}. */
export function stepsFromWords(low: number, high: number): number {
  if (high < 0 || high > LARGEST_HIGH_WORD) return BEYOND_RANGE;
  const value = high * TWO_POW_32 + (low >>> 0);
  if (value > LARGEST_WIRE_VALUE) return BEYOND_RANGE;
  // A product is several times faster than a quotient.
  const steps = (value * STEPS_PER_WIRE_UNIT + 0.5) | 0;
  return steps * WIRE_UNITS_PER_STEP === value ? steps : OFF_STEP;
}

/** The low word of `steps` ≥ 0 in wire units. */
export function lowWordOfSteps(steps: number): number {
  return (steps * WIRE_UNITS_PER_STEP) | 0;
}

/** The high word of `steps` ≥ 0 in wire units. */
export function highWordOfSteps(steps: number): number {
  return ((steps * WIRE_UNITS_PER_STEP) / TWO_POW_32) | 0;
}
