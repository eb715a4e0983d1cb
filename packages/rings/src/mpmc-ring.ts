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

// Written by producers.
const TAIL = 0;
const TAIL_WRAPS = 1;
const SHAPE = 2;
const START = 3;
const FULL_LOW = 4;
const FULL_HIGH = 5;
// Written by consumers.
const HEAD = LINE_WORDS;
const HEAD_WRAPS = LINE_WORDS + 1;
const EMPTY_LOW = LINE_WORDS + 4;
const EMPTY_HIGH = LINE_WORDS + 5;
/** Cells of two words: sequence, item. */
const CELLS = 2 * LINE_WORDS;

const SHAPE_MARK = 0x3c000000;

/**
 * A bounded queue of int32 ≥ 0 for any number of producer and consumer threads over shared memory, without locks
 * (Vyukov's bounded MPMC queue). Each thread makes its own object over the same (zeroed) memory.
 *
 * Every cell carries a sequence that says whose turn it is: at position `p = lap × capacity + index` it is
 * `lap × capacity` while the cell waits for a producer, one more while it waits for a consumer, and
 * `(lap + 1) × capacity` after that. (Vyukov's sequence minus the index, so that zeroed memory is an empty ring.)
 *
 * Items of one producer are taken in the order in which it put them in. A producer that is stopped between claiming
 * a cell and filling it holds up the consumers at that cell; nothing else can.
 */
export class MpmcRing {
  readonly capacity: number;
  readonly #words: Int32Array;
  readonly #mask: number;

  /** Bytes of shared memory that a ring takes. They must be zero before the first ring is made there. */
  static byteLength(capacity: number): number {
    return alignedBytes(CELLS + 2 * capacity);
  }

  constructor(options: RingOptions) {
    const { buffer, byteOffset, capacity, start = 0 } = options;
    // With one cell, "filled" of one lap and "free" of the next would be the same sequence.
    checkCapacity('MpmcRing', capacity, 2);
    const byteLength = MpmcRing.byteLength(capacity);
    checkRegion('MpmcRing', options, byteLength);
    this.capacity = capacity;
    this.#mask = capacity - 1;
    this.#words = new Int32Array(buffer, byteOffset, byteLength / 4);
    const shape = SHAPE_MARK | (31 - Math.clz32(capacity));
    if (agreeOnShape('MpmcRing', this.#words, SHAPE, shape) && start !== 0) this.#startAt(start);
  }

  /** Appends an item (int32 ≥ 0). False when the ring is full. */
  enqueue(item: number): boolean {
    const words = this.#words;
    // A plain read may be outdated; the compare-and-swap notices.
    let tail = words[TAIL]!;
    for (;;) {
      const cell = CELLS + ((tail & this.#mask) << 1);
      const lap = tail & ~this.#mask;
      const turn = (Atomics.load(words, cell) - lap) | 0;
      if (turn === 0) {
        const next = (tail + 1) | 0;
        const found = Atomics.compareExchange(words, TAIL, tail, next);
        if (found === tail) {
          if (next === 0) Atomics.add(words, TAIL_WRAPS, 1);
          words[cell + 1] = item;
          Atomics.store(words, cell, lap + 1);
          return true;
        }
        tail = found;
      } else if (turn < 0) {
        // Still filled since the last lap.
        this.#count(FULL_LOW, FULL_HIGH, 1);
        return false;
      } else tail = Atomics.load(words, TAIL);
    }
  }

  /** Takes the oldest item, or -1 when the ring is empty. */
  dequeue(): number {
    const words = this.#words;
    let head = words[HEAD]!;
    for (;;) {
      const cell = CELLS + ((head & this.#mask) << 1);
      const lap = head & ~this.#mask;
      const turn = (Atomics.load(words, cell) - lap - 1) | 0;
      if (turn === 0) {
        const next = (head + 1) | 0;
        const found = Atomics.compareExchange(words, HEAD, head, next);
        if (found === head) {
          if (next === 0) Atomics.add(words, HEAD_WRAPS, 1);
          const item = words[cell + 1]!;
          Atomics.store(words, cell, lap + this.capacity);
          return item;
        }
        head = found;
      } else if (turn < 0) {
        this.#count(EMPTY_LOW, EMPTY_HIGH, 1);
        return -1;
      } else head = Atomics.load(words, HEAD);
    }
  }

  /** Appends up to `count` items from `source[from]` on, side by side. Returns how many found room. */
  enqueueBurst(source: Int32Array, from: number, count: number): number {
    if (count <= 0) return 0;
    const words = this.#words;
    const wanted = Math.min(count, this.capacity);
    let tail = words[TAIL]!;
    for (;;) {
      // Consumers free cells in any order, so each one is looked at. Once free, a cell stays so until it is claimed.
      let room = 0;
      let turn = 0;
      while (room < wanted) {
        const position = (tail + room) | 0;
        turn = (Atomics.load(words, CELLS + ((position & this.#mask) << 1)) - (position & ~this.#mask)) | 0;
        if (turn !== 0) break;
        room++;
      }
      if (room === 0 && turn < 0) {
        this.#count(FULL_LOW, FULL_HIGH, count);
        return 0;
      }
      if (room === 0) {
        tail = Atomics.load(words, TAIL);
        continue;
      }
      const next = (tail + room) | 0;
      const found = Atomics.compareExchange(words, TAIL, tail, next);
      if (found !== tail) {
        tail = found;
        continue;
      }
      if (next >>> 0 < tail >>> 0) Atomics.add(words, TAIL_WRAPS, 1);
      // From the last to the first: whoever waits for the first cell finds the whole burst, and does not fight for the
      // cache line while it is filled.
      for (let at = room - 1; at >= 0; at--) {
        const position = (tail + at) | 0;
        const cell = CELLS + ((position & this.#mask) << 1);
        words[cell + 1] = source[from + at]!;
        Atomics.store(words, cell, (position & ~this.#mask) + 1);
      }
      if (room < count) this.#count(FULL_LOW, FULL_HIGH, count - room);
      return room;
    }
  }

  /** Takes up to `maximum` items that lie side by side into `target[from]` on. Returns how many there were. */
  dequeueBurst(target: Int32Array, from: number, maximum: number): number {
    if (maximum <= 0) return 0;
    const words = this.#words;
    const wanted = Math.min(maximum, this.capacity);
    let head = words[HEAD]!;
    for (;;) {
      let ready = 0;
      let turn = 0;
      while (ready < wanted) {
        const position = (head + ready) | 0;
        turn = (Atomics.load(words, CELLS + ((position & this.#mask) << 1)) - (position & ~this.#mask) - 1) | 0;
        if (turn !== 0) break;
        ready++;
      }
      if (ready === 0 && turn < 0) {
        this.#count(EMPTY_LOW, EMPTY_HIGH, 1);
        return 0;
      }
      if (ready === 0) {
        head = Atomics.load(words, HEAD);
        continue;
      }
      const next = (head + ready) | 0;
      const found = Atomics.compareExchange(words, HEAD, head, next);
      if (found !== head) {
        head = found;
        continue;
      }
      if (next >>> 0 < head >>> 0) Atomics.add(words, HEAD_WRAPS, 1);
      for (let at = ready - 1; at >= 0; at--) {
        const position = (head + at) | 0;
        const cell = CELLS + ((position & this.#mask) << 1);
        target[from + at] = words[cell + 1]!;
        Atomics.store(words, cell, (position & ~this.#mask) + this.capacity);
      }
      return ready;
    }
  }

  /** Items in the ring, those included that are being put in or taken out at this moment. */
  get length(): number {
    // The head first: it can only have moved on when the tail is read, which makes the difference too large, not < 0.
    const head = Atomics.load(this.#words, HEAD);
    return Math.min((Atomics.load(this.#words, TAIL) - head) | 0, this.capacity);
  }

  get free(): number {
    return (this.capacity - this.length) | 0;
  }

  /** Counts since the ring was made, for display: allocates. */
  statistics(): RingStatistics {
    const words = this.#words;
    const start = words[START]!;
    return {
      enqueued: wideCount(Atomics.load(words, TAIL), Atomics.load(words, TAIL_WRAPS), start),
      dequeued: wideCount(Atomics.load(words, HEAD), Atomics.load(words, HEAD_WRAPS), start),
      full: wideCount(Atomics.load(words, FULL_LOW), Atomics.load(words, FULL_HIGH), 0),
      empty: wideCount(Atomics.load(words, EMPTY_LOW), Atomics.load(words, EMPTY_HIGH), 0),
    };
  }

  #count(low: number, high: number, by: number): void {
    const before = Atomics.add(this.#words, low, by);
    if ((before + by) >>> 0 < before >>> 0) Atomics.add(this.#words, high, 1);
  }

  #startAt(start: number): void {
    const words = this.#words;
    words[START] = start;
    for (let ahead = 0; ahead < this.capacity; ahead++) {
      const position = (start + ahead) | 0;
      words[CELLS + ((position & this.#mask) << 1)] = position & ~this.#mask;
    }
    Atomics.store(words, HEAD, start);
    Atomics.store(words, TAIL, start);
  }
}
