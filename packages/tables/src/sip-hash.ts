/** v0..v3 of SipHash as (low, high) pairs of int32 words, reused by every call: nothing in between yields. */
const state = new Int32Array(8);

/**
 * SipHash-2-4 with 64 bits of output: a keyed pseudo-random function for what must not be guessed (initial
 * sequence numbers, ports, IPv4 identification; RFC 6528 §3, RFC 6056 §3.3). About ten times the price of `hash4`.
 *
 * @param key four int32 words, the least significant first (the key's 16 bytes read little-endian)
 * @param words the message: `count` int32 words, hashed as little-endian bytes
 * @param out receives the low and the high word of the result
 */
export function sipHash24(key: Int32Array, words: Int32Array, count: number, out: Int32Array): void {
  const k0Low = key[0]!;
  const k0High = key[1]!;
  const k1Low = key[2]!;
  const k1High = key[3]!;
  state[0] = k0Low ^ 0x70736575;
  state[1] = k0High ^ 0x736f6d65;
  state[2] = k1Low ^ 0x6e646f6d;
  state[3] = k1High ^ 0x646f7261;
  state[4] = k0Low ^ 0x6e657261;
  state[5] = k0High ^ 0x6c796765;
  state[6] = k1Low ^ 0x79746573;
  state[7] = k1High ^ 0x74656462;
  const pairs = count >> 1;
  for (let pair = 0; pair < pairs; pair++) compress(words[2 * pair]!, words[2 * pair + 1]!);
  // The last 8 bytes: the odd word, if any, zeros, and the length in bytes modulo 256 at the top.
  compress((count & 1) !== 0 ? words[count - 1]! : 0, count << 26);
  state[4] = state[4]! ^ 0xff;
  rounds(4);
  out[0] = state[0]! ^ state[2]! ^ state[4]! ^ state[6]!;
  out[1] = state[1]! ^ state[3]! ^ state[5]! ^ state[7]!;
}

function compress(low: number, high: number): void {
  state[6] = state[6]! ^ low;
  state[7] = state[7]! ^ high;
  rounds(2);
  state[0] = state[0]! ^ low;
  state[1] = state[1]! ^ high;
}

/** SipRounds on 32-bit halves: `a`, `b`, `c`, `d` are v0..v3, the carry of a sum is `sum < addend` unsigned. */
function rounds(count: number): void {
  let aLow = state[0]!;
  let aHigh = state[1]!;
  let bLow = state[2]!;
  let bHigh = state[3]!;
  let cLow = state[4]!;
  let cHigh = state[5]!;
  let dLow = state[6]!;
  let dHigh = state[7]!;
  let swap = 0;
  for (let round = 0; round < count; round++) {
    // v0 += v1; v1 <<<= 13; v1 ^= v0; v0 <<<= 32
    aLow = (aLow + bLow) | 0;
    aHigh = (aHigh + bHigh + (aLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0;
    swap = ((bLow << 13) | (bHigh >>> 19)) ^ aLow;
    bHigh = ((bHigh << 13) | (bLow >>> 19)) ^ aHigh;
    bLow = swap;
    swap = aLow;
    aLow = aHigh;
    aHigh = swap;
    // v2 += v3; v3 <<<= 16; v3 ^= v2
    cLow = (cLow + dLow) | 0;
    cHigh = (cHigh + dHigh + (cLow >>> 0 < dLow >>> 0 ? 1 : 0)) | 0;
    swap = ((dLow << 16) | (dHigh >>> 16)) ^ cLow;
    dHigh = ((dHigh << 16) | (dLow >>> 16)) ^ cHigh;
    dLow = swap;
    // v0 += v3; v3 <<<= 21; v3 ^= v0
    aLow = (aLow + dLow) | 0;
    aHigh = (aHigh + dHigh + (aLow >>> 0 < dLow >>> 0 ? 1 : 0)) | 0;
    swap = ((dLow << 21) | (dHigh >>> 11)) ^ aLow;
    dHigh = ((dHigh << 21) | (dLow >>> 11)) ^ aHigh;
    dLow = swap;
    // v2 += v1; v1 <<<= 17; v1 ^= v2; v2 <<<= 32
    cLow = (cLow + bLow) | 0;
    cHigh = (cHigh + bHigh + (cLow >>> 0 < bLow >>> 0 ? 1 : 0)) | 0;
    swap = ((bLow << 17) | (bHigh >>> 15)) ^ cLow;
    bHigh = ((bHigh << 17) | (bLow >>> 15)) ^ cHigh;
    bLow = swap;
    swap = cLow;
    cLow = cHigh;
    cHigh = swap;
  }
  state[0] = aLow;
  state[1] = aHigh;
  state[2] = bLow;
  state[3] = bHigh;
  state[4] = cLow;
  state[5] = cHigh;
  state[6] = dLow;
  state[7] = dHigh;
}
