import type { Instant } from '@prism-net/time';

const NONE = -1;
const OUTSIDE = -2;

/**
 * Slots in order of their deadlines, where all wait equally long: appending keeps the order, so everything is O(1) and
 * one timer serves them all.
 */
export class DeadlineList {
  readonly #delay: number;
  readonly #deadlines: Int32Array;
  readonly #next: Int32Array;
  readonly #previous: Int32Array;
  #first = NONE;
  #last = NONE;
  #length = 0;

  constructor(capacity: number, delayMicroseconds: number) {
    this.#delay = delayMicroseconds;
    this.#deadlines = new Int32Array(capacity);
    this.#next = new Int32Array(capacity).fill(OUTSIDE);
    this.#previous = new Int32Array(capacity);
  }

  get isEmpty(): boolean {
    return this.#first === NONE;
  }

  get length(): number {
    return this.#length;
  }

  /** The slot that was appended first; -1 when empty. */
  get first(): number {
    return this.#first;
  }

  has(slot: number): boolean {
    return this.#next[slot] !== OUTSIDE;
  }

  /** The earliest deadline; meaningless when empty. */
  get firstDeadline(): Instant {
    return this.#deadlines[this.#first]!;
  }

  /** The slot whose deadline came first and has passed; -1 when there is none. */
  due(now: Instant): number {
    const first = this.#first;
    return first !== NONE && ((now - this.#deadlines[first]!) | 0) >= 0 ? first : NONE;
  }

  /** Adds a slot that is not in the list; it falls due after the list's delay. */
  append(slot: number, now: Instant): void {
    this.#deadlines[slot] = (now + this.#delay) | 0;
    this.#next[slot] = NONE;
    this.#previous[slot] = this.#last;
    if (this.#last === NONE) this.#first = slot;
    else this.#next[this.#last] = slot;
    this.#last = slot;
    this.#length = (this.#length + 1) | 0;
  }

  /** No effect when the slot is not in the list. */
  remove(slot: number): void {
    const next = this.#next[slot]!;
    if (next === OUTSIDE) return;
    const previous = this.#previous[slot]!;
    if (previous === NONE) this.#first = next;
    else this.#next[previous] = next;
    if (next === NONE) this.#last = previous;
    else this.#previous[next] = previous;
    this.#next[slot] = OUTSIDE;
    this.#length = (this.#length - 1) | 0;
  }
}
