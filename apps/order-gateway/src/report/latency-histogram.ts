/** Buckets per doubling are 2^6: a value is known to within 1.6 %. */
const PRECISION_BITS = 6;
const PER_OCTAVE = 1 << PRECISION_BITS;
/** 0 to 127 have a bucket each; then 64 per doubling up to 2^32. */
const BUCKETS = (32 - PRECISION_BITS + 1) * PER_OCTAVE;
/** Words before the buckets: the greatest, the least value plus one (0 = none yet), and the sum. */
const MAXIMUM = 0;
const MINIMUM_PLUS_ONE = 1;
const SUM = 2;
const HEADER_WORDS = 4;

/**
 * Latencies in nanoseconds, from 0 to 2^32 - 1 (4.29 s), counted in log-linear buckets: `record` is O(1) and allocates
 * nothing, the size is fixed and the relative error below 1.6 % everywhere; minimum, maximum and mean are exact.
 *
 * Over a SharedArrayBuffer one thread records while another prints. A reader may miss the newest few values; it never
 * sees a percentile that contradicts the buckets it read, because all of them come from the buckets alone.
 */
export class LatencyHistogram {
  /** Bytes to provide, at a multiple of 8. */
  static readonly byteLength: number = (HEADER_WORDS + BUCKETS) * 8;
  static readonly buckets: number = BUCKETS;

  /** Float64: counts pass 2^31 in a long run. */
  readonly #words: Float64Array;

  /** Over the caller's memory, which keeps what was recorded in it before, or over its own. */
  constructor(buffer: ArrayBufferLike = new ArrayBuffer(LatencyHistogram.byteLength), byteOffset = 0) {
    this.#words = new Float64Array(buffer, byteOffset, HEADER_WORDS + BUCKETS);
  }

  /** The least value that falls in a bucket. */
  static lowerBound(bucket: number): number {
    if (bucket < 2 * PER_OCTAVE) return bucket;
    const shift = (bucket >>> PRECISION_BITS) - 1;
    return (PER_OCTAVE + (bucket & (PER_OCTAVE - 1))) * 2 ** shift;
  }

  /** The greatest value that falls in a bucket. */
  static upperBound(bucket: number): number {
    return LatencyHistogram.lowerBound(bucket + 1) - 1;
  }

  /** Counts one latency: an int32 whose bits are read as unsigned, as a difference of two clock readings has them. */
  record(nanoseconds: number): void {
    const words = this.#words;
    // At most 2 * 64 - 1 after the shift: the highest bit stands at bit 6, or below in the first bucket row.
    const shift = Math.max(0, 31 - PRECISION_BITS - Math.clz32(nanoseconds));
    const bucket = HEADER_WORDS + (shift << PRECISION_BITS) + (nanoseconds >>> shift);
    words[bucket] = words[bucket]! + 1;
    const value = nanoseconds >>> 0;
    words[SUM] = words[SUM]! + value;
    if (value > words[MAXIMUM]!) words[MAXIMUM] = value;
    if (value + 1 < words[MINIMUM_PLUS_ONE]! || words[MINIMUM_PLUS_ONE] === 0) words[MINIMUM_PLUS_ONE] = value + 1;
  }

  /** How many were recorded. */
  get count(): number {
    let count = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) count += this.#words[HEADER_WORDS + bucket]!;
    return count;
  }

  /** How many fell in a bucket. */
  countAt(bucket: number): number {
    return this.#words[HEADER_WORDS + bucket] ?? 0;
  }

  /** In nanoseconds; 0 if nothing was recorded. */
  get maximum(): number {
    return this.#words[MAXIMUM]!;
  }

  /** In nanoseconds; 0 if nothing was recorded. */
  get minimum(): number {
    return Math.max(0, this.#words[MINIMUM_PLUS_ONE]! - 1);
  }

  /** In nanoseconds; 0 if nothing was recorded. */
  get mean(): number {
    const count = this.count;
    return count === 0 ? 0 : this.#words[SUM]! / count;
  }

  /**
   * The latency that `percent` of all stayed at or below, in nanoseconds: the upper end of its bucket, but never more
   * than the maximum. 0 if nothing was recorded.
   */
  percentile(percent: number): number {
    const rank = Math.max(1, Math.ceil((this.count * percent) / 100));
    let seen = 0;
    for (let bucket = 0; bucket < BUCKETS; bucket++) {
      seen += this.#words[HEADER_WORDS + bucket]!;
      if (seen >= rank) return Math.min(LatencyHistogram.upperBound(bucket), this.maximum);
    }
    return this.maximum;
  }

  /** Adds all that `other` counted. */
  merge(other: LatencyHistogram): void {
    const words = this.#words;
    for (let at = HEADER_WORDS; at < words.length; at++) words[at] = words[at]! + other.#words[at]!;
    words[SUM] = words[SUM]! + other.#words[SUM]!;
    words[MAXIMUM] = Math.max(words[MAXIMUM]!, other.#words[MAXIMUM]!);
    const theirs = other.#words[MINIMUM_PLUS_ONE]!;
    const ours = words[MINIMUM_PLUS_ONE]!;
    if (theirs !== 0 && (ours === 0 || theirs < ours)) words[MINIMUM_PLUS_ONE] = theirs;
  }

  /** Forgets everything, for example the warm-up. */
  reset(): void {
    this.#words.fill(0);
  }
}
