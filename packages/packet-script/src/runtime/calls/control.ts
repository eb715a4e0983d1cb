import { Errno } from '@prism-net/errors';
import { State } from '@prism-net/tcp';
import { formatExpression } from '../../language/printer.js';
import type { Expression, SystemCall } from '../../language/syntax.js';
import { constants } from '../../values/constants.js';
import type { Evaluator } from '../../values/evaluator.js';
import { Difference, Unsupported } from '../../values/unsupported.js';
import { ScriptPoller, type ScriptSocket } from '../script-socket.js';
import { argument, type CallDefinition, numberArgument, type PendingCall, socketArgument } from '../system-calls.js';

const constant = (name: string): number => constants.get(name)!;
const READ_WRITE = constant('O_RDWR');
const NON_BLOCK = constant('O_NONBLOCK');
const { EBADF, EINVAL, ENOTCONN } = Errno;

export const close: CallDefinition = {
  run(context, call): number | PendingCall {
    const descriptor = numberArgument(context, call, 0);
    const found = context.descriptors.get(descriptor);
    if (found === undefined) return -EBADF;
    context.descriptors.delete(descriptor);
    if (found instanceof ScriptPoller) return 0;
    const { now } = context.host;
    found.endpoint?.close();
    found.listener?.close(now);
    const { connection } = found;
    if (connection === null) return 0;
    connection.close(now);
    // With a time to return at, close lingers: until all has arrived, or the connection is gone.
    if (call.end === null) return 0;
    const isDone = (): boolean => connection.state === State.CLOSED || connection.wake().isFinAcknowledged;
    return { attempt: () => (isDone() ? 0 : null), waits: true };
  },
};

export const shutdown: CallDefinition = {
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const how = numberArgument(context, call, 1);
    if (how < 0 || how > 2) return -EINVAL;
    const { connection } = found;
    if (connection === null) return -ENOTCONN;
    let errno: Errno = Errno.NONE;
    if (how !== constant('SHUT_WR')) errno = connection.shutdownRead();
    if (how !== constant('SHUT_RD') && errno === Errno.NONE) errno = connection.shutdownWrite();
    return -errno;
  },
};

export const fcntl: CallDefinition = {
  check(evaluator, call) {
    fcntlCommand(evaluator, call);
  },
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    switch (fcntlCommand(context.evaluator, call)) {
      case 'F_GETFL':
        return READ_WRITE | (found.isNonBlocking ? NON_BLOCK : 0);
      case 'F_SETFL':
        found.isNonBlocking = (numberArgument(context, call, 2) & NON_BLOCK) !== 0;
        return 0;
      case 'F_GETFD':
        return Number(found.isCloseOnExec);
      default:
        found.isCloseOnExec = (numberArgument(context, call, 2) & 1) !== 0;
        return 0;
    }
  },
};

function fcntlCommand(evaluator: Evaluator, call: SystemCall): string {
  const number = evaluator.number(argument(call, 1));
  const name = ['F_GETFL', 'F_SETFL', 'F_GETFD', 'F_SETFD'].find((each) => constant(each) === number);
  if (name === undefined) throw new Unsupported(`fcntl ${formatExpression(argument(call, 1))}`);
  return name;
}

type Request = (socket: ScriptSocket) => number;

const REQUESTS: Readonly<Record<string, Request>> = {
  SIOCINQ: ({ connection }) => connection?.readableBytes ?? 0,
  SIOCOUTQ: ({ connection }) => connection?.unacknowledgedWrites ?? 0,
  SIOCOUTQNSD: ({ connection }) => connection?.information().unsentBytes ?? 0,
  FIONWRITE: ({ connection }) => connection?.unacknowledgedWrites ?? 0,
  FIONSPACE: ({ connection }) => connection?.writableBytes ?? 0,
};

function ioctlRequest(evaluator: Evaluator, call: SystemCall): Request | 'FIONBIO' {
  const number = evaluator.number(argument(call, 1));
  if (number === constant('FIONBIO')) return 'FIONBIO';
  const found = Object.entries(REQUESTS).find(([name]) => constant(name) === number);
  if (found === undefined) throw new Unsupported(`ioctl ${formatExpression(argument(call, 1))}`);
  return found[1];
}

export const ioctl: CallDefinition = {
  check(evaluator, call) {
    ioctlRequest(evaluator, call);
  },
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const request = ioctlRequest(context.evaluator, call);
    const value = argument(call, 2);
    if (request === 'FIONBIO') {
      found.isNonBlocking = context.evaluator.bracketed(value) !== 0;
      return 0;
    }
    if (found.listener !== null) return -EINVAL;
    const actual = request(found);
    expectNumber(context.evaluator, `ioctl ${formatExpression(argument(call, 1))}`, value, actual);
    return 0;
  },
};

function expectNumber(evaluator: Evaluator, what: string, value: Expression, actual: number): void {
  if (value.kind === 'ellipsis' || (value.kind === 'list' && value.elements[0]?.kind === 'ellipsis')) return;
  const wanted = evaluator.bracketed(value);
  if (wanted !== actual) throw new Difference(what, String(wanted), String(actual));
}
