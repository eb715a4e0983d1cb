import { Errno } from '@prism-net/errors';
import { type Connection, State } from '@prism-net/tcp';
import type { Expression, SystemCall } from '../../language/syntax.js';
import { fillPattern, findPatternFault } from '../../packet/pattern.js';
import { constants } from '../../values/constants.js';
import type { Evaluator } from '../../values/evaluator.js';
import { Difference, Unsupported } from '../../values/unsupported.js';
import type { ScriptSocket } from '../script-socket.js';
import {
  argument,
  type CallContext,
  type CallDefinition,
  numberArgument,
  type PendingCall,
  requireFlags,
  socketArgument,
} from '../system-calls.js';

const flag = (name: string): number => constants.get(name)!;
const MSG = {
  PEEK: flag('MSG_PEEK'),
  DONTWAIT: flag('MSG_DONTWAIT'),
  WAITALL: flag('MSG_WAITALL'),
  TRUNC: flag('MSG_TRUNC'),
  NOSIGNAL: flag('MSG_NOSIGNAL'),
  MORE: flag('MSG_MORE'),
  CONFIRM: flag('MSG_CONFIRM'),
} as const;
const EFAULT = 14;
const { EAGAIN, EBADF, ENOTCONN, EPIPE, EMSGSIZE } = Errno;
/** Copies of one call, at most. */
const LARGEST_TRANSFER = 64 << 20;

// ---- receiving

interface Reception {
  readonly length: number;
  readonly flags: number;
}

function receive(found: ScriptSocket, { length, flags }: Reception): PendingCall | number {
  requireFlags(flags, MSG, constants);
  if (found.endpoint !== null) return receiveDatagram(found, length, flags);
  const { connection } = found;
  if (connection === null) return -ENOTCONN;
  if (connection.state === State.CLOSED && connection.wake().path === null) return -ENOTCONN;
  const wanted = (flags & MSG.WAITALL) !== 0 ? length : 1;
  let total = 0;
  const attempt = (): number | null => {
    if ((flags & MSG.PEEK) !== 0) return peek(connection, length);
    total += take(found, connection, length - total);
    if (total >= wanted || length === 0) return total;
    if (connection.isEndOfStream && connection.error === Errno.NONE) return total;
    if (total > 0 && connection.state === State.CLOSED) return total;
    const errno = connection.state === State.CLOSED ? connection.pendingError() : takeSoftError(connection);
    if (errno !== Errno.NONE) return -errno;
    return connection.isEndOfStream ? total : null;
  };
  return { attempt, ...(isImpatient(found, flags) ? { wouldBlock: -EAGAIN } : {}) };
}

/** An error that did not end the connection is told once. */
function takeSoftError(connection: Connection): Errno {
  return connection.softError === Errno.NONE ? Errno.NONE : connection.pendingError();
}

function peek(connection: Connection, length: number): number | null {
  if (connection.readableBytes > 0) return Math.min(connection.readableBytes, length);
  if (connection.error !== Errno.NONE) return -connection.pendingError();
  return connection.isEndOfStream ? 0 : null;
}

/** Reads, and compares what comes with what the script sent. @throws Difference when it is something else */
function take(found: ScriptSocket, connection: Connection, length: number): number {
  const size = Math.min(length, connection.readableBytes);
  if (size <= 0) return 0;
  const bytes = new Uint8Array(size);
  const count = connection.read(bytes, 0, size);
  const fault = findPatternFault(bytes, 0, found.read + 1, count);
  if (fault >= 0) {
    throw new Difference(
      'the bytes read are not those that were received',
      'the bytes sent',
      `another at ${found.read + fault}`,
    );
  }
  found.read += count;
  return count;
}

function receiveDatagram(found: ScriptSocket, length: number, flags: number): PendingCall {
  const { endpoint } = found;
  const attempt = (): number | null => {
    const errno = endpoint!.takeError();
    if (errno !== Errno.NONE) return -errno;
    const packet = endpoint!.receive();
    if (packet === null) return null;
    const size = packet.totalLength;
    packet.release();
    return (flags & MSG.TRUNC) !== 0 ? size : Math.min(size, length);
  };
  return { attempt };
}

function isImpatient(found: ScriptSocket, flags: number): boolean {
  return found.isNonBlocking || (flags & MSG.DONTWAIT) !== 0;
}

// ---- sending

function send(context: CallContext, found: ScriptSocket, length: number, flags: number): PendingCall | number {
  requireFlags(flags, MSG, constants);
  if (found.endpoint !== null) return sendDatagram(context, found, length);
  const { connection } = found;
  if (connection === null) return -EPIPE;
  if (length > LARGEST_TRANSFER) throw new Difference(`${length} bytes are more than a script writes at once`);
  const bytes = new Uint8Array(length);
  fillPattern(bytes, 0, found.written + 1, length);
  let total = 0;
  const isImpatientCall = isImpatient(found, flags);
  const isCorked = connection.wake().cork;
  const attempt = (): number | null => {
    // RFC 9293 §3.10.2: what is written during the handshake is queued; a socket that may not wait says so instead.
    const isOpening = connection.state === State.SYN_SENT || connection.state === State.SYN_RECEIVED;
    if (isOpening && !isImpatientCall) return null;
    if (isOpening) return -EAGAIN;
    // What was taken is said; what ended the connection meanwhile is for the next call.
    if (total > 0 && connection.state === State.CLOSED) return total;
    if ((flags & MSG.MORE) !== 0) connection.apply({ cork: true });
    const count = connection.write(bytes, total, length - total);
    if (count < 0) return total > 0 ? total : count;
    total += count;
    found.written += count;
    if (total < length && !(isImpatientCall && total > 0)) return null;
    if ((flags & MSG.MORE) === 0 && isCorked && !found.remembered.has('TCP_CORK')) connection.apply({ cork: false });
    return total;
  };
  return { attempt };
}

function sendDatagram({ configuration, host }: CallContext, found: ScriptSocket, length: number): number {
  const { endpoint, flow } = found;
  if (length > 65_507) return -EMSGSIZE;
  flow.remote.address ||= configuration.remote;
  flow.remote.port ||= configuration.connectPort;
  const bytes = new Uint8Array(length);
  fillPattern(bytes, 0, 0, length);
  const packet = host.stack.pool.take();
  if (packet === null) return -Errno.ENOBUFS;
  let last = packet;
  for (let at = 0; at < length; ) {
    if (last.tailroom === 0) {
      const next = host.stack.pool.take();
      if (next === null) {
        packet.release();
        return -Errno.ENOBUFS;
      }
      last.nextSegment = next;
      last = next;
    }
    const part = Math.min(last.tailroom, length - at);
    last.memory.write(last.end, bytes, at, part);
    last.length += part;
    at += part;
  }
  const errno = endpoint!.isConnected
    ? endpoint!.send(packet, host.now)
    : endpoint!.sendTo(packet, flow.remote.address, flow.remote.port, host.now);
  flow.local.port = endpoint!.localPort;
  return errno === Errno.NONE ? length : -errno;
}

// ---- the calls

/** Sum of the lengths of `[{..., 10}, {..., 20}]`. */
function vectorLength(evaluator: Evaluator, vector: Expression): number {
  let total = 0;
  for (const element of evaluator.list(vector)) {
    const length = evaluator.field(element, 'iov_len', 1);
    if (length === undefined) throw new Difference('an iovec needs a length: {..., 10}');
    total += evaluator.number(length);
  }
  return total;
}

/** `{msg_name(...)=..., msg_iov(1)=[…], msg_flags=0}`. @throws Unsupported for control messages */
function messageVector(evaluator: Evaluator, message: Expression): Expression {
  const control = evaluator.field(message, 'msg_control', -1);
  if (control !== undefined && !(control.kind === 'list' && control.elements.length === 0)) {
    throw new Unsupported('control messages (msg_control)');
  }
  const vector = evaluator.field(message, 'msg_iov', -1);
  if (vector === undefined) throw new Difference('a message needs msg_iov');
  return vector;
}

type Direction = (context: CallContext, found: ScriptSocket, length: number, flags: number) => PendingCall | number;

const receiving: Direction = (_context, found, length, flags) => receive(found, { length, flags });

/** A call whose third argument is a length and, perhaps, the fourth are flags. */
function plain(direction: Direction, hasFlags: boolean): CallDefinition {
  return {
    check(evaluator, call) {
      if (hasFlags) requireFlags(evaluator.number(argument(call, 3)), MSG, constants);
    },
    run(context, call) {
      const found = socketArgument(context, call);
      if (found === undefined) return -EBADF;
      const length = numberArgument(context, call, 2);
      const buffer = argument(call, 1);
      if (buffer.kind === 'word' && buffer.name === 'NULL' && length > 0) return -EFAULT;
      return direction(context, found, length, hasFlags ? numberArgument(context, call, 3) : 0);
    },
  };
}

function vectored(direction: Direction): CallDefinition {
  return {
    run(context, call) {
      const found = socketArgument(context, call);
      if (found === undefined) return -EBADF;
      return direction(context, found, vectorLength(context.evaluator, argument(call, 1)), 0);
    },
  };
}

function messages(direction: Direction): CallDefinition {
  return {
    check(evaluator, call) {
      requireFlags(evaluator.number(argument(call, 2)), MSG, constants);
      messageVector(evaluator, argument(call, 1));
    },
    run(context, call: SystemCall) {
      const found = socketArgument(context, call);
      if (found === undefined) return -EBADF;
      const vector = messageVector(context.evaluator, argument(call, 1));
      return direction(context, found, vectorLength(context.evaluator, vector), numberArgument(context, call, 2));
    },
  };
}

export const transferCalls: Readonly<Record<string, CallDefinition>> = {
  read: plain(receiving, false),
  recv: plain(receiving, true),
  recvfrom: plain(receiving, true),
  readv: vectored(receiving),
  recvmsg: messages(receiving),
  write: plain(send, false),
  send: plain(send, true),
  sendto: plain(send, true),
  writev: vectored(send),
  sendmsg: messages(send),
};
