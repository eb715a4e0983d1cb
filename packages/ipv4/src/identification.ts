import { createHashKey, type HashKey, hash3, type RandomSource } from '@prism-net/tables';

const COUNTERS = 2048;

/**
 * The identification of datagrams that may be fragmented (RFC 6864 §4.2): a counter per destination, so that values
 * repeat late, behind two keyed hashes, so that nobody else can predict them or count our traffic (RFC 7739 §5.3).
 */
export class Identification {
  readonly #counters = new Int32Array(COUNTERS);
  readonly #indexKey: HashKey;
  readonly #offsetKey: HashKey;

  constructor(random: RandomSource) {
    this.#indexKey = createHashKey(random);
    this.#offsetKey = createHashKey(random);
    for (let i = 0; i < COUNTERS; i++) this.#counters[i] = random.nextInt32();
  }

  /** The first of `datagrams` values in a row. */
  next(source: number, destination: number, protocol: number, datagrams: number): number {
    const indexKey = this.#indexKey;
    const offsetKey = this.#offsetKey;
    const index = hash3(indexKey.k0, indexKey.k1, source, destination, protocol) & (COUNTERS - 1);
    const count = this.#counters[index]!;
    this.#counters[index] = count + datagrams;
    return (hash3(offsetKey.k0, offsetKey.k1, source, destination, protocol) + count) & 0xffff;
  }
}
