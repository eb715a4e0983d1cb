import { requireWholeNumber } from '@prism-net/errors';

/** Times of a session, both sides alike. */
export interface TimingOptions {
  /** Silence after which a heartbeat is sent. Default 1,000,000: 1 s. */
  readonly heartbeatMicroseconds?: number;
  /** Silence after which the peer counts as dead; also how long it may leave unread what waits for it. Default 15,000,000: 15 s. */
  readonly timeoutMicroseconds?: number;
  /** From the connection to the login, or to its answer. Default 15,000,000: 15 s. */
  readonly loginMicroseconds?: number;
}

export interface Timing {
  readonly heartbeat: number;
  readonly timeout: number;
  readonly login: number;
}

const SECOND = 1_000_000;
/** Times are compared modulo 2^32 microseconds. */
const LONGEST = 600 * SECOND;

/** @throws PosixError EINVAL that names the option. */
export function timingOf(options: TimingOptions): Timing {
  const {
    heartbeatMicroseconds = SECOND,
    timeoutMicroseconds = 15 * SECOND,
    loginMicroseconds = 15 * SECOND,
  } = options;
  const checked = (name: string, value: number) => requireWholeNumber('SoupBinTCP', name, value, 1, LONGEST);
  return {
    heartbeat: checked('heartbeatMicroseconds', heartbeatMicroseconds),
    timeout: checked('timeoutMicroseconds', timeoutMicroseconds),
    login: checked('loginMicroseconds', loginMicroseconds),
  };
}
