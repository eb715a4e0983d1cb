import { requireWholeNumber } from '@prism-net/errors';
import { type HashKey, hashWords } from './hash.js';

export interface KeyedTableOptions {
  /** How many entries it holds at most. */
  readonly capacity: number;
  /** How many of the four words `a`, `b`, `c`, `d` make the key; the rest must be passed as 0. */
  readonly keyWords: 1 | 2 | 3 | 4;
  /** The secret; see `createHashKey`. Whoever does not know it cannot choose keys that collide. */
  readonly key: HashKey;
}

const EMPTY = -1;

/**
 * A bounded map from 1 to 4 int32 words to an int32 value ≥ 0 (usually an index into the caller's own arrays), for
 * keys that come from the wire: open addressing with linear probing at a load of at most one half, hashed with a
 * secret key. Nothing is allocated after construction; there are no tombstones.
 */
export class KeyedTable {
  readonly capacity: number;
  /** Entries now held. */
  size = 0;

  readonly #keyWords: number;
  readonly #k0: number;
  readonly #k1: number;
  readonly #mask: number;
  /** Five words to an entry: the value (EMPTY if free), then the key. */
  readonly #slots: Int32Array;

  constructor(options: KeyedTableOptions) {
    const { capacity, keyWords, key } = options;
    requireWholeNumber('KeyedTable', 'capacity', capacity, 1, 1 << 25);
    requireWholeNumber('KeyedTable', 'keyWords', keyWords, 1, 4);
    this.capacity = capacity;
    this.#keyWords = keyWords;
    this.#k0 = key.k0 | 0;
    this.#k1 = key.k1 | 0;
    const slotCount = 1 << (32 - Math.clz32(2 * capacity - 1));
    this.#mask = slotCount - 1;
    this.#slots = new Int32Array(slotCount * 5).fill(EMPTY);
  }

  /** The value of the key, or -1. */
  find(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hashWords(this.#k0, this.#k1, this.#keyWords, a, b, c, d) & mask;
    for (;;) {
      const at = slot * 5;
      const value = slots[at]!;
      // A free slot ends the search: its value is the answer, -1.
      if (value === EMPTY) return EMPTY;
      if (slots[at + 1] === a && slots[at + 2] === b && slots[at + 3] === c && slots[at + 4] === d) return value;
      slot = (slot + 1) & mask;
    }
  }

  /** Adds the key or replaces its value. False, and no change, when the table is full (or the value is negative). */
  insert(a: number, b: number, c: number, d: number, value: number): boolean {
    if (value < 0) return false;
    const at = this.#locate(a, b, c, d);
    const slots = this.#slots;
    if (slots[at] === EMPTY) {
      if (this.size >= this.capacity) return false;
      this.size = (this.size + 1) | 0;
      slots[at + 1] = a;
      slots[at + 2] = b;
      slots[at + 3] = c;
      slots[at + 4] = d;
    }
    slots[at] = value;
    return true;
  }

  /** Removes the key and returns its value, or -1 if it is not there. */
  remove(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const at = this.#locate(a, b, c, d);
    const removed = slots[at]!;
    if (removed === EMPTY) return EMPTY;
    this.size = (this.size - 1) | 0;
    this.#closeGap((at / 5) | 0);
    return removed;
  }

  clear(): void {
    this.#slots.fill(EMPTY);
    this.size = 0;
  }

  /** How many slots a search for the key looks at; for tests and statistics. */
  probeLength(a: number, b: number, c: number, d: number): number {
    const home = hashWords(this.#k0, this.#k1, this.#keyWords, a, b, c, d) & this.#mask;
    const slot = (this.#locate(a, b, c, d) / 5) | 0;
    return ((slot - home) & this.#mask) + 1;
  }

  /** Offset of the key's entry, or of the free slot where it would go. */
  #locate(a: number, b: number, c: number, d: number): number {
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hashWords(this.#k0, this.#k1, this.#keyWords, a, b, c, d) & mask;
    for (;;) {
      const at = slot * 5;
      if (slots[at] === EMPTY) return at;
      if (slots[at + 1] === a && slots[at + 2] === b && slots[at + 3] === c && slots[at + 4] === d) return at;
      slot = (slot + 1) & mask;
    }
  }

  /**
   * Moves the following entries of the run back over the freed slot where their home allows it (Knuth, TAOCP 3,
   * 6.4 algorithm R): searches stay correct without tombstones.
   */
  #closeGap(freed: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = freed;
    let slot = freed;
    for (;;) {
      slot = (slot + 1) & mask;
      const at = slot * 5;
      if (slots[at] === EMPTY) break;
      const home =
        hashWords(this.#k0, this.#k1, this.#keyWords, slots[at + 1]!, slots[at + 2]!, slots[at + 3]!, slots[at + 4]!) &
        mask;
      // May move only if the gap lies between its home and where it is.
      if (((slot - home) & mask) < ((slot - gap) & mask)) continue;
      const to = gap * 5;
      slots[to] = slots[at]!;
      slots[to + 1] = slots[at + 1]!;
      slots[to + 2] = slots[at + 2]!;
      slots[to + 3] = slots[at + 3]!;
      slots[to + 4] = slots[at + 4]!;
      gap = slot;
    }
    slots[gap * 5] = EMPTY;
  }
}
