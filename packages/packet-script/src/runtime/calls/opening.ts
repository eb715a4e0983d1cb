import { Errno } from '@prism-net/errors';
import { State } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';
import type { Expression, SystemCall } from '../../language/syntax.js';
import { constants } from '../../values/constants.js';
import { Difference, Unsupported } from '../../values/unsupported.js';
import { ScriptSocket } from '../script-socket.js';
import {
  argument,
  type CallContext,
  type CallDefinition,
  numberArgument,
  open,
  type PendingCall,
  socketArgument,
} from '../system-calls.js';

const constant = (name: string): number => constants.get(name)!;
const STREAM = constant('SOCK_STREAM');
const DATAGRAM = constant('SOCK_DGRAM');
const NON_BLOCKING = constant('SOCK_NONBLOCK');
const CLOSE_ON_EXEC = constant('SOCK_CLOEXEC');
const INET = constant('AF_INET');
const TCP = constant('IPPROTO_TCP');
const UDP = constant('IPPROTO_UDP');
/** What a POSIX system returns for them. */
const { EBADF, EINVAL, EOPNOTSUPP, EINPROGRESS, EISCONN, EALREADY } = Errno;
const NOBODY = { becameReadable: () => {}, failed: () => {} };

interface SocketType {
  readonly type: number;
  readonly flags: number;
}

function socketType(context: Pick<CallContext, 'evaluator'>, call: SystemCall): SocketType {
  const { evaluator } = context;
  const [domain, typeArgument, protocolArgument] = call.arguments;
  if (domain === undefined || typeArgument === undefined || protocolArgument === undefined) {
    throw new Difference('socket() needs three arguments');
  }
  if (domain.kind !== 'ellipsis' && evaluator.number(domain) !== INET)
    throw new Unsupported('sockets other than AF_INET');
  const bits = evaluator.number(typeArgument);
  const type = bits & ~(NON_BLOCKING | CLOSE_ON_EXEC);
  const protocol = evaluator.number(protocolArgument);
  const isKnown =
    (type === STREAM && (protocol === 0 || protocol === TCP)) ||
    (type === DATAGRAM && (protocol === 0 || protocol === UDP));
  if (!isKnown) throw new Unsupported(`sockets of type ${type} and protocol ${protocol}`);
  return { type, flags: bits };
}

export const socket: CallDefinition = {
  check(evaluator, call) {
    socketType({ evaluator }, call);
  },
  run(context, call) {
    const { type, flags } = socketType(context, call);
    const isStream = type === STREAM;
    const made = new ScriptSocket(isStream ? 'stream' : 'datagram', context.flows.open(isStream ? 'tcp' : 'udp'));
    made.isNonBlocking = (flags & NON_BLOCKING) !== 0;
    made.isCloseOnExec = (flags & CLOSE_ON_EXEC) !== 0;
    Object.assign(made.options, context.socketDefaults);
    if (isStream) made.connection = context.host.stack.tcp.open(null);
    else made.endpoint = context.host.stack.udp.open(NOBODY);
    return open(context, call, made);
  },
};

/** `{sa_family = AF_INET, sin_port = htons(80), sin_addr = inet_addr("…")}`, or `...` for what the configuration says. */
function addressArgument(
  { evaluator }: CallContext,
  expression: Expression,
  otherwise: { address: number; port: number },
): { address: number; port: number } {
  if (expression.kind !== 'struct') return otherwise;
  const field = (name: string, place: number, fallback: number): number => {
    const value = evaluator.field(expression, name, place);
    return value === undefined || value.kind === 'ellipsis' ? fallback : evaluator.number(value);
  };
  if (field('sa_family', 0, INET) !== INET) throw new Unsupported('addresses other than AF_INET');
  return { port: field('sin_port', 1, otherwise.port), address: field('sin_addr', 2, otherwise.address) | 0 };
}

export const bind: CallDefinition = {
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { configuration } = context;
    const otherwise = { address: configuration.local.address, port: configuration.bindPort };
    const { address, port } = addressArgument(context, argument(call, 1), otherwise);
    let errno: Errno = EINVAL;
    if (found.endpoint !== null) errno = found.endpoint.bind(address, port);
    else if (found.connection !== null) {
      found.connection.apply(found.options);
      errno = found.connection.bind(IpAddress.fromIpv4(address), port);
    }
    if (errno !== Errno.NONE) return -errno;
    found.boundPort = port;
    found.flow.local.port = port;
    return 0;
  },
};

export const listen: CallDefinition = {
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { connection } = found;
    const backlog = Math.max(numberArgument(context, call, 1), 1);
    if (found.listener !== null) {
      found.listener.backlog = backlog;
      return 0;
    }
    if (connection === null) return found.kind === 'datagram' ? -EOPNOTSUPP : -EINVAL;
    if (connection.state !== State.CLOSED || connection.wake().path !== null) return -EINVAL;
    const { host } = context;
    const address = connection.wake().boundAddress;
    // What was bound becomes the listener's.
    connection.close(host.now);
    const made = host.stack.tcp.listen(address, found.boundPort, { ...found.options, backlog }, null);
    if (typeof made === 'number') return -made;
    found.connection = null;
    found.listener = made;
    found.flow.local.port = made.localPort;
    found.flow.state = 'listening';
    return 0;
  },
};

export const accept: CallDefinition = {
  run(context, call): number | PendingCall {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { listener } = found;
    if (listener === null) return found.kind === 'datagram' ? -EOPNOTSUPP : -EINVAL;
    const flags = call.name === 'accept4' ? numberArgument(context, call, 3) : 0;
    return {
      attempt: () => {
        const connection = listener.accept();
        if (connection === null) return null;
        const remote = { address: connection.remoteAddress!.d, port: connection.remotePort };
        const local = { address: connection.localAddress!.d, port: connection.localPort };
        const made = new ScriptSocket('stream', context.flows.find(local, remote) ?? context.flows.open('tcp'));
        made.isNonBlocking = (flags & NON_BLOCKING) !== 0;
        made.connection = connection;
        made.boundPort = connection.localPort;
        Object.assign(made.options, found.options);
        return open(context, call, made);
      },
    };
  },
};

export const connect: CallDefinition = {
  run(context, call): number | PendingCall {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { configuration, host } = context;
    const otherwise = { address: configuration.remote, port: configuration.connectPort };
    const remote = addressArgument(context, argument(call, 1), otherwise);
    const { connection, endpoint, flow } = found;
    if (endpoint !== null) {
      const errno = endpoint.connect(remote.address, remote.port);
      Object.assign(flow.remote, remote);
      flow.local.port = endpoint.localPort;
      return -errno;
    }
    if (connection === null) return -EISCONN;
    if (connection.state === State.SYN_SENT || connection.state === State.SYN_RECEIVED) return -EALREADY;
    if (connection.state !== State.CLOSED) return -EISCONN;
    connection.apply(found.options);
    const errno = connection.connect(IpAddress.fromIpv4(remote.address), remote.port, host.now);
    if (errno !== Errno.NONE) return -errno;
    Object.assign(flow.remote, remote);
    flow.state = 'connecting';
    flow.local.port = connection.localPort;
    return {
      wouldBlock: -EINPROGRESS,
      attempt: () => {
        if (connection.state === State.SYN_SENT || connection.state === State.SYN_RECEIVED) return null;
        if (connection.state !== State.CLOSED) return 0;
        return -connection.pendingError();
      },
    };
  },
};
