import type { HashKey } from './hash.js';

/** Where random numbers come from; passed in, so that a simulation can be repeated from its seed. */
export interface RandomSource {
  /** 32 random bits as int32. */
  nextInt32(): number;
}

/**
 * A repeatable generator for simulations, tests and jitter: xoshiro128** 1.1 (Blackman and Vigna), seeded through
 * splitmix32. **Not for secrets.**
 */
export class SeededRandom implements RandomSource {
  #s0: number;
  #s1: number;
  #s2: number;
  #s3: number;

  constructor(seed: number) {
    // splitmix32 is a bijection of the counter, so the four words are never all zero.
    this.#s0 = splitMix32(seed + 0x9e3779b9);
    this.#s1 = splitMix32(seed + 0x9e3779b9 * 2);
    this.#s2 = splitMix32(seed + 0x9e3779b9 * 3);
    this.#s3 = splitMix32(seed + 0x9e3779b9 * 4);
  }

  /** A generator in a given state, not all zero: one that continues another's sequence. */
  static fromState(s0: number, s1: number, s2: number, s3: number): SeededRandom {
    const random = new SeededRandom(0);
    random.#s0 = s0;
    random.#s1 = s1;
    random.#s2 = s2;
    random.#s3 = s3;
    return random;
  }

  nextInt32(): number {
    const s1 = this.#s1;
    const times5 = Math.imul(s1, 5);
    const result = Math.imul((times5 << 7) | (times5 >>> 25), 9);
    const s2 = this.#s2 ^ this.#s0;
    const s3 = this.#s3 ^ s1;
    this.#s1 = s1 ^ s2;
    this.#s0 = this.#s0 ^ s3;
    this.#s2 = s2 ^ (s1 << 9);
    this.#s3 = (s3 << 11) | (s3 >>> 21);
    return result;
  }

  /** A whole number from 0 to `n - 1`, each equally likely; `n` from 1 to 2^31. */
  nextBelow(n: number): number {
    return nextBelow(this, n);
  }

  /** A double in [0, 1) with 32 random bits. */
  nextUnit(): number {
    return (this.nextInt32() >>> 0) / 4294967296;
  }
}

/** A whole number from 0 to `n - 1`, each equally likely; `n` from 1 to 2^31. */
export function nextBelow(random: RandomSource, n: number): number {
  // The rest of 2^32 / n at the upper end would favour small numbers: draw again there.
  const limit = 4294967296 - (4294967296 % n);
  for (;;) {
    const bits = random.nextInt32() >>> 0;
    if (bits < limit) return bits % n;
  }
}

const POOL_WORDS = 1024;

/** The platform's cryptographic generator (Web Crypto), drawn in blocks of 4 KiB. */
export class CryptoRandom implements RandomSource {
  readonly #pool = new Int32Array(POOL_WORDS);
  #position = POOL_WORDS;

  nextInt32(): number {
    if (this.#position === POOL_WORDS) {
      globalThis.crypto.getRandomValues(this.#pool);
      this.#position = 0;
    }
    const position = this.#position++;
    const bits = this.#pool[position]!;
    this.#pool[position] = 0; // what was handed out cannot be read from here later
    return bits;
  }

  /** A whole number from 0 to `n - 1`, each equally likely; `n` from 1 to 2^31. */
  nextBelow(n: number): number {
    return nextBelow(this, n);
  }
}

/** Draws the secret of a table. In production the source must be a {@link CryptoRandom}. */
export function createHashKey(random: RandomSource): HashKey {
  const k0 = random.nextInt32();
  const k1 = random.nextInt32();
  return { k0, k1 };
}

function splitMix32(counter: number): number {
  let z = counter | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return z ^ (z >>> 15);
}
