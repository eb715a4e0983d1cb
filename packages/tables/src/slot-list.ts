import { requireWholeNumber } from '@prism-net/errors';

const NONE = -1;
/** In `newer`: the slot is not allocated. Its `older` then links the free list. */
const FREE = -2;

/**
 * Hands out the indices 0 to `capacity - 1` and keeps those in use in order of their last use: with a `KeyedTable`
 * beside it, a bounded cache that evicts the least recently used entry in O(1).
 */
export class SlotList {
  readonly capacity: number;
  /** Slots now allocated. */
  size = 0;
  #first = NONE;
  #last = NONE;
  #firstFree = 0;
  readonly #newer: Int32Array;
  readonly #older: Int32Array;

  constructor(capacity: number) {
    this.capacity = requireWholeNumber('SlotList', 'capacity', capacity, 1, 1 << 28);
    this.#newer = new Int32Array(capacity).fill(FREE);
    this.#older = new Int32Array(capacity);
    for (let slot = 0; slot < capacity; slot++) this.#older[slot] = slot + 1 < capacity ? slot + 1 : NONE;
  }

  /** The least recently used slot, or -1 when none is allocated. */
  get oldest(): number {
    return this.#first;
  }

  /** A free slot, now the most recently used one; -1 when all are allocated. */
  allocate(): number {
    const slot = this.#firstFree;
    if (slot === NONE) return NONE;
    this.#firstFree = this.#older[slot]!;
    this.size = (this.size + 1) | 0;
    this.#append(slot);
    return slot;
  }

  /** Gives the slot back; no effect when it is not allocated. */
  free(slot: number): void {
    if (!this.isAllocated(slot)) return;
    this.#unlink(slot);
    this.#newer[slot] = FREE;
    this.#older[slot] = this.#firstFree;
    this.#firstFree = slot;
    this.size = (this.size - 1) | 0;
  }

  /** Makes the slot the most recently used one; no effect when it is not allocated. */
  touch(slot: number): void {
    if (slot === this.#last || !this.isAllocated(slot)) return;
    this.#unlink(slot);
    this.#append(slot);
  }

  /** The next more recently used slot, or -1 after the most recent. `slot` must be allocated. */
  next(slot: number): number {
    return this.#newer[slot]!;
  }

  isAllocated(slot: number): boolean {
    return slot >= 0 && slot < this.capacity && this.#newer[slot] !== FREE;
  }

  #append(slot: number): void {
    const last = this.#last;
    this.#newer[slot] = NONE;
    this.#older[slot] = last;
    if (last === NONE) this.#first = slot;
    else this.#newer[last] = slot;
    this.#last = slot;
  }

  #unlink(slot: number): void {
    const newer = this.#newer[slot]!;
    const older = this.#older[slot]!;
    if (older === NONE) this.#first = newer;
    else this.#newer[older] = newer;
    if (newer === NONE) this.#last = older;
    else this.#older[newer] = older;
  }
}
