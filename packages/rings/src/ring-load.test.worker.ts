/**
 * What the worker threads of the ring tests do. Loaded from the build, since a worker cannot run TypeScript.
 * Items carry their producer and a number that grows by one, so that a consumer can tell what is lost or doubled.
 */
import { Doorbell } from './doorbell.js';
import { MpmcRing } from './mpmc-ring.js';
import { SpscRing } from './spsc-ring.js';

/** Items are `producer << SEQUENCE_BITS | number`. */
const SEQUENCE_BITS = 23;
const SEQUENCE_MASK = (1 << SEQUENCE_BITS) - 1;
const RECORD_WORDS = 5;
const BURST = 32;

export interface Load {
  kind: 'spsc' | 'mpmc';
  side: 'produce' | 'consume';
  mode: 'single' | 'burst' | 'records';
  buffer: SharedArrayBuffer;
  byteOffset: number;
  capacity: number;
  /** Items in all (SPSC, MPMC consumers) or of this producer. */
  count: number;
  producer: number;
  producers: number;
  /** A word that counts the items taken by all MPMC consumers. */
  taken: SharedArrayBuffer;
}

export interface LoadResult {
  /** By producer. */
  counts: number[];
  sums: number[];
  /** Items that did not come in the order of their producer, or records with foreign words. */
  faults: number;
  full: number;
  empty: number;
}

export interface BellLoad {
  buffer: SharedArrayBuffer;
  ringOffset: number;
  bellOffset: number;
  count: number;
  /** The consumer counts here what it has taken. */
  taken: SharedArrayBuffer;
}

/** Spins a little, then gives the processor away: there may be more threads than cores. */
class Patience {
  readonly #word = new Int32Array(new SharedArrayBuffer(4));
  #spins = 0;

  reset(): void {
    this.#spins = 0;
  }

  pause(): void {
    if (++this.#spins > 200) Atomics.wait(this.#word, 0, 0, 0.02);
  }
}

class Ledger {
  readonly result: LoadResult;
  readonly #last: number[];
  readonly #dense: boolean;

  constructor(producers: number, dense: boolean) {
    this.#dense = dense;
    this.#last = new Array<number>(producers).fill(-1);
    this.result = {
      counts: new Array<number>(producers).fill(0),
      sums: new Array<number>(producers).fill(0),
      faults: 0,
      full: 0,
      empty: 0,
    };
  }

  take(item: number): void {
    const producer = item >> SEQUENCE_BITS;
    const number = item & SEQUENCE_MASK;
    const last = this.#last[producer];
    // A single consumer sees every number; one of several sees growing ones.
    if (last === undefined || (this.#dense ? number !== ((last + 1) & SEQUENCE_MASK) : number <= last)) {
      this.result.faults++;
    }
    this.#last[producer] = number;
    this.result.counts[producer]! += 1;
    this.result.sums[producer]! += number;
  }
}

export function runLoad(load: Load): LoadResult {
  if (load.kind === 'spsc') return load.side === 'produce' ? produceSpsc(load) : consumeSpsc(load);
  return load.side === 'produce' ? produceMpmc(load) : consumeMpmc(load);
}

function spscRing(load: Load): SpscRing {
  return new SpscRing({ ...load, wordsPerItem: load.mode === 'records' ? RECORD_WORDS : 1 });
}

function produceSpsc(load: Load): LoadResult {
  const ring = spscRing(load);
  const patience = new Patience();
  const burst = new Int32Array(BURST);
  for (let number = 0; number < load.count; ) {
    let done = 0;
    if (load.mode === 'single') done = ring.enqueue(number & SEQUENCE_MASK) ? 1 : 0;
    else if (load.mode === 'burst') {
      const wanted = Math.min(BURST, load.count - number);
      for (let i = 0; i < wanted; i++) burst[i] = (number + i) & SEQUENCE_MASK;
      done = ring.enqueueBurst(burst, 0, wanted);
    } else {
      // Up to four records to a commit.
      for (; done < 4 && number + done < load.count; done++) {
        const at = ring.reserve();
        if (at < 0) break;
        for (let word = 0; word < RECORD_WORDS; word++)
          ring.words[at + word] = ((number + done) & SEQUENCE_MASK) + word;
      }
      if (done > 0) ring.commit();
    }
    number += done;
    if (done > 0) patience.reset();
    else patience.pause();
  }
  return { counts: [], sums: [], faults: 0, full: ring.statistics().full, empty: 0 };
}

function consumeSpsc(load: Load): LoadResult {
  const ring = spscRing(load);
  const patience = new Patience();
  const ledger = new Ledger(1, true);
  const burst = new Int32Array(BURST);
  for (let taken = 0; taken < load.count; ) {
    let done = 0;
    if (load.mode === 'single') {
      const item = ring.dequeue();
      if (item >= 0) {
        ledger.take(item);
        done = 1;
      }
    } else if (load.mode === 'burst') {
      done = ring.dequeueBurst(burst, 0, BURST);
      for (let i = 0; i < done; i++) ledger.take(burst[i]!);
    } else {
      const at = ring.peek();
      if (at >= 0) {
        const first = ring.words[at]!;
        for (let word = 1; word < RECORD_WORDS; word++) {
          if (ring.words[at + word] !== first + word) ledger.result.faults++;
        }
        ledger.take(first);
        ring.consume();
        done = 1;
      }
    }
    taken += done;
    if (done > 0) patience.reset();
    else patience.pause();
  }
  ring.release();
  ledger.result.empty = ring.statistics().empty;
  return ledger.result;
}

function produceMpmc(load: Load): LoadResult {
  const ring = new MpmcRing(load);
  const patience = new Patience();
  const burst = new Int32Array(BURST);
  const mark = load.producer << SEQUENCE_BITS;
  for (let number = 0; number < load.count; ) {
    let done = 0;
    if (load.mode === 'single') done = ring.enqueue(mark | number) ? 1 : 0;
    else {
      const wanted = Math.min(BURST, load.count - number);
      for (let i = 0; i < wanted; i++) burst[i] = mark | (number + i);
      done = ring.enqueueBurst(burst, 0, wanted);
    }
    number += done;
    if (done > 0) patience.reset();
    else patience.pause();
  }
  return { counts: [], sums: [], faults: 0, full: 0, empty: 0 };
}

function consumeMpmc(load: Load): LoadResult {
  const ring = new MpmcRing(load);
  const patience = new Patience();
  const ledger = new Ledger(load.producers, false);
  const burst = new Int32Array(BURST);
  const taken = new Int32Array(load.taken);
  while (Atomics.load(taken, 0) < load.count) {
    let done = 0;
    if (load.mode === 'single') {
      for (; done < BURST; done++) {
        const item = ring.dequeue();
        if (item < 0) break;
        ledger.take(item);
      }
    } else {
      done = ring.dequeueBurst(burst, 0, BURST);
      for (let i = 0; i < done; i++) ledger.take(burst[i]!);
    }
    if (done > 0) {
      Atomics.add(taken, 0, done);
      patience.reset();
    } else patience.pause();
  }
  return ledger.result;
}

/** Takes `count` items and sleeps on the bell before almost each. Returns the sleeps and the wake-ups that were lost. */
export function runSleeper(load: BellLoad): { sleeps: number; lost: number } {
  const ring = new SpscRing({ buffer: load.buffer, byteOffset: load.ringOffset, capacity: 16 });
  const bell = new Doorbell({ buffer: load.buffer, byteOffset: load.bellOffset });
  const taken = new Int32Array(load.taken);
  const isEmpty = () => ring.length === 0;
  let sleeps = 0;
  let lost = 0;
  for (let count = 0; count < load.count; ) {
    const item = ring.dequeue();
    if (item < 0) {
      sleeps++;
      if (!bell.wait(2000, isEmpty)) lost++;
      continue;
    }
    count++;
    Atomics.store(taken, 0, count);
  }
  return { sleeps, lost };
}

/** Puts in `count` items, each when the one before was taken and after a pause of varied length. */
export function runRinger(load: BellLoad): { notified: number } {
  const ring = new SpscRing({ buffer: load.buffer, byteOffset: load.ringOffset, capacity: 16 });
  const bell = new Doorbell({ buffer: load.buffer, byteOffset: load.bellOffset });
  const announced = new Int32Array(load.buffer, load.bellOffset, 1);
  const taken = new Int32Array(load.taken);
  const patience = new Patience();
  let notified = 0;
  for (let count = 0; count < load.count; count++) {
    patience.reset();
    while (Atomics.load(taken, 0) < count) patience.pause();
    // From "before it announced its sleep" to "long asleep".
    for (let spin = (count * 37) % 1500; spin > 0; spin--) Atomics.load(taken, 0);
    ring.enqueue(count);
    if (Atomics.load(announced, 0) !== 0) notified++;
    bell.ring();
  }
  return { notified };
}
