import type { Instant } from '@prism-net/time';

/** How much older than the last a `now` may be without a deadline seeming out of reach. */
const STALE_MICROSECONDS = 1 << 20;

/**
 * Microseconds until a deadline that was set `duration` ahead, 0 when it has passed.
 *
 * Instants compare over 35 minutes only. A deadline further ahead than it was ever set can only be one that passed long
 * ago, while the process slept: it has passed. So only a pause that ends within `duration` before a whole turn of the
 * clock (71.6 minutes) goes unnoticed, and then nothing waits longer than `duration` again.
 */
export function remaining(deadline: Instant, duration: number, now: Instant): number {
  const left = (deadline - now) | 0;
  return left <= 0 || left > duration + STALE_MICROSECONDS ? 0 : left;
}
