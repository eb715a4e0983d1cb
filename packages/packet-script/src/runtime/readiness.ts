import { State } from '@prism-net/tcp';
import { constants } from '../values/constants.js';
import type { ScriptSocket } from './script-socket.js';

const bit = (name: string): number => constants.get(name)!;
const IN = bit('POLLIN') | bit('POLLRDNORM');
const OUT = bit('POLLOUT') | bit('POLLWRNORM');
const ERROR = bit('POLLERR');
const HANG_UP = bit('POLLHUP');
const READ_HANG_UP = bit('POLLRDHUP');
/** Reported whether asked for or not. */
export const ALWAYS = ERROR | HANG_UP;

/** What poll and epoll would say of a socket. */
export function readinessOf(socket: ScriptSocket): number {
  const { connection, listener, endpoint } = socket;
  if (listener !== null) return listener.pending > 0 ? IN : 0;
  if (endpoint !== null) return OUT | (endpoint.queued > 0 ? IN : 0);
  if (connection === null) return OUT | HANG_UP;
  const { state } = connection;
  if (state === State.SYN_SENT || state === State.SYN_RECEIVED) return 0;
  let bits = 0;
  const isOver = state === State.CLOSED;
  if (connection.readableBytes > 0 || connection.isEndOfStream) bits |= IN;
  if (connection.isFinReceived || isOver) bits |= READ_HANG_UP;
  if (connection.writableBytes > 0 || isOver) bits |= OUT;
  if (connection.error !== 0 || connection.softError !== 0) bits |= ERROR;
  if (isOver) bits |= HANG_UP;
  return bits;
}
