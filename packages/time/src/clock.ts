/**
 * A point in time: int32 microseconds modulo 2^32, from an arbitrary origin.
 *
 * It wraps every 71.6 minutes. Two instants may be compared only while they are less than 2^31 µs (35.8 minutes)
 * apart, and only through {@link elapsed} and {@link isBefore}.
 */
export type Instant = number;

/** Where the runtime reads the time. Everything below the runtime takes `now` as an argument instead. */
export interface Clock {
  now(): Instant;
}

/** Microseconds from `earlier` to `later` as int32; negative when `later` is in fact the earlier one. */
export function elapsed(later: Instant, earlier: Instant): number {
  return (later - earlier) | 0;
}

export function isBefore(a: Instant, b: Instant): boolean {
  return ((a - b) | 0) < 0;
}

/** A clock that moves only when told to: tests and simulations in virtual time. */
export class ManualClock implements Clock {
  #instant: Instant;

  constructor(start: Instant = 0) {
    this.#instant = start | 0;
  }

  now(): Instant {
    return this.#instant;
  }

  /** Moves the clock forward (or backward, if negative) and returns the new instant. */
  advance(microseconds: number): Instant {
    // The sum may be a large double; `| 0` takes it modulo 2^32.
    this.#instant = (this.#instant + microseconds) | 0;
    return this.#instant;
  }
}

/**
 * The machine's monotonic clock. `now()` costs about 40 ns and allocates nothing once optimised on Node.js; where
 * `process.hrtime` is missing it falls back to `performance.now()`, which allocates a number per call.
 */
export function createMonotonicClock(): Clock {
  return createClock(readMicroseconds, 1000);
}

/**
 * A clock for measuring short times: `now()` gives int32 *nanoseconds* modulo 2^32, so differences up to 2.1 s (4.2 s
 * read as unsigned). Costs and allocates as {@link createMonotonicClock}.
 */
export function createNanosecondClock(): Clock {
  return createClock(readNanoseconds, 1e6);
}

function createClock(read: () => number, unitsPerMillisecond: number): Clock {
  const performance = globalThis.performance;
  if (typeof globalThis.process?.hrtime !== 'function') {
    return { now: () => (performance.now() * unitsPerMillisecond) | 0 };
  }
  return { now: notInlined(read) };
}

const hrtime = globalThis.process?.hrtime;

// The array does not survive: `hrtime` is inlined here and escape analysis takes it apart. The products stay in float
// registers and are exact (below 2^53).
function readMicroseconds(): number {
  const parts = hrtime();
  return (parts[0] * 1_000_000 + ((parts[1] / 1000) | 0)) | 0;
}

function readNanoseconds(): number {
  const parts = hrtime();
  return (parts[0] * 1_000_000_000 + parts[1]) | 0;
}

/**
 * `(module (import "c" "f" (func (result i32))) (func (export "f") (result i32) call 0))`
 */
const CALL_THROUGH = new Uint8Array([
  0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00, 0x01, 0x05, 0x01, 0x60, 0x00, 0x01, 0x7f, 0x02, 0x07, 0x01, 0x01,
  0x63, 0x01, 0x66, 0x00, 0x00, 0x03, 0x02, 0x01, 0x00, 0x07, 0x05, 0x01, 0x01, 0x66, 0x00, 0x01, 0x0a, 0x06, 0x01,
  0x04, 0x00, 0x10, 0x00, 0x0b,
]);

/**
 * The function, called by way of WebAssembly, so that V8 compiles it on its own. A reader inlined into a large poll
 * function competes there for the inlining budget; when `hrtime` loses, its array comes alive: 64 bytes per reading.
 */
function notInlined(read: () => number): () => number {
  const api = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
  const instance = new api.Instance(new api.Module(CALL_THROUGH), { c: { f: read } });
  return instance.exports.f;
}

interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: { c: { f: () => number } },
  ) => { readonly exports: { readonly f: () => number } };
}
