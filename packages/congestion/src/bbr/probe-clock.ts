import type { Instant } from '@prism-net/time';
import { hasElapsed } from './minimum-round-trip.js';

/** µs between two probes for bandwidth: this, and up to a second more (T_bbr). */
const WAIT = 2_000_000;
/** Rounds at most (T_reno_bound). */
const MOST_ROUNDS = 63;

/**
 * When to probe for bandwidth again ("Time Scale for Bandwidth Probing"): after 2 to 3 s, or after as many round trips as
 * Reno needs to grow by what fills the path, 62 or 63 at most. At random, so that flows do not probe in step.
 */
export class ProbeClock {
  /** BBR.rounds_since_probe_up. */
  rounds = 0;
  /** null: from what happens. */
  readonly #seed: number | null;
  #random: number;
  #since: Instant = 0;
  #wait = WAIT;

  /** `seed`: any int32; null: when cycles begin, and how much was delivered then, is different enough for each connection. */
  constructor(seed: number | null) {
    this.#seed = seed;
    this.#random = seed ?? 0;
  }

  reset(now: Instant): void {
    this.#random = this.#seed ?? 0;
    this.rounds = 0;
    this.#since = now;
    this.#wait = WAIT;
  }

  /** PickProbeWait; a cycle begins now. `delivered`: all bytes so far, modulo 2^32. */
  restart(delivered: number, now: Instant): void {
    this.#since = now;
    if (this.#seed === null) {
      const mixed = Math.imul(this.#random ^ now ^ Math.imul(delivered, 0x9e3779b1), 0x45d9f3b);
      this.#random = mixed ^ (mixed >>> 15);
    }
    this.rounds = this.#next() & 1;
    this.#wait = (WAIT + (this.#next() & 0xfffff)) | 0;
  }

  onRound(): void {
    this.rounds = Math.min(this.rounds + 1, MOST_ROUNDS);
  }

  /** IsTimeToProbeBW. `segments`: what fills the path, or the window if that is less. */
  isDue(segments: number, now: Instant): boolean {
    return this.rounds >= Math.min(segments, MOST_ROUNDS) || hasElapsed(this.#since, this.#wait, now);
  }

  /** 24 bits of a linear congruence. */
  #next(): number {
    this.#random = (Math.imul(this.#random, 1664525) + 1013904223) | 0;
    return this.#random >>> 8;
  }
}
