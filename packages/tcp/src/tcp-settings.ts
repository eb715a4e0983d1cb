import { requireCongestionControl } from '@prism-net/congestion';
import { invalidArgument, requireBoolean, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';

/** Limits and defaults of a TCP layer, each of which can be changed. Sizes in bytes. */
export interface TcpSettings {
  /** Connections of all states together, TIME-WAIT and half-open ones apart. Default 16,384. */
  readonly maximumConnections: number;
  /** Listening sockets. Default 1,024. */
  readonly maximumListeners: number;
  /** Half-open connections kept before cookies take over. Default 1,024. */
  readonly synCacheSize: number;
  /** SYN cookies (RFC 4987 §3.6): when the cache is full, never, or for every connection. Default 'when-full'. */
  readonly synCookies: 'when-full' | 'never' | 'always';
  /** Connections in TIME-WAIT remembered; beyond it the oldest is forgotten. Default 16,384. */
  readonly timeWaitSize: number;
  /** 2 MSL (RFC 9293 §3.4.2). Default 60 s. */
  readonly timeWaitMilliseconds: number;
  /** Range local ports of active opens are drawn from (RFC 6056 §3.2). Default 49,152–65,535. */
  readonly ephemeralPorts: { readonly first: number; readonly last: number };
  /** Algorithm of new connections. Default 'cubic'. */
  readonly congestionControl: string;
  /** Offer and use window scaling (RFC 7323 §2). Default true. */
  readonly windowScaling: boolean;
  /** Offer and use timestamps (RFC 7323 §3). Default true. */
  readonly timestamps: boolean;
  /** Offer and use selective acknowledgements (RFC 2018). Default true. */
  readonly selectiveAcknowledgements: boolean;
  /** Explicit congestion notification (RFC 3168): ask for it, agree when asked, or neither. Default 'passive'. */
  readonly ecn: 'active' | 'passive' | 'off';
  /** Receive window at first; it grows with what the application reads. Default 65,536. */
  readonly receiveBuffer: number;
  /** Largest receive window. Default 4 MiB. */
  readonly maximumReceiveBuffer: number;
  /** Bytes written and not yet acknowledged, at most. Default 1 MiB. */
  readonly sendBuffer: number;
  /** The least MSS believed (CVE-2019-11479). Default 88. */
  readonly minimumSegmentSize: number;
  /** RFC 6298 §2.1. Default 1 s. */
  readonly initialRetransmissionMilliseconds: number;
  /** RFC 6298 §2.4 asks for 1 s; like other stacks we use less by default: 200 ms. */
  readonly minimumRetransmissionMilliseconds: number;
  /** RFC 6298 §2.5. Default 60 s. */
  readonly maximumRetransmissionMilliseconds: number;
  /** Retransmissions of a SYN before ETIMEDOUT. Default 7: after 183 s (RFC 9293 §3.8.3, MUST-23: 3 minutes or more). */
  readonly synRetransmissions: number;
  /**
   * Retransmissions of data before ETIMEDOUT, unless a connection has a user timeout. Default 15: after 900 s or more
   * (RFC 9293 §3.8.3, SHLD-11: 100 s).
   */
  readonly retransmissions: number;
  /** Segments in flight of one connection that are kept track of. Default 8,192. */
  readonly maximumRecords: number;
  /** Ranges of text received ahead of gaps, of one connection; less while the window is small. Default 1,024. */
  readonly maximumRanges: number;
  /** How long an acknowledgement may wait for company; 500 is taken as 499 (RFC 9293 §3.8.6.3, MUST-40). Default 40 ms. */
  readonly delayedAcknowledgementMilliseconds: number;
  /** How long a closed connection waits for the peer's FIN. Default 60 s. */
  readonly finWait2Milliseconds: number;
  /** Closed connections that still have something to send, at most; beyond it the oldest is reset. Default 1,024. */
  readonly maximumOrphans: number;
  /**
   * While packets are short: how long a connection may keep some of which none moves, text nobody reads or acknowledges,
   * before it may be reset in favour of others; 0: for ever. Default 10 s.
   */
  readonly standstillMilliseconds: number;
  /**
   * Resets per second, as many at once, in answer to segments that no connection is for; half as many to one address. No
   * RFC asks for it; other stacks do it, and RFC 1812 §4.3.2.8 does for ICMP. Default 1,000.
   */
  readonly resetsPerSecond: number;
  /** Timeouts in a row after which a smaller segment is tried (RFC 4821 §7.7 by timeouts); 0: never. Default 2. */
  readonly blackHoleTimeouts: number;
  /** Segment size tried then. Default 1,024. */
  readonly blackHoleSegmentSize: number;
  /** Connection attempts that may wait for `accept`. Default 128. */
  readonly backlog: number;
  /** An established connection that was idle for so long gives most of its memory back, until something happens. Default 1 s. */
  readonly parkAfterMilliseconds: number;
  /** So many connections keep their memory, however idle. As many as `maximumConnections`: none is ever parked. Default 512, about 5 KiB each. */
  readonly warmConnections: number;
}

export const DEFAULT_SETTINGS: TcpSettings = {
  maximumConnections: 16_384,
  maximumListeners: 1024,
  synCacheSize: 1024,
  synCookies: 'when-full',
  timeWaitSize: 16_384,
  timeWaitMilliseconds: 60_000,
  ephemeralPorts: { first: 49_152, last: 65_535 },
  congestionControl: 'cubic',
  windowScaling: true,
  timestamps: true,
  selectiveAcknowledgements: true,
  ecn: 'passive',
  receiveBuffer: 65_536,
  maximumReceiveBuffer: 4 << 20,
  sendBuffer: 1 << 20,
  minimumSegmentSize: 88,
  initialRetransmissionMilliseconds: 1000,
  minimumRetransmissionMilliseconds: 200,
  maximumRetransmissionMilliseconds: 60_000,
  synRetransmissions: 7,
  retransmissions: 15,
  maximumRecords: 8192,
  maximumRanges: 1024,
  delayedAcknowledgementMilliseconds: 40,
  finWait2Milliseconds: 60_000,
  maximumOrphans: 1024,
  standstillMilliseconds: 10_000,
  resetsPerSecond: 1000,
  blackHoleTimeouts: 2,
  blackHoleSegmentSize: 1024,
  backlog: 128,
  parkAfterMilliseconds: 1000,
  warmConnections: 512,
};

/** The names of all settings, for checks of options further up. */
export const SETTING_NAMES = Object.keys(DEFAULT_SETTINGS) as readonly (keyof TcpSettings)[];

const WHERE = 'TcpLayer';
/** The largest window that can be offered: 65,535 scaled by 14 (RFC 7323 §2.3). */
const LARGEST_WINDOW = 65_535 << 14;
const HOUR = 3_600_000;

const RANGES = {
  maximumConnections: [1, 1 << 22],
  maximumListeners: [1, 65_535],
  synCacheSize: [1, 1 << 20],
  timeWaitSize: [1, 1 << 22],
  timeWaitMilliseconds: [1, HOUR],
  receiveBuffer: [256, LARGEST_WINDOW],
  maximumReceiveBuffer: [256, LARGEST_WINDOW],
  sendBuffer: [256, LARGEST_WINDOW],
  minimumSegmentSize: [8, 536],
  initialRetransmissionMilliseconds: [1, 60_000],
  minimumRetransmissionMilliseconds: [1, 60_000],
  maximumRetransmissionMilliseconds: [1, 1_000_000],
  synRetransmissions: [0, 32],
  retransmissions: [0, 64],
  maximumRecords: [16, 1 << 20],
  maximumRanges: [1, 4096],
  delayedAcknowledgementMilliseconds: [0, 500],
  finWait2Milliseconds: [1, HOUR],
  maximumOrphans: [0, 1 << 20],
  standstillMilliseconds: [0, HOUR],
  resetsPerSecond: [2, 100_000],
  blackHoleTimeouts: [0, 16],
  blackHoleSegmentSize: [88, 65_495],
  backlog: [1, 65_535],
  parkAfterMilliseconds: [1, HOUR],
  warmConnections: [0, 1 << 22],
} as const satisfies Partial<Record<keyof TcpSettings, readonly [number, number]>>;

/**
 * Defaults for what is left out. An error names the call that was made, and the setting with what leads to it: `tcp.`.
 * @throws PosixError EINVAL
 */
export function resolveSettings(given: Partial<TcpSettings>, where: string = WHERE, prefix = ''): TcpSettings {
  requireKnownOptions(where, given, SETTING_NAMES);
  const settings: TcpSettings = { ...DEFAULT_SETTINGS, ...definedOnly(given) };
  for (const [name, [minimum, maximum]] of Object.entries(RANGES)) {
    requireWholeNumber(where, `${prefix}${name}`, settings[name as keyof typeof RANGES], minimum, maximum);
  }
  const { ephemeralPorts } = settings;
  if (typeof ephemeralPorts !== 'object' || ephemeralPorts === null) {
    throw invalidArgument(where, `${prefix}ephemeralPorts must be { first, last }, not ${String(ephemeralPorts)}`);
  }
  const { first, last } = ephemeralPorts;
  requireWholeNumber(where, `${prefix}ephemeralPorts.first`, first, 1, 65_535);
  requireWholeNumber(where, `${prefix}ephemeralPorts.last`, last, first, 65_535);
  requireCongestionControl(where, settings.congestionControl, prefix);
  for (const name of ['windowScaling', 'timestamps', 'selectiveAcknowledgements'] as const) {
    requireBoolean(where, `${prefix}${name}`, settings[name]);
  }
  requireOneOf(where, `${prefix}synCookies`, settings.synCookies, ['when-full', 'never', 'always']);
  requireOneOf(where, `${prefix}ecn`, settings.ecn, ['active', 'passive', 'off']);
  if (settings.minimumRetransmissionMilliseconds > settings.maximumRetransmissionMilliseconds) {
    throw invalidArgument(
      where,
      `${prefix}minimumRetransmissionMilliseconds must not exceed ${prefix}maximumRetransmissionMilliseconds`,
    );
  }
  return settings;
}

function requireOneOf(where: string, name: string, value: unknown, allowed: readonly string[]): void {
  if (allowed.includes(value as string)) return;
  throw invalidArgument(where, `${name} must be one of ${allowed.join(', ')}, not ${String(value)}`);
}

function definedOnly<T extends object>(given: T): Partial<T> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined)) as Partial<T>;
}
