import { requireWholeNumber } from '@prism-net/errors';
import { type RandomSource, sipHash24 } from '@prism-net/tables';
import type { FlowKey } from './flow-key.js';
import { createSecret } from './secret.js';

/**
 * So many that a host we connect to cannot find, by connecting often, which counters it shares with another host and so
 * follow this one around (Kol, Klein, Gilad: "Device Tracking via Linux's New TCP Source Port Selection Algorithm").
 */
const COUNTERS = 1 << 16;

/** Ports skipped after a choice, at random from 0 to this: others cannot count our connections. A mask. */
const NOISE = 7;

/**
 * Chooses local ports by double hash (RFC 6056 §3.3.4): to each remote address and port they run through the range from
 * a start of its own, so a port returns as late as possible, and nobody else can predict the next.
 */
export class EphemeralPorts {
  readonly first: number;
  readonly last: number;
  readonly #random: RandomSource;
  readonly #secret: Int32Array;
  readonly #counters = new Uint16Array(COUNTERS);
  readonly #words = new Int32Array(4);
  readonly #hash = new Int32Array(2);

  /** @throws PosixError EINVAL for a range that is none. */
  constructor(random: RandomSource, first: number, last: number) {
    this.first = requireWholeNumber('EphemeralPorts', 'first', first, 1, 65_535);
    this.last = requireWholeNumber('EphemeralPorts', 'last', last, first, 65_535);
    this.#random = random;
    this.#secret = createSecret(random);
  }

  /**
   * A port for a connection between the hosts of `key` (whose ports do not count) to `remotePort`; 0 when none is free.
   * Asks `isFree` at most once for each port of the range.
   */
  choose(key: FlowKey, remotePort: number, isFree: (port: number) => boolean): number {
    const words = this.#words;
    words[0] = key.a;
    words[1] = key.b;
    words[2] = remotePort;
    words[3] = key.d;
    // The two halves of one hash are RFC 6056's F and G. Because F differs for each destination, the counters may start
    // at 0: what an observer sees of them starts at random anyway.
    sipHash24(this.#secret, words, 4, this.#hash);
    const counter = this.#hash[1]! & (COUNTERS - 1);
    const size = this.last - this.first + 1;
    const start = (this.#hash[0]! & 0x3fff_ffff) + this.#counters[counter]!;
    for (let tried = 0; tried < size; tried++) {
      const port = this.first + ((start + tried) % size);
      if (!isFree(port)) continue;
      this.#counters[counter] = this.#counters[counter]! + tried + 1 + (this.#random.nextInt32() & NOISE);
      return port;
    }
    return 0;
  }
}
