/**
 * Keyed hashes over int32 words (SipHash by Aumasson and Bernstein, https://131002.net/siphash/).
 *
 * Words are hashed as the little-endian bytes that hold them, so that the results agree with the reference
 * implementation; callers need not care, any fixed order of words serves.
 */

/** Secret of a hash table: two random int32 words; see `createHashKey`. */
export interface HashKey {
  readonly k0: number;
  readonly k1: number;
}

const HALF_V2 = 0x6c796765;
const HALF_V3 = 0x74656462;

/*
 * HalfSipHash-1-3: one round per word, three at the end. It is not a MAC; it keeps a sender who does not know the
 * key from choosing words that collide, at a price that a table look-up per packet can pay. The rounds are
 * unrolled by hand because a round returns four words, and an array per round would be allocated.
 */

/** HalfSipHash-1-3 of one word, as int32. */
export function hash1(k0: number, k1: number, a: number): number {
  return hashWords(k0, k1, 1, a, 0, 0, 0);
}

/** HalfSipHash-1-3 of two words, as int32. */
export function hash2(k0: number, k1: number, a: number, b: number): number {
  return hashWords(k0, k1, 2, a, b, 0, 0);
}

/** HalfSipHash-1-3 of three words, as int32. */
export function hash3(k0: number, k1: number, a: number, b: number, c: number): number {
  return hashWords(k0, k1, 3, a, b, c, 0);
}

/** HalfSipHash-1-3 of four words, as int32. */
export function hash4(k0: number, k1: number, a: number, b: number, c: number, d: number): number {
  return hashWords(k0, k1, 4, a, b, c, d);
}

/** HalfSipHash-1-3 of the first `count` (1 to 4) of four words, as int32. */
export function hashWords(k0: number, k1: number, count: number, a: number, b: number, c: number, d: number): number {
  let v0 = k0 | 0;
  let v1 = k1 | 0;
  let v2 = HALF_V2 ^ k0;
  let v3 = HALF_V3 ^ k1;
  let word = a | 0;
  let left = count;
  // One round for each word, then one for the length word, then three to finish.
  for (;;) {
    v3 ^= word;
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
    v0 ^= word;
    if (--left < 0) break;
    if (left === 0) word = count << 26;
    else {
      word = b | 0;
      b = c;
      c = d;
    }
  }
  v2 ^= 0xff;
  for (let round = 0; round < 3; round++) {
    v0 = (v0 + v1) | 0;
    v1 = ((v1 << 5) | (v1 >>> 27)) ^ v0;
    v0 = (v0 << 16) | (v0 >>> 16);
    v2 = (v2 + v3) | 0;
    v3 = ((v3 << 8) | (v3 >>> 24)) ^ v2;
    v0 = (v0 + v3) | 0;
    v3 = ((v3 << 7) | (v3 >>> 25)) ^ v0;
    v2 = (v2 + v1) | 0;
    v1 = ((v1 << 13) | (v1 >>> 19)) ^ v2;
    v2 = (v2 << 16) | (v2 >>> 16);
  }
  return v1 ^ v3;
}
