import { requireWholeNumber } from '@prism-net/errors';
import { type RandomSource, sipHash24 } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import type { FlowKey } from './flow-key.js';
import { createSecret } from './secret.js';

/**
 * So many that a host we connect to cannot find, by connecting often, which counters it shares with another host and so
 * follow this one around (Kol, Klein, Gilad: "Device Tracking via Linux's New TCP Source Port Selection Algorithm").
 */
const COUNTERS = 1 << 16;

/** Ports skipped after a choice, at random from 0 to this: others cannot count our connections. A mask. */
const NOISE = 7;

/** Ports asked one after the other by the method of RFC 6056 before {@link EphemeralPorts} looks elsewhere. */
const PROBES = 32;

/** Ports given back last, which are the likeliest to be free when nearly all are taken. A power of two. */
const FREED = 64;

/** Destinations to which no port was free. A power of two. */
const EXHAUSTED = 64;

/** So long such a finding holds but for ports given back meanwhile: TIME-WAIT may end, and a listener. */
export const EXHAUSTED_MICROSECONDS = 50_000;

/**
 * Chooses local ports by double hash (RFC 6056 §3.3.4): to each remote address and port they run through the range from
 * a start of its own, so a port returns as late as possible, and nobody else can predict the next.
 *
 * Where {@link PROBES} ports in a row are taken, those given back last are asked, then all others. That there is none at all
 * is remembered by destination: whoever goes on asking costs a search of the range every {@link EXHAUSTED_MICROSECONDS}, and
 * in between as many questions as ports were given back, at most PROBES + FREED. A port that a
 * connection gives back is found at once; one whose TIME-WAIT ends, or that was held by name, with the next search.
 */
export class EphemeralPorts {
  readonly first: number;
  readonly last: number;
  readonly #random: RandomSource;
  readonly #secret: Int32Array;
  readonly #counters = new Uint16Array(COUNTERS);
  readonly #words = new Int32Array(4);
  readonly #hash = new Int32Array(2);
  /** A ring. */
  readonly #freed = new Uint16Array(FREED);
  /** Ports ever given back, modulo 2^32. */
  #freedCount = 0;
  /** Of each destination the two halves of its hash, {@link #freedCount} and the time when nothing was found for it. */
  readonly #exhausted = new Int32Array(EXHAUSTED * 4);

  /** @throws PosixError EINVAL for a range that is none. */
  constructor(random: RandomSource, first: number, last: number) {
    this.first = requireWholeNumber('EphemeralPorts', 'first', first, 1, 65_535);
    this.last = requireWholeNumber('EphemeralPorts', 'last', last, first, 65_535);
    this.#random = random;
    this.#secret = createSecret(random);
  }

  /** The port may be free again, for whatever destination. */
  giveBack(port: number): void {
    // Strangers who connect to our listeners give none of ours back.
    if (port < this.first || port > this.last) return;
    this.#freed[this.#freedCount & (FREED - 1)] = port;
    this.#freedCount = (this.#freedCount + 1) | 0;
  }

  /**
   * A port for a connection between the hosts of `key` (whose ports do not count) to `remotePort`; 0 when none is free.
   * `isFree` is asked at most {@link PROBES} + {@link FREED} times more often than there are ports.
   */
  choose(key: FlowKey, remotePort: number, now: Instant, isFree: (port: number) => boolean): number {
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
    const memory = ((this.#hash[1]! >>> 16) & (EXHAUSTED - 1)) << 2;
    const since = this.#givenBackSince(memory, now);
    // With a finding in force only what was given back since can be free.
    let tried = 0;
    for (const end = since >= 0 ? 0 : Math.min(size, PROBES); tried < end; tried++) {
      const port = this.first + ((start + tried) % size);
      if (isFree(port)) return this.#chosen(port, counter, tried);
    }
    if (tried === size) return 0;
    const freed = this.#askGivenBack(since < 0 ? FREED : since, isFree);
    if (freed !== 0) return this.#chosen(freed, counter, 0);
    if (since >= 0) return 0;
    for (; tried < size; tried++) {
      const port = this.first + ((start + tried) % size);
      if (isFree(port)) return this.#chosen(port, counter, tried);
    }
    this.#exhausted[memory] = this.#hash[0]!;
    this.#exhausted[memory + 1] = this.#hash[1]!;
    this.#exhausted[memory + 2] = this.#freedCount;
    this.#exhausted[memory + 3] = now;
    return 0;
  }

  /** Ports given back since none was free to this destination; -1: there is no such finding, or it holds no more. */
  #givenBackSince(at: number, now: Instant): number {
    const found = this.#exhausted;
    if (found[at] !== this.#hash[0] || found[at + 1] !== this.#hash[1]) return -1;
    if ((now - found[at + 3]!) >>> 0 >= EXHAUSTED_MICROSECONDS) return -1;
    const since = (this.#freedCount - found[at + 2]!) >>> 0;
    return since > FREED ? -1 : since;
  }

  /** Asks the ports given back last. */
  #askGivenBack(count: number, isFree: (port: number) => boolean): number {
    for (let i = 1; i <= count; i++) {
      const port = this.#freed[(this.#freedCount - i) & (FREED - 1)]!;
      if (port !== 0 && isFree(port)) return port;
    }
    return 0;
  }

  #chosen(port: number, counter: number, tried: number): number {
    this.#counters[counter] = this.#counters[counter]! + tried + 1 + (this.#random.nextInt32() & NOISE);
    return port;
  }
}
