/** Why a connection is over, or must be. Numbers, so that they can be counted in an array. */
export const Ending = {
  /** It is not over. */
  none: 0,
  /** The client said goodbye. */
  logout: 1,
  /** The session is over: everything was sent, and the end of the session with it. */
  endOfSession: 2,
  /** The transport is gone: its owner said so. */
  disconnected: 3,
  /** A login was rejected for user name or password. */
  notAuthorised: 4,
  /** A login was rejected for its session or sequence number. */
  sessionNotAvailable: 5,
  /** Nothing was heard for so long that the peer counts as dead. */
  heartbeatTimeout: 6,
  /** Connected, and did not log in in time. */
  loginTimeout: 7,
  /** The peer does not read: messages it has not taken had to make room for newer ones, or none moved for too long. */
  slowReader: 8,
  /** Somebody else logged in to the same session. */
  superseded: 9,
  /** A packet of length 0. */
  zeroLength: 10,
  /** A packet longer than the limit. */
  oversized: 11,
  /** A packet of a type the peer must not send, or that there is not. */
  unexpectedType: 12,
  /** A packet whose length does not fit its type. */
  wrongLength: 13,
  /** Anything but a login, debug or heartbeat before the login. */
  notLoggedIn: 14,
  /** A second login on one connection. */
  secondLogin: 15,
  /** To a client: the server continues with another session or a later message than asked for. Messages are missing. */
  gap: 16,
} as const;
export type Ending = (typeof Ending)[keyof typeof Ending];

/** The length of an array of counters by ending. */
export const ENDING_COUNT = 17;

const names = Object.keys(Ending).map((name) => name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`));

/** In words, for reports. */
export function endingName(ending: number): string {
  return names[ending] ?? `ending ${ending}`;
}
