import { type RandomSource, sipHash24 } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { defaultSegmentSize } from '../default-segment-size.js';
import type { FlowKey } from './flow-key.js';
import { createSecret } from './secret.js';
import { TickCounter } from './tick-counter.js';

const PERIOD_MICROSECONDS = 64_000_000;
/** A cookie holds in the period it was made in and in the next: from 64 to 128 s. */
const PERIODS = 2;

/** Three bits of a cookie say which of these the peer's maximum segment size was at least. */
const SEGMENT_SIZES = new Int32Array([216, 536, 1220, 1360, 1440, 1452, 1460, 8960]);

const LOW_24 = 0xff_ffff;

/** Of the six bits in a timestamp: four for the window scale, all of them set for none. */
const SCALE_BITS = 0x0f;
const SACK_BIT = 0x10;
const ECN_BIT = 0x20;
const OPTION_BITS = 0x3f;

/**
 * Answers SYNs without remembering them (RFC 4987 §3.6, D. J. Bernstein's SYN cookies): what must be known later is in the
 * initial sequence number, and the options that do not fit there are in the timestamp.
 *
 * A cookie is `F(flow) + IRS + (period << 24) + ((G(flow, IRS, period) + size) mod 2^24)`, with keyed hashes F and G:
 * like other initial sequence numbers it rises with time for a name (RFC 6528), at 2^24 in 64 s. Of the 2^32 numbers an
 * attacker may try, 2 periods × 8 sizes are accepted: a guess succeeds with probability 2^-28, and none does while no
 * cookies are being made.
 */
export class SynCookies {
  /** Filled by {@link readTimestamp}: the peer's window scale, -1 for none. */
  windowScale = -1;
  /** Filled by {@link readTimestamp}. */
  sackPermitted = false;
  /** Filled by {@link readTimestamp}: ECN was agreed on. */
  ecn = false;

  readonly #flowSecret: Int32Array;
  readonly #cookieSecret: Int32Array;
  readonly #periods = new TickCounter(PERIOD_MICROSECONDS);
  #lastMadeIn = -PERIODS;
  readonly #words = new Int32Array(6);
  readonly #hash = new Int32Array(2);

  constructor(random: RandomSource) {
    this.#flowSecret = createSecret(random);
    this.#cookieSecret = createSecret(random);
  }

  /**
   * The initial sequence number of a SYN-ACK that nothing is kept of.
   *
   * @param irs the sequence number of the SYN
   * @param maximumSegmentSize the peer's, in bytes; -1 when its SYN did not say
   */
  make(key: FlowKey, irs: number, maximumSegmentSize: number, now: Instant): number {
    const period = this.#periods.read(now);
    this.#lastMadeIn = period;
    const size = sizeIndex(maximumSegmentSize, key.d);
    const base = (this.#flowHash(key) + irs + (period << 24)) | 0;
    return (base + ((this.#cookieHash(irs, period) + size) & LOW_24)) | 0;
  }

  /**
   * The peer's maximum segment size, rounded down to one of eight (the least of them: 216), when an ACK proves that its
   * sender got the cookie; else -1.
   *
   * @param irs the sequence number of the ACK, less one
   * @param cookie the acknowledgement number, less one
   */
  check(key: FlowKey, irs: number, cookie: number, now: Instant): number {
    const period = this.#periods.read(now);
    // Most stray ACKs arrive when there was no flood: then nothing can be a cookie.
    if (((period - this.#lastMadeIn) | 0) >= PERIODS) return -1;
    const rest = (cookie - this.#flowHash(key) - irs) | 0;
    const age = (period - (rest >>> 24)) & 0xff;
    if (age >= PERIODS) return -1;
    const size = (rest - this.#cookieHash(irs, (period - age) | 0)) & LOW_24;
    return size < SEGMENT_SIZES.length ? SEGMENT_SIZES[size]! : -1;
  }

  /**
   * The timestamp to send with a cookie: `value`, what would be sent otherwise, or up to 63 ticks less, with the
   * options in its low six bits (as Linux does). It never lies in the future, so the connection's timestamps rise from it.
   *
   * @param windowScale the peer's; -1 for none
   */
  makeTimestamp(value: number, windowScale: number, sackPermitted: boolean, ecn: boolean): number {
    const scale = windowScale < 0 ? SCALE_BITS : windowScale;
    const options = scale | (sackPermitted ? SACK_BIT : 0) | (ecn ? ECN_BIT : 0);
    const timestamp = (value & ~OPTION_BITS) | options;
    return options > (value & OPTION_BITS) ? (timestamp - (OPTION_BITS + 1)) | 0 : timestamp;
  }

  /**
   * Reads the options back from the timestamp the peer echoes, into {@link windowScale}, {@link sackPermitted} and
   * {@link ecn}. To be believed only with a cookie that holds; a peer that changes them harms its own connection.
   */
  readTimestamp(echo: number): void {
    const scale = echo & SCALE_BITS;
    this.windowScale = scale === SCALE_BITS ? -1 : scale;
    this.sackPermitted = (echo & SACK_BIT) !== 0;
    this.ecn = (echo & ECN_BIT) !== 0;
  }

  #flowHash(key: FlowKey): number {
    const words = this.#words;
    words[0] = key.a;
    words[1] = key.b;
    words[2] = key.c;
    words[3] = key.d;
    sipHash24(this.#flowSecret, words, 4, this.#hash);
    return this.#hash[0]!;
  }

  /** For the flow whose key `#flowHash` just put into the words. */
  #cookieHash(irs: number, period: number): number {
    const words = this.#words;
    words[4] = irs;
    words[5] = period;
    sipHash24(this.#cookieSecret, words, 6, this.#hash);
    return this.#hash[0]!;
  }
}

function sizeIndex(maximumSegmentSize: number, family: number): number {
  const size = maximumSegmentSize >= 0 ? maximumSegmentSize : defaultSegmentSize(family);
  let index = SEGMENT_SIZES.length - 1;
  while (index > 0 && SEGMENT_SIZES[index]! > size) index--;
  return index;
}
