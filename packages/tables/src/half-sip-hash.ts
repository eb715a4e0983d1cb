/** The state v0..v3 of HalfSipHash, reused by every call: the function neither yields nor calls out. */
const state = new Int32Array(4);

function rounds(count: number): void {
  let v0 = state[0]!;
  let v1 = state[1]!;
  let v2 = state[2]!;
  let v3 = state[3]!;
  for (let round = 0; round < count; round++) {
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
  state[0] = v0;
  state[1] = v1;
  state[2] = v2;
  state[3] = v3;
}

/**
 * HalfSipHash-c-d with 32 bits of output over the first `count` words of `words`, in the plain form: `c`
 * compression and `d` finalisation rounds. `hashWords` is the fast form of c = 1, d = 3.
 */
export function halfSipHash(c: number, d: number, k0: number, k1: number, words: Int32Array, count: number): number {
  state[0] = k0;
  state[1] = k1;
  state[2] = 0x6c796765 ^ k0;
  state[3] = 0x74656462 ^ k1;
  for (let index = 0; index <= count; index++) {
    // The last word carries the length in bytes in its top byte.
    const word = index < count ? words[index]! : count << 26;
    state[3] = state[3]! ^ word;
    rounds(c);
    state[0] = state[0]! ^ word;
  }
  state[2] = state[2]! ^ 0xff;
  rounds(d);
  return state[1]! ^ state[3]!;
}
