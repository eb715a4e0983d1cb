import { requireWholeNumber } from '@prism-net/errors';
import { type HashKey, hash2 } from '@prism-net/tables';

const FREE = -1;
/** Words of an id in the window: low, high, hash. */
const ID_WORDS = 4;
/** Words of a table slot: place in the window or FREE, hash. */
const SLOT_WORDS = 2;

/**
 * The last `window` 64-bit ids, exactly: `add` says whether an id is among them. The oldest id is forgotten when a new
 * one needs its place, so memory is fixed (32 to 48 bytes per id) and an order costs the same in the first second and
 * in the last. The hash is keyed: a sender who does not know the key cannot choose ids that pile up in one run.
 *
 * The window is a ring of ids in the order of arrival; the table (linear probing, at most half full) finds a place in
 * the ring by hash. Slots keep the hash beside the place, so that neither a search nor a removal goes to the ring for
 * ids that are not meant.
 */
export class RecentIds {
  readonly window: number;
  /** Ids now remembered. */
  size = 0;

  readonly #k0: number;
  readonly #k1: number;
  readonly #mask: number;
  readonly #ids: Int32Array;
  readonly #slots: Int32Array;
  /** Where the next id goes: the oldest id, once the ring is full. */
  #next = 0;

  constructor(window: number, key: HashKey) {
    this.window = requireWholeNumber('RecentIds', 'window', window, 1, 1 << 24);
    this.#k0 = key.k0 | 0;
    this.#k1 = key.k1 | 0;
    const slotCount = 1 << (32 - Math.clz32(2 * window - 1));
    this.#mask = slotCount - 1;
    this.#ids = new Int32Array(window * ID_WORDS);
    this.#slots = new Int32Array(slotCount * SLOT_WORDS).fill(FREE);
  }

  /** Remembers the id and returns true; false, and no change, if it is remembered already. */
  add(low: number, high: number): boolean {
    const hash = hash2(this.#k0, this.#k1, low, high);
    const ids = this.#ids;
    const slots = this.#slots;
    const mask = this.#mask;
    let slot = hash & mask;
    for (;;) {
      const place = slots[slot * SLOT_WORDS]!;
      if (place === FREE) break;
      if (slots[slot * SLOT_WORDS + 1] === hash) {
        const at = place * ID_WORDS;
        if (ids[at] === low && ids[at + 1] === high) return false;
      }
      slot = (slot + 1) & mask;
    }
    const place = this.#next;
    const at = place * ID_WORDS;
    if (this.size < this.window) {
      this.size = (this.size + 1) | 0;
    } else {
      this.#forget(place, ids[at + 2]!);
      // Forgetting moves slots back: the free one found above may not be the right one any more.
      slot = hash & mask;
      while (slots[slot * SLOT_WORDS] !== FREE) slot = (slot + 1) & mask;
    }
    ids[at] = low;
    ids[at + 1] = high;
    ids[at + 2] = hash;
    slots[slot * SLOT_WORDS] = place;
    slots[slot * SLOT_WORDS + 1] = hash;
    this.#next = place + 1 === this.window ? 0 : (place + 1) | 0;
    return true;
  }

  /** How many slots a search for the id looks at; for tests and statistics. */
  probeLength(low: number, high: number): number {
    const hash = hash2(this.#k0, this.#k1, low, high);
    let length = 1;
    for (let slot = hash & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const place = this.#slots[slot * SLOT_WORDS]!;
      if (place === FREE) return length;
      if (this.#ids[place * ID_WORDS] === low && this.#ids[place * ID_WORDS + 1] === high) return length;
      length++;
    }
  }

  /** Frees the slot of `place` and closes the gap without tombstones (Knuth, TAOCP 3, 6.4 algorithm R). */
  #forget(place: number, hash: number): void {
    const slots = this.#slots;
    const mask = this.#mask;
    let gap = hash & mask;
    while (slots[gap * SLOT_WORDS] !== place) gap = (gap + 1) & mask;
    let slot = gap;
    for (;;) {
      slot = (slot + 1) & mask;
      const at = slot * SLOT_WORDS;
      const moved = slots[at]!;
      if (moved === FREE) break;
      const movedHash = slots[at + 1]!;
      // May move only if the gap lies between its home and where it is.
      if (((slot - movedHash) & mask) < ((slot - gap) & mask)) continue;
      slots[gap * SLOT_WORDS] = moved;
      slots[gap * SLOT_WORDS + 1] = movedHash;
      gap = slot;
    }
    slots[gap * SLOT_WORDS] = FREE;
  }
}
