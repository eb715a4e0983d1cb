import { invalidArgument, requireBoolean, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import type { UdpEndpoint } from '@prism-net/udp';

export interface DatagramSocketOptions {
  /** Local address in dotted form. Default: any. */
  readonly address?: string;
  /** Local port. Default 0: an ephemeral one, chosen when the socket binds. */
  readonly port?: number;
  /** Share address and port with other sockets that say so too (SO_REUSEADDR and SO_REUSEPORT). Default false. */
  readonly reuse?: boolean;
  /** Allow sending to broadcast addresses (SO_BROADCAST). Default false. */
  readonly broadcast?: boolean;
  /** Datagrams queued before further ones are dropped. Default: the stack's. */
  readonly receiveQueue?: number;
  /** Time to live of what is sent to single hosts, 1 to 255. Default 64. */
  readonly timeToLive?: number;
  /** Time to live of what is sent to groups, 0 to 255. Default 1. */
  readonly multicastTimeToLive?: number;
  /** The byte of DSCP and ECN bits, 0 to 255. Default 0. */
  readonly trafficClass?: number;
  /** Fail with EMSGSIZE rather than fragment. Default false. */
  readonly dontFragment?: boolean;
  /** Closes the socket when aborted. */
  readonly signal?: AbortSignal;
}

/** Every option there is. */
const OPTIONS = [
  'address',
  'port',
  'reuse',
  'broadcast',
  'receiveQueue',
  'timeToLive',
  'multicastTimeToLive',
  'trafficClass',
  'dontFragment',
  'signal',
] as const satisfies readonly (keyof DatagramSocketOptions)[];

const SWITCHES = ['reuse', 'broadcast', 'dontFragment'] as const satisfies readonly (keyof DatagramSocketOptions)[];

/** @throws PosixError EINVAL that names the option. */
export function requireSocketOptions(options: DatagramSocketOptions): void {
  requireKnownOptions('socket', options, OPTIONS);
  const { receiveQueue, timeToLive, multicastTimeToLive, trafficClass } = options;
  if (receiveQueue !== undefined) requireWholeNumber('socket', 'receiveQueue', receiveQueue, 1, 1 << 20);
  if (timeToLive !== undefined) requireWholeNumber('socket', 'timeToLive', timeToLive, 1, 255);
  if (multicastTimeToLive !== undefined) {
    requireWholeNumber('socket', 'multicastTimeToLive', multicastTimeToLive, 0, 255);
  }
  for (const name of SWITCHES) {
    const value = options[name];
    if (value !== undefined) requireBoolean('socket', name, value);
  }
  requireSignal('socket', options.signal);
  if (trafficClass !== undefined) requireWholeNumber('socket', 'trafficClass', trafficClass, 0, 255);
}

/** Sets what the options say; the endpoint's own defaults hold for the rest. */
export function applySocketOptions(endpoint: UdpEndpoint, options: DatagramSocketOptions): void {
  endpoint.reuse = options.reuse ?? endpoint.reuse;
  endpoint.broadcast = options.broadcast ?? endpoint.broadcast;
  endpoint.dontFragment = options.dontFragment ?? endpoint.dontFragment;
  endpoint.timeToLive = options.timeToLive ?? endpoint.timeToLive;
  endpoint.multicastTimeToLive = options.multicastTimeToLive ?? endpoint.multicastTimeToLive;
  endpoint.trafficClass = options.trafficClass ?? endpoint.trafficClass;
  endpoint.receiveLimit = options.receiveQueue ?? endpoint.receiveLimit;
}

/** @throws PosixError EINVAL */
export function requirePort(syscall: string, port: number, minimum: number): void {
  requireWholeNumber(syscall, 'port', port, minimum, 65_535);
}

/** By its members rather than by class: one of another realm is as good. @throws PosixError EINVAL */
export function requireSignal(syscall: string, signal: AbortSignal | undefined): void {
  if (signal === undefined || typeof signal?.throwIfAborted === 'function') return;
  throw invalidArgument(syscall, `signal must be an AbortSignal, not ${String(signal)}`);
}
