/**
 * Arithmetic on sequence numbers (RFC 9293 §3.4): integers modulo 2^32, held as int32. A number is "less" than another
 * when the shortest way from it to the other leads forward, so any two that are compared must be less than 2^31 apart;
 * exactly 2^31 apart, each is less than the other. The comparison operators of the language never apply.
 */

const SIGN = -0x8000_0000;

/** How far `a` is ahead of `b`, from -2^31 to 2^31 - 1. */
export function difference(a: number, b: number): number {
  return (a - b) | 0;
}

/** `a` moved by `count`, which may be negative. */
export function add(a: number, count: number): number {
  return (a + count) | 0;
}

export function isLess(a: number, b: number): boolean {
  return ((a - b) | 0) < 0;
}

export function isLessOrEqual(a: number, b: number): boolean {
  return ((b - a) | 0) >= 0;
}

export function isGreater(a: number, b: number): boolean {
  return ((b - a) | 0) < 0;
}

export function isGreaterOrEqual(a: number, b: number): boolean {
  return ((a - b) | 0) >= 0;
}

/** The later of two. */
export function maximum(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? b : a;
}

/** The earlier of two. */
export function minimum(a: number, b: number): number {
  return ((a - b) | 0) < 0 ? a : b;
}

/** `low` <= `x` < `high` on the circle: the range may be up to 2^32 - 1 long, and is empty when its ends are equal. */
export function isBetween(low: number, x: number, high: number): boolean {
  // Both distances are unsigned; with the sign bit turned over they compare as int32.
  return ((x - low) ^ SIGN) < ((high - low) ^ SIGN);
}
