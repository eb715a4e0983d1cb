import { requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { remaining } from './deadline.js';
import type { FlowKey } from './flow-key.js';
import { ROW_WORDS, SynCacheRows, Word } from './syn-cache-rows.js';

export interface SynCacheOptions {
  /** Half-open connections at most, of all listeners together. Default 4096 (about 170 bytes each). */
  readonly capacity?: number;
  /** How often a SYN-ACK is sent again before the SYN is forgotten. Default 5: for 63 s. */
  readonly retransmissions?: number;
  /** Until the first retransmission; each further one takes twice as long, up to 60 s. Default 1000 (RFC 6298 §2.1). */
  readonly timeoutMilliseconds?: number;
}

/** Called by `serve`. */
export interface SynCacheHandler {
  /** The SYN-ACK of the slot must be sent again. The slot may be removed here. */
  retransmit(slot: number, now: Instant): void;
  /** No answer came. The slot is not found any more; its row can be read until this returns. */
  gaveUp(slot: number, now: Instant): void;
}

export interface SynCacheStatistics {
  readonly inserted: number;
  /** Not inserted because the cache was full. */
  readonly refused: number;
  readonly retransmitted: number;
  readonly gaveUp: number;
  /** Dropped because their listener had gone. */
  readonly orphaned: number;
}

const NONE = -1;
/** In `OLDER`: the slot is in no queue. */
const UNLINKED = -2;

/** RFC 6298 §2.5: a bound of the timeout must be 60 s or more. */
const MAXIMUM_TIMEOUT_MICROSECONDS = 60_000_000;

const Count = { INSERTED: 0, REFUSED: 1, RETRANSMITTED: 2, GAVE_UP: 3, ORPHANED: 4 } as const;

/**
 * Half-open connections (RFC 4987 §3.5): what a SYN said, in bounded memory, until the third segment of the handshake
 * comes. When it is full, SYN cookies take over.
 *
 * Every operation costs O(1), but for removal by `serve`, O(1) per entry that is due: there is a queue for each count of
 * retransmissions, all entries of a queue wait equally long, so each queue is in order of its deadlines.
 */
export class SynCache extends SynCacheRows {
  readonly capacity: number;
  readonly maximumRetransmissions: number;
  /** Slots in use, those of removed listeners included until their time comes. */
  size = 0;

  readonly #table: KeyedTable;
  readonly #counts = new Float64Array(5);
  #firstFree = 0;
  // By count of retransmissions.
  readonly #timeouts: Int32Array;
  readonly #oldest: Int32Array;
  readonly #newest: Int32Array;
  // By listener.
  #listenerCounts = new Int32Array(16);
  #listenerGenerations = new Int32Array(16);

  /** @throws PosixError EINVAL for an option out of range. */
  constructor(random: RandomSource, options: SynCacheOptions = {}) {
    requireKnownOptions('SynCache', options, ['capacity', 'retransmissions', 'timeoutMilliseconds']);
    const { capacity = 4096, retransmissions = 5, timeoutMilliseconds = 1000 } = options;
    requireWholeNumber('SynCache', 'capacity', capacity, 1, 1 << 22);
    requireWholeNumber('SynCache', 'retransmissions', retransmissions, 0, 15);
    requireWholeNumber('SynCache', 'timeoutMilliseconds', timeoutMilliseconds, 1, 60_000);
    super(capacity);
    this.capacity = capacity;
    this.maximumRetransmissions = retransmissions;
    this.#table = new KeyedTable({ capacity, keyWords: 4, key: createHashKey(random) });
    this.#timeouts = new Int32Array(retransmissions + 1);
    this.#oldest = new Int32Array(retransmissions + 1).fill(NONE);
    this.#newest = new Int32Array(retransmissions + 1).fill(NONE);
    for (let count = 0; count <= retransmissions; count++) {
      // RFC 6298 §5.5: RTO <- RTO * 2
      this.#timeouts[count] = Math.min(timeoutMilliseconds * 1000 * 2 ** count, MAXIMUM_TIMEOUT_MICROSECONDS);
    }
    for (let slot = 0; slot < capacity; slot++) {
      this.rows[slot * ROW_WORDS + Word.OLDER] = UNLINKED;
      this.rows[slot * ROW_WORDS + Word.NEWER] = slot + 1 < capacity ? slot + 1 : NONE;
    }
  }

  get statistics(): SynCacheStatistics {
    const [inserted = 0, refused = 0, retransmitted = 0, gaveUp = 0, orphaned = 0] = this.#counts;
    return { inserted, refused, retransmitted, gaveUp, orphaned };
  }

  /** The slot of the key, or -1. */
  find(key: FlowKey): number {
    const slot = this.#table.find(key.a, key.b, key.c, key.d);
    if (slot < 0 || !this.#isOrphan(slot)) return slot;
    this.#dropOrphan(slot);
    return NONE;
  }

  /**
   * A slot for a key not yet here, to be filled by the setters before anything else happens; the SYN-ACK counts as sent
   * now. -1 when the cache is full, or has the key.
   *
   * At first the maximum segment size and the window scale are -1, everything else is 0 or false.
   *
   * @param listener number of the listener, from 0; arrays grow to the largest
   */
  insert(key: FlowKey, listener: number, now: Instant): number {
    if (this.find(key) >= 0) return NONE;
    const slot = this.#firstFree;
    if (slot === NONE) {
      this.#counts[Count.REFUSED]! += 1;
      return NONE;
    }
    if (listener >= this.#listenerCounts.length) this.#growListeners(listener);
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    this.#firstFree = rows[at + Word.NEWER]!;
    this.size = (this.size + 1) | 0;
    this.#listenerCounts[listener]! += 1;
    rows.fill(0, at, at + ROW_WORDS);
    rows[at] = key.a;
    rows[at + 1] = key.b;
    rows[at + 2] = key.c;
    rows[at + 3] = key.d;
    rows[at + Word.LISTENER] = listener;
    rows[at + Word.LISTENER_GENERATION] = this.#listenerGenerations[listener]!;
    rows[at + Word.MAXIMUM_SEGMENT_SIZE] = NONE;
    rows[at + Word.WINDOW_SCALE] = NONE;
    rows[at + Word.SENT_AT] = now;
    rows[at + Word.CHALLENGE_READY_AT] = now;
    this.#table.insert(key.a, key.b, key.c, key.d, slot);
    this.#append(slot, 0, now);
    this.#counts[Count.INSERTED]! += 1;
    return slot;
  }

  /** Gives the slot back; no effect when it is free. */
  remove(slot: number): void {
    if (!this.isInUse(slot)) return;
    this.#forget(slot);
    this.#release(slot);
  }

  isInUse(slot: number): boolean {
    return slot >= 0 && slot < this.capacity && this.rows[slot * ROW_WORDS + Word.OLDER] !== UNLINKED;
  }

  /** Half-open connections of the listener. */
  listenerCount(listener: number): number {
    return listener < this.#listenerCounts.length ? this.#listenerCounts[listener]! : 0;
  }

  /**
   * Forgets all connections of the listener at once, in O(1): `find` does not know them any more, their slots come back
   * when their keys are looked for or their time is up, without a word to the handler. The number may be used again.
   */
  removeListener(listener: number): void {
    if (listener >= this.#listenerCounts.length) return;
    this.#listenerCounts[listener] = 0;
    this.#listenerGenerations[listener]! += 1;
  }

  /** Deals with up to `maximum` entries whose time is up. Returns how many it dealt with. */
  serve(now: Instant, maximum: number, handler: SynCacheHandler): number {
    let served = 0;
    // From the last queue on: memory comes back first, and what moves into the next queue is not met again.
    for (let count = this.maximumRetransmissions; count >= 0; count--) {
      for (;;) {
        const slot = this.#oldest[count]!;
        if (slot === NONE || this.#remaining(slot, count, now) > 0) break;
        if (served >= maximum) return served;
        served++;
        if (this.#isOrphan(slot)) this.#dropOrphan(slot);
        else if (count === this.maximumRetransmissions) this.#giveUp(slot, handler, now);
        else {
          this.#unlink(slot);
          this.#append(slot, count + 1, now);
          this.#counts[Count.RETRANSMITTED]! += 1;
          handler.retransmit(slot, now);
        }
      }
    }
    return served;
  }

  /** Microseconds until `serve` has something to do: 0 when it has, -1 when the cache is empty. */
  nextDeadline(now: Instant): number {
    let least = NONE;
    for (let count = 0; count <= this.maximumRetransmissions; count++) {
      const slot = this.#oldest[count]!;
      if (slot === NONE) continue;
      const left = this.#remaining(slot, count, now);
      if (least === NONE || left < least) least = left;
    }
    return least;
  }

  #remaining(slot: number, count: number, now: Instant): number {
    return remaining(this.rows[slot * ROW_WORDS + Word.DEADLINE]!, this.#timeouts[count]!, now);
  }

  #giveUp(slot: number, handler: SynCacheHandler, now: Instant): void {
    this.#forget(slot);
    this.#counts[Count.GAVE_UP]! += 1;
    handler.gaveUp(slot, now);
    this.#release(slot);
  }

  #isOrphan(slot: number): boolean {
    const at = slot * ROW_WORDS;
    const listener = this.rows[at + Word.LISTENER]!;
    return this.rows[at + Word.LISTENER_GENERATION] !== this.#listenerGenerations[listener];
  }

  #dropOrphan(slot: number): void {
    this.#counts[Count.ORPHANED]! += 1;
    this.#forget(slot);
    this.#release(slot);
  }

  /** Takes the slot out of everything but leaves its row as it is. */
  #forget(slot: number): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    // The count of a listener that has gone was set to 0 with it.
    if (!this.#isOrphan(slot)) this.#listenerCounts[rows[at + Word.LISTENER]!]! -= 1;
    this.#table.remove(rows[at]!, rows[at + 1]!, rows[at + 2]!, rows[at + 3]!);
    this.#unlink(slot);
  }

  #release(slot: number): void {
    this.rows[slot * ROW_WORDS + Word.NEWER] = this.#firstFree;
    this.#firstFree = slot;
    this.size = (this.size - 1) | 0;
  }

  #append(slot: number, count: number, now: Instant): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    const newest = this.#newest[count]!;
    rows[at + Word.RETRANSMISSIONS] = count;
    rows[at + Word.DEADLINE] = now + this.#timeouts[count]!;
    rows[at + Word.OLDER] = newest;
    rows[at + Word.NEWER] = NONE;
    if (newest === NONE) this.#oldest[count] = slot;
    else rows[newest * ROW_WORDS + Word.NEWER] = slot;
    this.#newest[count] = slot;
  }

  #unlink(slot: number): void {
    const rows = this.rows;
    const at = slot * ROW_WORDS;
    const count = rows[at + Word.RETRANSMISSIONS]!;
    const older = rows[at + Word.OLDER]!;
    const newer = rows[at + Word.NEWER]!;
    if (older === NONE) this.#oldest[count] = newer;
    else rows[older * ROW_WORDS + Word.NEWER] = newer;
    if (newer === NONE) this.#newest[count] = older;
    else rows[newer * ROW_WORDS + Word.OLDER] = older;
    rows[at + Word.OLDER] = UNLINKED;
  }

  #growListeners(listener: number): void {
    const length = 1 << (32 - Math.clz32(requireWholeNumber('SynCache', 'listener', listener, 0, 1 << 20)));
    const counts = new Int32Array(length);
    const generations = new Int32Array(length);
    counts.set(this.#listenerCounts);
    generations.set(this.#listenerGenerations);
    this.#listenerCounts = counts;
    this.#listenerGenerations = generations;
  }
}
