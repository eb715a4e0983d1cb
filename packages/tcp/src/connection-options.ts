import { requireCongestionControl } from '@prism-net/congestion';
import { invalidArgument, requireBoolean, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';

/** What a user sets on a connection, or on a listener for the connections it accepts. */
export interface ConnectionOptions {
  /** Send short segments at once instead of waiting for acknowledgements (TCP_NODELAY; RFC 9293 §3.7.4). Default false. */
  readonly noDelay?: boolean;
  /** Send full segments only, until it is turned off again (TCP_CORK; 200 ms at most). Default false. */
  readonly cork?: boolean;
  /** Acknowledge every segment at once (TCP_QUICKACK). Default false. */
  readonly quickAcknowledgement?: boolean;
  /** Probe an idle peer (SO_KEEPALIVE; RFC 9293 §3.8.4). Default false. */
  readonly keepAlive?: boolean;
  /** Idle time before the first probe (TCP_KEEPIDLE). Default 2 hours (RFC 9293 §3.8.4, MUST-28). */
  readonly keepAliveIdleMilliseconds?: number;
  /** Time between probes (TCP_KEEPINTVL). Default 75 s. */
  readonly keepAliveIntervalMilliseconds?: number;
  /** Probes without an answer before ETIMEDOUT (TCP_KEEPCNT). Default 9. */
  readonly keepAliveProbes?: number;
  /** How long sent data may stay unacknowledged (TCP_USER_TIMEOUT; RFC 5482). Default 0: by number of retransmissions. */
  readonly userTimeoutMilliseconds?: number;
  /** On close, reset after this many seconds if data is still unsent; 0: at once; -1: never (SO_LINGER). Default -1. */
  readonly lingerSeconds?: number;
  /** Fixed size of the receive window (SO_RCVBUF). Default: grows by itself. */
  readonly receiveBuffer?: number;
  /** SO_SNDBUF. Default: the layer's. */
  readonly sendBuffer?: number;
  /** Largest segment sent and asked for (TCP_MAXSEG), before the connection opens. Default: what the path carries. */
  readonly maximumSegmentSize?: number;
  /** TCP_CONGESTION. Default: the layer's. */
  readonly congestionControl?: string;
  /**
   * Spread segments over the round trip instead of sending them in bursts, at twice the window per round trip in slow start
   * and 1.2 times later; a congestion control that has a rate of its own paces without being asked. Default false.
   */
  readonly pacing?: boolean;
  /** Text leaves at no more than so many bytes per second, whatever congestion control says (SO_MAX_PACING_RATE). Default 0: no limit. */
  readonly maximumPacingRate?: number;
  /** The byte of DSCP and ECN bits; the ECN bits are TCP's own. Default 0. */
  readonly trafficClass?: number;
  /** IP_TTL. Default 64. */
  readonly timeToLive?: number;
  /** Bind although a connection in TIME-WAIT, or one of another socket with the same option, has the port (SO_REUSEADDR). Default false. */
  readonly reuseAddress?: boolean;
  /** Share a listening port with others that say so too (SO_REUSEPORT). Default false. */
  readonly reusePort?: boolean;
  /** Overrides the layer's setting, before the connection opens. */
  readonly ecn?: 'active' | 'passive' | 'off';
}

export const CONNECTION_OPTION_NAMES = [
  'noDelay',
  'cork',
  'quickAcknowledgement',
  'keepAlive',
  'keepAliveIdleMilliseconds',
  'keepAliveIntervalMilliseconds',
  'keepAliveProbes',
  'userTimeoutMilliseconds',
  'lingerSeconds',
  'receiveBuffer',
  'sendBuffer',
  'maximumSegmentSize',
  'congestionControl',
  'pacing',
  'maximumPacingRate',
  'trafficClass',
  'timeToLive',
  'reuseAddress',
  'reusePort',
  'ecn',
] as const satisfies readonly (keyof ConnectionOptions)[];

/** Of the traffic class; the rest is the ECN codepoint. */
export const DSCP_BITS = 0xfc;
const DAYS = 24 * 3_600_000;
const RANGES = {
  keepAliveIdleMilliseconds: [1, 32_767_000],
  keepAliveIntervalMilliseconds: [1, 32_767_000],
  keepAliveProbes: [1, 127],
  userTimeoutMilliseconds: [0, 20 * DAYS],
  lingerSeconds: [-1, 65_535],
  receiveBuffer: [256, 65_535 << 14],
  sendBuffer: [256, 65_535 << 14],
  maximumSegmentSize: [88, 65_495],
  maximumPacingRate: [0, 1e12],
  trafficClass: [0, 255],
  timeToLive: [1, 255],
} as const satisfies Partial<Record<keyof ConnectionOptions, readonly [number, number]>>;

const SWITCHES = [
  'noDelay',
  'cork',
  'quickAcknowledgement',
  'keepAlive',
  'pacing',
  'reuseAddress',
  'reusePort',
] as const satisfies readonly (keyof ConnectionOptions)[];

/** @throws PosixError EINVAL that names the option. */
export function requireConnectionOptions(where: string, options: ConnectionOptions): void {
  requireKnownOptions(where, options, CONNECTION_OPTION_NAMES);
  requireConnectionOptionRanges(where, options);
}

/** As {@link requireConnectionOptions}, where further options stand beside these. */
export function requireConnectionOptionRanges(where: string, options: ConnectionOptions): void {
  for (const [name, [minimum, maximum]] of Object.entries(RANGES)) {
    const value = options[name as keyof typeof RANGES];
    if (value !== undefined) requireWholeNumber(where, name, value, minimum, maximum);
  }
  for (const name of SWITCHES) {
    const value = options[name];
    if (value !== undefined) requireBoolean(where, name, value);
  }
  if (options.ecn !== undefined && !['active', 'passive', 'off'].includes(options.ecn)) {
    throw invalidArgument(where, `ecn must be active, passive or off, not ${String(options.ecn)}`);
  }
  if (options.congestionControl !== undefined) requireCongestionControl(where, options.congestionControl);
}
