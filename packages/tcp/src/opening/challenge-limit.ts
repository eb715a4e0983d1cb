import type { Instant } from '@prism-net/time';

/** One challenge ACK per connection in this time, on average: what a segment with a lost ACK needs, and no amplifier. */
const INTERVAL_MICROSECONDS = 500_000;
/** How many may follow each other at once after a quiet time. */
const BURST = 3;
/** Jitter is a random number below this (131 ms): the next moment cannot be computed from the last. A power of two. */
const JITTER = 1 << 17;

/** A burst is as long whatever the jitter. */
const TOLERANCE = (BURST - 1) * (INTERVAL_MICROSECONDS + JITTER);
/** No honest `readyAt` lies further ahead than this. */
const FURTHEST = BURST * (INTERVAL_MICROSECONDS + JITTER);

/**
 * The whole of {@link ChallengeLimit} as a function over one field, for whoever has the field elsewhere:
 *
 *     const readyAt = allowedChallenge(this.challengeReadyAt, now, random.nextInt32());
 *     if (readyAt === this.challengeReadyAt) return; // refused
 *     this.challengeReadyAt = readyAt;
 *
 * @param readyAt when the limit will be as if unused (the "theoretical arrival time" of GCRA); at first, any Instant
 *   of the past
 * @param jitter 32 random bits
 * @returns the next `readyAt`; the same as before when no challenge ACK may be sent
 */
export function allowedChallenge(readyAt: Instant, now: Instant, jitter: number): Instant {
  let debt = (readyAt - now) | 0;
  // In the past, or so far in the future that the clock has wrapped since.
  if (debt < 0 || debt > FURTHEST) debt = 0;
  if (debt > TOLERANCE) return readyAt;
  return (now + debt + INTERVAL_MICROSECONDS + (jitter & (JITTER - 1))) | 0;
}

/**
 * How often one connection may answer with a challenge ACK (RFC 5961 §7). A limit common to all connections tells
 * whoever can reach it whether a guess about another connection was right (CVE-2016-5696): here connections share nothing.
 */
export class ChallengeLimit {
  readyAt: Instant = 0;
  /** Challenge ACKs not sent because of the limit, modulo 2^32. */
  suppressed = 0;

  /** To be called when the connection starts. */
  reset(now: Instant): void {
    this.readyAt = now;
    this.suppressed = 0;
  }

  /** Whether a challenge ACK may be sent now, which then counts as sent. `jitter`: 32 random bits. */
  allow(now: Instant, jitter: number): boolean {
    const readyAt = allowedChallenge(this.readyAt, now, jitter);
    if (readyAt === this.readyAt) {
      this.suppressed = (this.suppressed + 1) | 0;
      return false;
    }
    this.readyAt = readyAt;
    return true;
  }
}
