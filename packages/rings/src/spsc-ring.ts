import { requireWholeNumber } from '@prism-net/errors';
import {
  agreeOnShape,
  alignedBytes,
  checkCapacity,
  checkRegion,
  LINE_WORDS,
  type RingOptions,
  type RingStatistics,
  wideCount,
} from './layout.js';

export interface SpscRingOptions extends RingOptions {
  /** int32 words of an item. Default 1. */
  readonly wordsPerItem?: number;
}

// Written by the producer.
const TAIL = 0;
const TAIL_WRAPS = 1;
const SHAPE = 2;
const START = 3;
const FULL = 4; // in Float64Array units: words 4, 5 are double 2
// Written by the consumer.
const HEAD = LINE_WORDS;
const HEAD_WRAPS = LINE_WORDS + 1;
const EMPTY = LINE_WORDS + 4;
const DATA = 2 * LINE_WORDS;

const SHAPE_MARK = 0x5c000000;

/**
 * A bounded queue from one producer thread to one consumer thread over shared memory, without locks.
 *
 * Each thread makes its own object over the same (zeroed) memory and uses one side of it; within one thread a single
 * object may serve as both. Items are int32 ≥ 0, or records of `wordsPerItem` words that are written and read in
 * place.
 *
 * The producer publishes every item at once, so that it can be seen without delay. The consumer gives the slots back
 * late, because an atomic store costs more than all the rest of a `dequeue`: when it finds the ring empty, when a
 * quarter of the capacity (at least one item) has gathered, or on {@link release}. Until then the ring may look full
 * to the producer although up to a quarter of it has been read.
 */
export class SpscRing {
  readonly capacity: number;
  readonly wordsPerItem: number;
  /** The ring's memory; `reserve` and `peek` return indices into it. Only records may be touched. */
  readonly words: Int32Array;

  readonly #doubles: Float64Array;
  readonly #mask: number;
  readonly #releaseThreshold: number;
  // The producer's own: its position (items reserved included), what it has published, what it knows of the head.
  #tail = 0;
  #publishedTail = 0;
  #knownHead = 0;
  // The consumer's own.
  #head = 0;
  #publishedHead = 0;
  #knownTail = 0;

  /** Bytes of shared memory that a ring takes. They must be zero before the first ring is made there. */
  static byteLength(capacity: number, wordsPerItem = 1): number {
    return alignedBytes(DATA + capacity * wordsPerItem);
  }

  constructor(options: SpscRingOptions) {
    const { buffer, byteOffset, capacity, wordsPerItem = 1, start = 0 } = options;
    checkCapacity('SpscRing', capacity, 1);
    requireWholeNumber('SpscRing', 'wordsPerItem', wordsPerItem, 1, 4096);
    const byteLength = SpscRing.byteLength(capacity, wordsPerItem);
    checkRegion('SpscRing', options, byteLength);
    this.capacity = capacity;
    this.wordsPerItem = wordsPerItem;
    this.#mask = capacity - 1;
    this.#releaseThreshold = Math.max(1, capacity >> 2);
    this.words = new Int32Array(buffer, byteOffset, byteLength / 4);
    this.#doubles = new Float64Array(buffer, byteOffset, byteLength / 8);
    const shape = SHAPE_MARK | (wordsPerItem << 8) | (31 - Math.clz32(capacity));
    if (agreeOnShape('SpscRing', this.words, SHAPE, shape) && start !== 0) {
      this.words[START] = start;
      Atomics.store(this.words, HEAD, start);
      Atomics.store(this.words, TAIL, start);
    }
    this.#tail = this.#publishedTail = this.#knownTail = Atomics.load(this.words, TAIL);
    this.#head = this.#publishedHead = this.#knownHead = Atomics.load(this.words, HEAD);
  }

  // ── producer ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Appends one item of one word (int32 ≥ 0) and publishes it. False when the ring is full. */
  enqueue(item: number): boolean {
    const tail = this.#tail;
    if (((tail - this.#knownHead) | 0) >= this.capacity && this.#readHead() === 0) {
      this.#doubles[FULL >> 1]! += 1;
      return false;
    }
    this.words[DATA + (tail & this.#mask) * this.wordsPerItem] = item;
    this.#tail = (tail + 1) | 0;
    this.commit();
    return true;
  }

  /**
   * Appends up to `count` items from `source[from]` on (`count × wordsPerItem` words) and publishes them together.
   * Returns how many found room.
   */
  enqueueBurst(source: Int32Array, from: number, count: number): number {
    let room = (this.capacity - (this.#tail - this.#knownHead)) | 0;
    if (room < count) {
      room = this.#readHead();
      if (room < count) {
        this.#doubles[FULL >> 1]! += count - room;
        if (room === 0) return 0;
        count = room;
      }
    }
    if (count <= 0) return 0;
    const words = this.words;
    const size = this.wordsPerItem;
    const first = this.#tail & this.#mask;
    const untilEnd = Math.min(count, this.capacity - first) * size;
    const total = count * size;
    let to = DATA + first * size;
    let at = 0;
    for (; at < untilEnd; at++) words[to++] = source[from + at]!;
    to = DATA;
    for (; at < total; at++) words[to++] = source[from + at]!;
    this.#tail = (this.#tail + count) | 0;
    this.commit();
    return count;
  }

  /**
   * Index into {@link words} of the next free record, or -1 when there is none. The record becomes visible to the
   * consumer by {@link commit} (or by the next `enqueue`); several may be reserved before one commit.
   */
  reserve(): number {
    const tail = this.#tail;
    if (((tail - this.#knownHead) | 0) >= this.capacity && this.#readHead() === 0) {
      this.#doubles[FULL >> 1]! += 1;
      return -1;
    }
    this.#tail = (tail + 1) | 0;
    return DATA + (tail & this.#mask) * this.wordsPerItem;
  }

  /** Publishes all reserved records. */
  commit(): void {
    const tail = this.#tail;
    if (tail >>> 0 < this.#publishedTail >>> 0) this.words[TAIL_WRAPS] = this.words[TAIL_WRAPS]! + 1;
    this.#publishedTail = tail;
    Atomics.store(this.words, TAIL, tail);
  }

  /** Gives up all records reserved since the last commit. */
  abandon(): void {
    this.#tail = this.#publishedTail;
  }

  /** How many items the producer can append now, beside those it has reserved. */
  get free(): number {
    const published = Atomics.load(this.words, TAIL);
    const ahead = (this.#tail - published) | 0;
    // Only on the producer's own object is its position ahead of the published one.
    const tail = ahead > 0 && ahead <= this.capacity ? this.#tail : published;
    return (this.capacity - (tail - Atomics.load(this.words, HEAD))) | 0;
  }

  // ── consumer ──────────────────────────────────────────────────────────────────────────────────────────────────

  /** Takes the oldest item of one word, or -1 when the ring is empty. */
  dequeue(): number {
    const head = this.#head;
    if (head === this.#knownTail && this.#readTail() === 0) {
      this.#foundEmpty();
      return -1;
    }
    const item = this.words[DATA + (head & this.#mask) * this.wordsPerItem]!;
    const next = (head + 1) | 0;
    this.#head = next;
    if (((next - this.#publishedHead) | 0) >= this.#releaseThreshold) this.release();
    return item;
  }

  /**
   * Takes up to `maximum` items into `target[from]` on (`wordsPerItem` words each). Returns how many there were.
   */
  dequeueBurst(target: Int32Array, from: number, maximum: number): number {
    let count = (this.#knownTail - this.#head) | 0;
    if (count < maximum) {
      count = this.#readTail();
      if (count === 0) {
        this.#foundEmpty();
        return 0;
      }
    }
    count = Math.min(count, maximum);
    if (count <= 0) return 0;
    const words = this.words;
    const size = this.wordsPerItem;
    const first = this.#head & this.#mask;
    const untilEnd = Math.min(count, this.capacity - first) * size;
    const total = count * size;
    let source = DATA + first * size;
    let at = 0;
    for (; at < untilEnd; at++) target[from + at] = words[source++]!;
    source = DATA;
    for (; at < total; at++) target[from + at] = words[source++]!;
    this.consume(count);
    return count;
  }

  /**
   * Index into {@link words} of the oldest record, or of the one `ahead` records after it; -1 when there is none. The
   * record stays the consumer's until {@link consume}.
   */
  peek(ahead = 0): number {
    if (((this.#knownTail - this.#head) | 0) <= ahead && this.#readTail() <= ahead) {
      if (ahead === 0) this.#foundEmpty();
      return -1;
    }
    return DATA + ((this.#head + ahead) & this.#mask) * this.wordsPerItem;
  }

  /** Ends the use of the oldest `count` records that {@link peek} has shown. */
  consume(count = 1): void {
    const next = (this.#head + count) | 0;
    this.#head = next;
    if (((next - this.#publishedHead) | 0) >= this.#releaseThreshold) this.release();
  }

  /** Gives the slots of all items taken so far back to the producer, now. */
  release(): void {
    const head = this.#head;
    if (head >>> 0 < this.#publishedHead >>> 0) this.words[HEAD_WRAPS] = this.words[HEAD_WRAPS]! + 1;
    this.#publishedHead = head;
    Atomics.store(this.words, HEAD, head);
  }

  // ── either side ───────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * Items in the ring. Exact on the consumer's object, up to what the producer adds meanwhile; elsewhere it includes
   * items whose slots the consumer has not given back yet.
   */
  get length(): number {
    const published = Atomics.load(this.words, HEAD);
    const ahead = (this.#head - published) | 0;
    // On the consumer's own object its position is ahead of the published one by less than the capacity.
    const head = ahead > 0 && ahead <= this.capacity ? this.#head : published;
    return (Atomics.load(this.words, TAIL) - head) | 0;
  }

  /** Counts since the ring was made, for display: allocates. */
  statistics(): RingStatistics {
    const words = this.words;
    const start = words[START]!;
    return {
      enqueued: wideCount(Atomics.load(words, TAIL), words[TAIL_WRAPS]!, start),
      dequeued: wideCount(Atomics.load(words, HEAD), words[HEAD_WRAPS]!, start),
      full: this.#doubles[FULL >> 1]!,
      empty: this.#doubles[EMPTY >> 1]!,
    };
  }

  /** Looks at the consumer's progress; returns the free slots. */
  #readHead(): number {
    this.#knownHead = Atomics.load(this.words, HEAD);
    return (this.capacity - (this.#tail - this.#knownHead)) | 0;
  }

  /** Looks at the producer's progress; returns the items to be read. */
  #readTail(): number {
    this.#knownTail = Atomics.load(this.words, TAIL);
    return (this.#knownTail - this.#head) | 0;
  }

  #foundEmpty(): void {
    this.#doubles[EMPTY >> 1]! += 1;
    if (this.#head !== this.#publishedHead) this.release();
  }
}
