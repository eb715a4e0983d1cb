const { hrtime } = process;

/** Monotonic time in nanoseconds, int32 modulo 2^32 (4.3 s): for differences. Does not allocate once optimised. */
export function nanoseconds(): number {
  const parts = hrtime();
  return (parts[0] * 1e9 + parts[1]) | 0;
}
