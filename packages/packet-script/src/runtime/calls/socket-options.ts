import { Errno } from '@prism-net/errors';
import { type ConnectionOptions, State } from '@prism-net/tcp';
import { formatExpression } from '../../language/printer.js';
import type { Expression, SystemCall } from '../../language/syntax.js';
import { constants, optionName } from '../../values/constants.js';
import type { Evaluator } from '../../values/evaluator.js';
import { Difference, Unsupported } from '../../values/unsupported.js';
import type { ScriptSocket } from '../script-socket.js';
import { argument, type CallContext, type CallDefinition, socketArgument } from '../system-calls.js';

type Options = { -readonly [Key in keyof ConnectionOptions]?: ConnectionOptions[Key] };

interface NumberOption {
  /** Sets it; what it returns besides undefined is a negative error number. */
  set?(value: number, socket: ScriptSocket): Options | number | undefined;
  get?(socket: ScriptSocket, context: CallContext): number;
}

const { EBADF, EINVAL, ENOPROTOOPT } = { ...Errno, ENOPROTOOPT: 92 };
const constant = (name: string): number => constants.get(name)!;

/** An option that is one of a connection's, perhaps in another unit. */
function connectionOption(
  name: keyof ConnectionOptions,
  toOption: (value: number) => unknown,
  read: (socket: ScriptSocket) => number,
): NumberOption {
  return { set: (value) => ({ [name]: toOption(value) }) as Options, get: read };
}

const flag = (name: keyof ConnectionOptions, read: (socket: ScriptSocket) => boolean | undefined): NumberOption =>
  connectionOption(
    name,
    (value) => value !== 0,
    (socket) => Number(read(socket) ?? false),
  );

/** Kept for getsockopt alone: the host does it anyway, or has no use for it. */
function remembered(name: string, ...values: readonly number[]): NumberOption {
  return {
    set: (value, socket) => {
      if (values.length > 0 && !values.includes(value)) throw new Unsupported(`${name} = ${value}`);
      socket.remembered.set(name, value);
      return undefined;
    },
    get: (socket) => socket.remembered.get(name) ?? values[0] ?? 0,
  };
}

/** What MSG_MORE does is undone by the next write, what this does is not. */
const CORK: NumberOption = {
  set: (value, socket) => {
    if (value === 0) socket.remembered.delete('TCP_CORK');
    else socket.remembered.set('TCP_CORK', 1);
    return { cork: value !== 0 };
  },
  get: ({ connection }) => Number(connection?.wake().cork ?? false),
};

const OPTIONS: Readonly<Record<string, NumberOption>> = {
  SO_REUSEADDR: flag(
    'reuseAddress',
    ({ connection, options }) => options.reuseAddress ?? connection?.wake().reuseAddress,
  ),
  SO_REUSEPORT: flag('reusePort', ({ connection, options }) => options.reusePort ?? connection?.wake().reusePort),
  SO_KEEPALIVE: flag('keepAlive', ({ connection, options }) => options.keepAlive ?? connection?.wake().keepAlive),
  SO_ERROR: { get: ({ connection, endpoint }) => connection?.pendingError() ?? endpoint?.takeError() ?? 0 },
  SO_SNDBUF: connectionOption(
    'sendBuffer',
    (value) => Math.max(value, 256),
    ({ connection, options }) => options.sendBuffer ?? connection?.wake().sendBuffer.limit ?? 0,
  ),
  SO_RCVBUF: connectionOption(
    'receiveBuffer',
    (value) => Math.max(value, 256),
    ({ connection, options }) => options.receiveBuffer ?? connection?.wake().receiveWindow.limit ?? 0,
  ),
  SO_SNDBUFFORCE: connectionOption(
    'sendBuffer',
    (value) => Math.max(value, 256),
    () => 0,
  ),
  SO_RCVBUFFORCE: connectionOption(
    'receiveBuffer',
    (value) => Math.max(value, 256),
    () => 0,
  ),
  SO_TYPE: { get: ({ kind }) => constant(kind === 'stream' ? 'SOCK_STREAM' : 'SOCK_DGRAM') },
  SO_DOMAIN: { get: () => constant('AF_INET') },
  SO_PROTOCOL: { get: ({ kind }) => constant(kind === 'stream' ? 'IPPROTO_TCP' : 'IPPROTO_UDP') },
  SO_ACCEPTCONN: { get: ({ listener }) => Number(listener !== null) },
  SO_BROADCAST: {
    set: (value, { endpoint }) => {
      if (endpoint !== null) endpoint.broadcast = value !== 0;
      return undefined;
    },
    get: ({ endpoint }) => Number(endpoint?.broadcast ?? false),
  },
  // Urgent data stays in the stream (RFC 6093 §6).
  SO_OOBINLINE: remembered('SO_OOBINLINE', 1),
  SO_DEBUG: remembered('SO_DEBUG'),
  SO_NOSIGPIPE: remembered('SO_NOSIGPIPE'),
  SO_PRIORITY: remembered('SO_PRIORITY'),
  SO_RCVLOWAT: remembered('SO_RCVLOWAT', 1),
  SO_SNDLOWAT: remembered('SO_SNDLOWAT', 1),
  TCP_NODELAY: flag('noDelay', ({ connection, options }) => options.noDelay ?? connection?.wake().noDelay),
  TCP_CORK: CORK,
  TCP_NOPUSH: CORK,
  TCP_QUICKACK: flag(
    'quickAcknowledgement',
    ({ connection, options }) => options.quickAcknowledgement ?? connection?.wake().quickAcknowledgement,
  ),
  TCP_MAXSEG: {
    set: (value) => (value >= 88 && value <= 32_767 ? { maximumSegmentSize: value } : -EINVAL),
    get: ({ connection, options }) =>
      connection !== null && connection.state >= State.ESTABLISHED
        ? connection.wake().segmentSize
        : (options.maximumSegmentSize ?? 536),
  },
  TCP_KEEPIDLE: connectionOption(
    'keepAliveIdleMilliseconds',
    (value) => value * 1000,
    ({ connection, options }) => (options.keepAliveIdleMilliseconds ?? connection?.wake().keepAliveIdle ?? 0) / 1000,
  ),
  TCP_KEEPINTVL: connectionOption(
    'keepAliveIntervalMilliseconds',
    (value) => value * 1000,
    ({ connection, options }) =>
      (options.keepAliveIntervalMilliseconds ?? connection?.wake().keepAliveInterval ?? 0) / 1000,
  ),
  TCP_KEEPCNT: connectionOption(
    'keepAliveProbes',
    (value) => value,
    ({ connection, options }) => options.keepAliveProbes ?? connection?.wake().keepAliveProbes ?? 0,
  ),
  TCP_USER_TIMEOUT: connectionOption(
    'userTimeoutMilliseconds',
    (value) => value,
    ({ connection, options }) => options.userTimeoutMilliseconds ?? connection?.wake().userTimeout ?? 0,
  ),
  IP_TOS: {
    set: (value, { endpoint }) => {
      if (endpoint !== null) endpoint.trafficClass = value;
      return { trafficClass: value };
    },
    get: ({ connection, options, endpoint }) =>
      endpoint?.trafficClass ?? options.trafficClass ?? connection?.wake().trafficClass ?? 0,
  },
  IP_TTL: {
    set: (value, { endpoint }) => {
      if (value < 1 || value > 255) return -EINVAL;
      if (endpoint !== null) endpoint.timeToLive = value;
      return { timeToLive: value };
    },
    get: ({ connection, options, endpoint }) =>
      endpoint?.timeToLive ?? options.timeToLive ?? connection?.wake().timeToLive ?? 64,
  },
  // Segments are never fragmented.
  IP_MTU_DISCOVER: remembered('IP_MTU_DISCOVER', 2, 1),
  IP_MTU: { get: ({ connection }) => connection?.wake().pathMtu ?? 0 },
  IP_FREEBIND: remembered('IP_FREEBIND'),
};

const ALGORITHMS: Readonly<Record<string, string>> = { reno: 'newreno', newreno: 'newreno', cubic: 'cubic' };

/** The option's name and how the value is written. @throws Unsupported for one there is nothing for */
function optionOf(evaluator: Evaluator, call: SystemCall): string {
  const level = evaluator.number(argument(call, 1));
  const option = argument(call, 2);
  const name = option.kind === 'word' ? option.name : optionName(level, evaluator.number(option));
  const isKnown = name !== undefined && (name in OPTIONS || ['SO_LINGER', 'TCP_CONGESTION', 'TCP_INFO'].includes(name));
  if (!isKnown) throw new Unsupported(`the socket option ${name ?? formatExpression(option)}`);
  return name;
}

/** Sets options where the socket stands: on its connection, and for those that its listener accepts. */
function apply(found: ScriptSocket, options: Options): void {
  Object.assign(found.options, options);
  if (found.listener !== null) Object.assign(found.listener.options, options);
  else if (found.connection !== null) found.connection.apply(options);
}

export const setsockopt: CallDefinition = {
  check(evaluator, call) {
    const name = optionOf(evaluator, call);
    if (name === 'TCP_INFO') throw new Unsupported('setsockopt of TCP_INFO');
    if (name === 'TCP_CONGESTION') algorithm(argument(call, 3));
    const option = OPTIONS[name];
    if (option !== undefined && option.set === undefined) throw new Unsupported(`setsockopt of ${name}`);
  },
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { evaluator } = context;
    const name = optionOf(evaluator, call);
    const value = argument(call, 3);
    if (name === 'SO_LINGER') {
      apply(found, { lingerSeconds: linger(evaluator, value) });
      return 0;
    }
    if (name === 'TCP_CONGESTION') {
      apply(found, { congestionControl: algorithm(value) });
      return 0;
    }
    const result = OPTIONS[name]?.set?.(evaluator.bracketed(value), found);
    if (typeof result === 'number') return result;
    if (result !== undefined) apply(found, result);
    return 0;
  },
};

export const getsockopt: CallDefinition = {
  check(evaluator, call) {
    const name = optionOf(evaluator, call);
    if (OPTIONS[name] !== undefined && OPTIONS[name].get === undefined) throw new Unsupported(`getsockopt of ${name}`);
  },
  run(context, call) {
    const found = socketArgument(context, call);
    if (found === undefined) return -EBADF;
    const { evaluator } = context;
    const name = optionOf(evaluator, call);
    const expected = argument(call, 3);
    if (name === 'TCP_INFO') return found.kind === 'stream' ? 0 : -ENOPROTOOPT;
    if (name === 'SO_LINGER')
      compareLinger(evaluator, expected, found.options.lingerSeconds ?? found.connection?.linger ?? -1);
    else if (name === 'TCP_CONGESTION') compareAlgorithm(expected, found, context);
    else compare(evaluator, name, expected, OPTIONS[name]!.get!(found, context));
    return 0;
  },
};

function compare(evaluator: Evaluator, name: string, expected: Expression, actual: number): void {
  if (expected.kind === 'ellipsis' || (expected.kind === 'list' && expected.elements[0]?.kind === 'ellipsis')) return;
  const wanted = evaluator.bracketed(expected);
  if (wanted !== actual) throw new Difference(`getsockopt of ${name}`, String(wanted), String(actual));
}

/** Seconds; -1: off. */
function linger(evaluator: Evaluator, value: Expression): number {
  const onOff = evaluator.field(value, 'onoff', 0);
  const seconds = evaluator.field(value, 'linger', 1);
  if (onOff === undefined || seconds === undefined) throw new Difference('SO_LINGER needs {onoff=…, linger=…}');
  return evaluator.number(onOff) === 0 ? -1 : evaluator.number(seconds);
}

function compareLinger(evaluator: Evaluator, expected: Expression, actual: number): void {
  if (expected.kind === 'ellipsis') return;
  const check = (field: string, place: number, value: number): void => {
    const wanted = evaluator.field(expected, field, place);
    if (wanted === undefined || wanted.kind === 'ellipsis') return;
    compare(evaluator, `SO_LINGER ${field}`, wanted, value);
  };
  check('onoff', 0, Number(actual >= 0));
  check('linger', 1, Math.max(actual, 0));
}

function algorithm(value: Expression): string {
  const written = value.kind === 'string' ? value.value : formatExpression(value);
  const name = ALGORITHMS[written];
  if (name === undefined) throw new Unsupported(`the congestion control '${written}'`);
  return name;
}

function compareAlgorithm(expected: Expression, found: ScriptSocket, { host }: CallContext): void {
  if (expected.kind !== 'string') return;
  const { tcp } = host.stack;
  const own =
    found.options.congestionControl ?? found.connection?.wake().recovery.control.name ?? tcp.settings.congestionControl;
  const actual = own === 'newreno' ? 'reno' : own;
  const wanted = expected.value === 'newreno' ? 'reno' : expected.value;
  const isEqual = expected.isPrefix ? actual.startsWith(wanted) : actual === wanted;
  if (!isEqual) throw new Difference('getsockopt of TCP_CONGESTION', expected.value, actual);
}
