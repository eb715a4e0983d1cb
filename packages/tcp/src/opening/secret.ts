import type { RandomSource } from '@prism-net/tables';

/** Draws the 128-bit key of a `sipHash24`: for what others must not guess, from a cryptographic source. */
export function createSecret(random: RandomSource): Int32Array {
  const secret = new Int32Array(4);
  for (let word = 0; word < 4; word++) secret[word] = random.nextInt32();
  return secret;
}
