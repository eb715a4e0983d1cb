import { type RandomSource, sipHash24 } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import type { FlowKey } from './flow-key.js';
import { createSecret } from './secret.js';
import { TickCounter } from './tick-counter.js';

/** RFC 9293 §3.4.1, MUST-8: the clock that drives initial sequence numbers ticks every 4 µs or so. */
const TICK_MICROSECONDS = 4;

/**
 * Chooses initial sequence numbers (RFC 6528 §3): ISN = M + F(addresses, ports, secret). Successive connections of one
 * name get rising numbers, so that old segments are told from new ones; those of any other name tell nothing about them.
 */
export class InitialSequence {
  readonly #secret: Int32Array;
  /** M. The numbers go round in 4.77 hours, an `Instant` in 1.2. */
  readonly #timer = new TickCounter(TICK_MICROSECONDS);
  readonly #words = new Int32Array(4);
  readonly #hash = new Int32Array(2);

  constructor(random: RandomSource) {
    this.#secret = createSecret(random);
  }

  /** The number for the SYN of a connection opened now, as int32. */
  next(key: FlowKey, now: Instant): number {
    const words = this.#words;
    words[0] = key.a;
    words[1] = key.b;
    words[2] = key.c;
    words[3] = key.d;
    // RFC 9293 §3.4.1, SHLD-1, MUST-9: F is not computable from the outside. Its secret lives as long as the stack.
    sipHash24(this.#secret, words, 4, this.#hash);
    return (this.#timer.read(now) + this.#hash[0]!) | 0;
  }
}
