/*
 * Distributions drawn by one byte of randomness: table[byte].
 */

/** Ticks between the best possible passive price and the order's: most at the touch, a tail out to 60 ticks. */
export const PASSIVE_DISTANCE_TICKS: Int32Array = distances();

/** Quantities in whole units: mostly one round lot of 100; 0 = an odd lot. */
export const QUANTITY_UNITS: Int32Array = table([
  [110, 100],
  [40, 200],
  [20, 300],
  [12, 400],
  [14, 500],
  [10, 1000],
  [3, 2000],
  [1, 5000],
  [46, 0],
]);

/** A block is so many times its ordinary quantity. */
export const BLOCK_FACTOR = 25;
/** One aggressive order in so many is a block; a power of two. */
export const BLOCK_EVERY = 512;

function distances(): Int32Array {
  const furthest = 60;
  const weights: [number, number][] = [];
  let sum = 0;
  for (let ticks = 0; ticks <= furthest; ticks++) sum += (ticks + 1) ** -1.8;
  // The whole table is cut into the power law's shares, the rounding's remainder goes to the touch.
  let cut = 0;
  for (let ticks = furthest; ticks > 0; ticks--) {
    const count = Math.max(ticks % 8 === 0 ? 1 : 0, Math.round((256 * (ticks + 1) ** -1.8) / sum));
    weights.push([count, ticks]);
    cut += count;
  }
  weights.push([256 - cut, 0]);
  return table(weights);
}

function table(weights: readonly (readonly [count: number, value: number])[]): Int32Array {
  const values = new Int32Array(256);
  let at = 0;
  for (const [count, value] of weights) {
    values.fill(value, at, at + count);
    at += count;
  }
  if (at !== 256) throw new Error(`distribution of ${at} entries instead of 256`);
  return values;
}
