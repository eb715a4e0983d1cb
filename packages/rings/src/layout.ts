import { invalidArgument } from '@prism-net/errors';
/** Words of a cache line pair: adjacent lines are fetched together, so what two threads write is 128 bytes apart. */
export const LINE_WORDS = 32;
const LINE_BYTES = LINE_WORDS * 4;

/** Where in shared memory a ring lies. Both threads (all, for MPMC) give the same values. */
export interface RingOptions {
  /** Memory that all users share: a SharedArrayBuffer, or the buffer of a shared WebAssembly.Memory. */
  readonly buffer: ArrayBufferLike;
  /** First byte of the ring, a multiple of 8; a multiple of 128 keeps the cache lines of both sides apart. */
  readonly byteOffset: number;
  /** How many items it holds: a power of two. */
  readonly capacity: number;
  /** Where the counters of a fresh ring start (int32). For tests of their wrap-around. */
  readonly start?: number;
}

/** What a ring has seen so far. Approximate when read while other threads work on it. */
export interface RingStatistics {
  /** Items put in. */
  readonly enqueued: number;
  /** Items taken out. */
  readonly dequeued: number;
  /** Items refused because the ring was full. */
  readonly full: number;
  /** Attempts to take that found nothing. */
  readonly empty: number;
}

/** Bytes of `words` rounded up so that a neighbour in memory starts on a line of its own. */
export function alignedBytes(words: number): number {
  return Math.ceil((words * 4) / LINE_BYTES) * LINE_BYTES;
}

const MAXIMUM_CAPACITY = 1 << 24;

export function checkCapacity(ring: string, capacity: number, minimum: number): void {
  const inRange = Number.isInteger(capacity) && capacity >= minimum && capacity <= MAXIMUM_CAPACITY;
  if (!inRange || (capacity & (capacity - 1)) !== 0) {
    throw invalidArgument(
      ring,
      `capacity must be a power of two from ${minimum} to ${MAXIMUM_CAPACITY}, not ${capacity}`,
    );
  }
}

export function checkRegion(ring: string, options: RingOptions, byteLength: number): void {
  const { buffer, byteOffset } = options;
  if (!Number.isInteger(byteOffset) || byteOffset < 0 || byteOffset % 8 !== 0) {
    throw invalidArgument(ring, `byteOffset must be a multiple of 8, not ${byteOffset}`);
  }
  if (byteOffset + byteLength > buffer.byteLength) {
    throw invalidArgument(ring, `needs ${byteLength} bytes from ${byteOffset}, the buffer has ${buffer.byteLength}`);
  }
}

/**
 * Writes the ring's shape into `words[at]` if it is the first user, else checks that it is the same: two threads that
 * disagree about the capacity would corrupt each other silently. True for the first user.
 */
export function agreeOnShape(ring: string, words: Int32Array, at: number, shape: number): boolean {
  const found = Atomics.compareExchange(words, at, 0, shape);
  if (found !== 0 && found !== shape) {
    throw invalidArgument(ring, 'the memory already holds a ring of another kind or size, or was not zeroed');
  }
  return found === 0;
}

/** A 64-bit count from the 32-bit counter, the number of its wraps and where it started. */
export function wideCount(counter: number, wraps: number, start: number): number {
  return wraps * 4294967296 + (counter >>> 0) - (start >>> 0);
}
