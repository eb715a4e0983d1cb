import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';
import { type Instant, TokenBucket } from '@prism-net/time';

/** Of the common budget each answer takes from one to four: 2.5 on average. */
const TOKENS = 2.5;

export interface AnswerLimits {
  readonly perDestinationPerSecond: number;
  readonly perDestinationBurst: number;
  /** Destinations remembered. */
  readonly destinations: number;
  /** To all destinations together, on average. */
  readonly perSecond: number;
  readonly burst: number;
}

/**
 * Decides whether strangers may be answered, by ICMP errors (RFC 1812 §4.3.2.8) or resets: a budget per destination
 * first, so that answers to one host tell it nothing about answers to another, then a common one that leaks at random, so
 * that nobody can count with it which ports answered (SAD DNS, CVE-2020-25705).
 */
export class AnswerLimiter {
  readonly #random: RandomSource;
  readonly #common: TokenBucket;
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #destinations: Int32Array;
  /** When the destination's budget will be full again (the "theoretical arrival time" of GCRA): no tokens to refill. */
  readonly #fullAt: Int32Array;
  readonly #interval: number;
  /** Tokens of the common budget taken and not yet paid. */
  #owed = 0;
  readonly #tolerance: number;

  constructor(limits: AnswerLimits, random: RandomSource, now: Instant) {
    this.#random = random;
    this.#common = new TokenBucket({ ratePerSecond: TOKENS * limits.perSecond, burst: TOKENS * limits.burst, now });
    this.#table = new KeyedTable({ capacity: limits.destinations, keyWords: 1, key: createHashKey(random) });
    this.#slots = new SlotList(limits.destinations);
    this.#destinations = new Int32Array(limits.destinations);
    this.#fullAt = new Int32Array(limits.destinations);
    this.#interval = Math.round(1_000_000 / limits.perDestinationPerSecond);
    this.#tolerance = this.#interval * (limits.perDestinationBurst - 1);
  }

  /** `destination`: an IPv4 address, or a keyed hash of a longer one. */
  allow(destination: number, now: Instant): boolean {
    return this.#allowDestination(destination, now) && this.#allowCommon(now);
  }

  #allowDestination(destination: number, now: Instant): boolean {
    let slot = this.#table.find(destination, 0, 0, 0);
    if (slot < 0) {
      if (this.#slots.size === this.#slots.capacity) {
        const oldest = this.#slots.oldest;
        this.#table.remove(this.#destinations[oldest]!, 0, 0, 0);
        this.#slots.free(oldest);
      }
      slot = this.#slots.allocate();
      this.#table.insert(destination, 0, 0, 0, slot);
      this.#destinations[slot] = destination;
      this.#fullAt[slot] = now;
    } else {
      this.#slots.touch(slot);
    }
    let debt = (this.#fullAt[slot]! - now) | 0;
    // In the past, or so far in the future that the clock has wrapped since.
    if (debt < 0 || debt > this.#tolerance + this.#interval) debt = 0;
    if (debt > this.#tolerance) return false;
    this.#fullAt[slot] = (now + debt + this.#interval) | 0;
    return true;
  }

  #allowCommon(now: Instant): boolean {
    this.#pay(now);
    if (this.#owed > 0 || !this.#common.take(now)) return false;
    // Between none and three more, unseen: paid later when they are not there, or an empty budget would leak evenly.
    this.#owed = this.#random.nextInt32() & 3;
    this.#pay(now);
    return true;
  }

  #pay(now: Instant): void {
    while (this.#owed > 0 && this.#common.take(now)) this.#owed = (this.#owed - 1) | 0;
  }
}
