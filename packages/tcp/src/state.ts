/** The states of a connection (RFC 9293 §3.3.2). */
export const State = {
  CLOSED: 0,
  LISTEN: 1,
  SYN_SENT: 2,
  SYN_RECEIVED: 3,
  ESTABLISHED: 4,
  FIN_WAIT_1: 5,
  FIN_WAIT_2: 6,
  CLOSE_WAIT: 7,
  CLOSING: 8,
  LAST_ACK: 9,
  TIME_WAIT: 10,
} as const;
export type State = (typeof State)[keyof typeof State];

const names = Object.keys(State).map((name) => name.replaceAll('_', '-'));

/** The name as the RFC writes it: `SYN-RECEIVED`. */
export function stateName(state: State): string {
  return names[state]!;
}

/** The application may still write. */
export function canSend(state: State): boolean {
  return state === State.ESTABLISHED || state === State.CLOSE_WAIT;
}

/** The peer may still send data: it has not sent its FIN. */
export function canReceive(state: State): boolean {
  return state === State.ESTABLISHED || state === State.FIN_WAIT_1 || state === State.FIN_WAIT_2;
}
