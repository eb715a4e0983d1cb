import {
  Errno,
  type PosixError,
  posixError,
  requireBoolean,
  requireKnownOptions,
  requireWholeNumber,
} from '@prism-net/errors';
import { CONNECTION_OPTION_NAMES, type ConnectionOptions, requireConnectionOptionRanges } from '@prism-net/tcp';
import { IpAddress } from '@prism-net/wire';
import { requirePort, requireSignal } from './datagram-socket-options.js';
import { streamErrorAdvice } from './error-advice.js';

/** What a stream socket is told besides the options of its connection. */
export interface StreamSocketOptions {
  /**
   * The end of the peer's stream leaves the sending side open, until `end()` or `close()`, as with BSD sockets. False: it
   * ends as soon as a reader is told of the end, as with the sockets of `node:net`. Default true.
   */
  readonly allowHalfOpen?: boolean;
  /** Closes the socket when aborted; an attempt to connect fails with its reason. */
  readonly signal?: AbortSignal;
}

export interface StreamConnectOptions extends ConnectionOptions, StreamSocketOptions {
  /** The peer. */
  readonly address: string;
  readonly port: number;
  /** An own address. Default: that of the interface that leads to the peer. */
  readonly localAddress?: string;
  /** Default 0: an ephemeral one. */
  readonly localPort?: number;
  /** Gives up with ETIMEDOUT after so long. Default: when the SYN was repeated so often as the stack's settings say. */
  readonly timeoutMilliseconds?: number;
}

export interface StreamListenOptions extends ConnectionOptions, StreamSocketOptions {
  /** 0: a free one is chosen. */
  readonly port: number;
  /** An own address. Default: any. */
  readonly address?: string;
  /** Connections that may wait to be accepted; further ones are not answered. Default: the stack's, 128. */
  readonly backlog?: number;
}

const SOCKET = ['allowHalfOpen', 'signal'] as const satisfies readonly (keyof StreamSocketOptions)[];
const CONNECT = ['address', 'port', 'localAddress', 'localPort', 'timeoutMilliseconds'] as const;
const LISTEN = ['port', 'address', 'backlog'] as const;
/** An hour: longer than any SYN is repeated. */
const LONGEST_TIMEOUT = 3_600_000;
/** What is agreed upon, or used, when a connection opens. */
const ONLY_BEFORE = ['maximumSegmentSize', 'reuseAddress', 'reusePort', 'ecn'] as const;

/** @throws PosixError EINVAL that names the option. */
export function requireConnectOptions(options: StreamConnectOptions): void {
  requireObject('connect', options, '{ address, port }');
  requireKnownOptions('connect', options, [...CONNECT, ...SOCKET, ...CONNECTION_OPTION_NAMES]);
  requirePort('connect', options.port, 1);
  requirePort('connect', options.localPort ?? 0, 0);
  const { timeoutMilliseconds } = options;
  if (timeoutMilliseconds !== undefined) {
    requireWholeNumber('connect', 'timeoutMilliseconds', timeoutMilliseconds, 1, LONGEST_TIMEOUT);
  }
  requireOpeningOptions('connect', options);
}

/** @throws PosixError EINVAL that names the option. */
export function requireListenOptions(options: StreamListenOptions): void {
  requireObject('listen', options, '{ port }');
  requireKnownOptions('listen', options, [...LISTEN, ...SOCKET, ...CONNECTION_OPTION_NAMES]);
  requirePort('listen', options.port, 0);
  if (options.backlog !== undefined) requireWholeNumber('listen', 'backlog', options.backlog, 1, 65_535);
  requireOpeningOptions('listen', options);
}

/** Options of a connection that is open. @throws PosixError EINVAL that names the option. */
export function requireChangeableOptions(options: ConnectionOptions): void {
  requireKnownOptions('setOptions', options, CONNECTION_OPTION_NAMES);
  for (const name of ONLY_BEFORE) {
    if (options[name] === undefined) continue;
    throw posixError(Errno.EINVAL, 'setOptions', `${name} has to be given to connect or listen`);
  }
  requireConnectionOptionRanges('setOptions', options);
}

/** The options that a connection understands. */
export function connectionOptions(options: ConnectionOptions): ConnectionOptions {
  const known: readonly string[] = CONNECTION_OPTION_NAMES;
  return Object.fromEntries(
    Object.entries(options).filter(([name, value]) => known.includes(name) && value !== undefined),
  );
}

/** @throws PosixError EINVAL, EAFNOSUPPORT */
export function requireAddress(syscall: string, name: string, text: string): IpAddress {
  let address: IpAddress;
  try {
    address = IpAddress.parse(text);
  } catch (error) {
    throw posixError(Errno.EINVAL, syscall, `${name}: ${(error as PosixError).detail}`);
  }
  if (address.family === 4) return address;
  throw streamError(syscall, Errno.EAFNOSUPPORT, text);
}

/** The error of a call on a stream socket, with advice. */
export function streamError(syscall: string, errno: Errno, detail: string): PosixError {
  const advice = streamErrorAdvice(syscall, errno);
  return posixError(errno, syscall, advice === undefined ? detail : `${detail}: ${advice}`);
}

function requireOpeningOptions(syscall: string, options: ConnectionOptions & StreamSocketOptions): void {
  requireConnectionOptionRanges(syscall, options);
  const { allowHalfOpen } = options;
  if (allowHalfOpen !== undefined) requireBoolean(syscall, 'allowHalfOpen', allowHalfOpen);
  requireSignal(syscall, options.signal);
}

function requireObject(syscall: string, options: unknown, least: string): void {
  if (typeof options === 'object' && options !== null) return;
  throw posixError(Errno.EINVAL, syscall, `options: at least ${least}`);
}
