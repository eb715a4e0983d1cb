/** Where a ring lies in the packet memory, in bytes. */
export interface RingPlace {
  readonly producer: number;
  readonly consumer: number;
  readonly flags: number;
  readonly records: number;
  /** Records; a power of two. */
  readonly size: number;
}

/** The kernel sleeps: it looks at the ring only when it is called (XDP_RING_NEED_WAKEUP). */
const NEED_WAKEUP = 1;

/**
 * The side of the kernel's ring that writes records. An index is published with Atomics, which orders the plain writes
 * of the records before it.
 */
export class ProducerRing {
  readonly words: Int32Array;
  readonly size: number;
  /** Times the kernel's index made no sense: more records taken than given. */
  disorder = 0;

  readonly #producer: number;
  readonly #consumer: number;
  readonly #flags: number;
  readonly #records: number;
  readonly #mask: number;
  readonly #shift: number;
  #next: number;
  #free = 0;

  /** `shift`: log2 of the words of a record. */
  constructor(words: Int32Array, place: RingPlace, shift: number) {
    this.words = words;
    this.size = place.size;
    this.#producer = place.producer >>> 2;
    this.#consumer = place.consumer >>> 2;
    this.#flags = place.flags >>> 2;
    this.#records = place.records >>> 2;
    this.#mask = place.size - 1;
    this.#shift = shift;
    this.#next = Atomics.load(words, this.#producer);
  }

  /** Records that can be written. The kernel's index is read only when fewer than `wanted` are known of. */
  free(wanted: number): number {
    if (this.#free >= wanted) return this.#free;
    const used = (this.#next - Atomics.load(this.words, this.#consumer)) | 0;
    if (used < 0 || used > this.size) {
      this.disorder = (this.disorder + 1) | 0;
      this.#free = 0;
      return 0;
    }
    this.#free = (this.size - used) | 0;
    return this.#free;
  }

  /** Word of the next record to write. The caller has seen that it is free. */
  reserve(): number {
    const at = (this.#records + ((this.#next & this.#mask) << this.#shift)) | 0;
    this.#next = (this.#next + 1) | 0;
    this.#free = (this.#free - 1) | 0;
    return at;
  }

  /** Shows the kernel all records reserved. */
  publish(): void {
    Atomics.store(this.words, this.#producer, this.#next);
  }

  get needsWakeup(): boolean {
    return (Atomics.load(this.words, this.#flags) & NEED_WAKEUP) !== 0;
  }

  /** The kernel has taken every record. */
  get isTaken(): boolean {
    return Atomics.load(this.words, this.#consumer) === this.#next;
  }

  /** Records the kernel has not taken; for reports. */
  get length(): number {
    const used = (this.#next - Atomics.load(this.words, this.#consumer)) | 0;
    return used < 0 || used > this.size ? 0 : used;
  }
}

/** The side of the kernel's ring that reads records. */
export class ConsumerRing {
  readonly words: Int32Array;
  readonly size: number;
  /** Times the kernel's index made no sense: more records than the ring has. */
  disorder = 0;

  readonly #producer: number;
  readonly #consumer: number;
  readonly #records: number;
  readonly #mask: number;
  readonly #shift: number;
  #next: number;

  constructor(words: Int32Array, place: RingPlace, shift: number) {
    this.words = words;
    this.size = place.size;
    this.#producer = place.producer >>> 2;
    this.#consumer = place.consumer >>> 2;
    this.#records = place.records >>> 2;
    this.#mask = place.size - 1;
    this.#shift = shift;
    this.#next = Atomics.load(words, this.#consumer);
  }

  /** Records that wait, 0 when the kernel's index makes no sense. */
  get length(): number {
    const length = (Atomics.load(this.words, this.#producer) - this.#next) | 0;
    if (length >= 0 && length <= this.size) return length;
    this.disorder = (this.disorder + 1) | 0;
    return 0;
  }

  /** Word of the record `ahead` behind the next one. */
  at(ahead: number): number {
    return (this.#records + (((this.#next + ahead) & this.#mask) << this.#shift)) | 0;
  }

  /** Gives `count` records back to the kernel. */
  consume(count: number): void {
    this.#next = (this.#next + count) | 0;
    Atomics.store(this.words, this.#consumer, this.#next);
  }
}
