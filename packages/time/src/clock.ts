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
  private instant: Instant;

  constructor(start: Instant = 0) {
    this.instant = start | 0;
  }

  now(): Instant {
    return this.instant;
  }

  /** Moves the clock forward (or backward, if negative) and returns the new instant. */
  advance(microseconds: number): Instant {
    // The sum may be a large double; `| 0` takes it modulo 2^32.
    this.instant = (this.instant + microseconds) | 0;
    return this.instant;
  }
}

/**
 * The machine's monotonic clock. `now()` costs about 35 ns and allocates nothing once optimised on Node.js;
 * where `process.hrtime` is missing it falls back to `performance.now()`, which allocates a number per call.
 */
export function createMonotonicClock(): Clock {
  const hrtime = globalThis.process?.hrtime;
  if (typeof hrtime === 'function') {
    return {
      now(): Instant {
        // The array does not survive inlining (escape analysis); the product lives in a float register.
        const parts = hrtime();
        return (parts[0] * 1_000_000 + ((parts[1] / 1000) | 0)) | 0;
      },
    };
  }
  const performance = globalThis.performance;
  return {
    now(): Instant {
      return (performance.now() * 1000) | 0;
    },
  };
}
