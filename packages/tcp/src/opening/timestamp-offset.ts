import { type RandomSource, sipHash24 } from '@prism-net/tables';
import type { FlowKey } from './flow-key.js';
import { createSecret } from './secret.js';

/**
 * What is added to the timestamp clock on the connections between two hosts (RFC 7323 §5.4, §7.1): nobody learns from a
 * timestamp how long this host has been up, or that two of its addresses are one host. It is the same for all ports, so
 * that a connection's timestamps stay above those of its predecessor (RFC 6191 §3, RFC 7323 appendix B).
 */
export class TimestampOffset {
  readonly #secret: Int32Array;
  readonly #words = new Int32Array(3);
  readonly #hash = new Int32Array(2);

  constructor(random: RandomSource) {
    this.#secret = createSecret(random);
  }

  /** The offset, int32, in units of the timestamp clock. The key's ports do not count. */
  of(key: FlowKey): number {
    const words = this.#words;
    words[0] = key.a;
    words[1] = key.b;
    words[2] = key.d;
    sipHash24(this.#secret, words, 3, this.#hash);
    return this.#hash[0]!;
  }
}
