import type { PacketPool } from '@prism-net/buffers';
import type { PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant, TimerWheel } from '@prism-net/time';
import type { IcmpOptions } from './icmp.js';
import type { ReassemblyOptions } from './reassembly.js';

export interface Ipv4LayerOptions {
  /** Packets for ICMP messages and fragments come from here. */
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly timers: TimerWheel;
  /** For secrets and jitter. In production a cryptographic source. */
  readonly random: RandomSource;
  readonly now: Instant;
  /** Pass packets for others on, as a router does. Default false. */
  readonly forwarding?: boolean;
  /** Accept on each interface only the interface's own addresses (the strong model of RFC 1122 §3.3.4.2). Default true. */
  readonly strongHost?: boolean;
  /** Of packets the layer makes itself (ICMP), and the default for transports. Default 64. */
  readonly timeToLive?: number;
  /** Own addresses on all interfaces together. Default 64. */
  readonly addresses?: number;
  /** Routes. Default 4,096. */
  readonly routes?: number;
  /** Multicast memberships: groups, times interfaces, times sources. Default 256. */
  readonly groups?: number;
  /** Destinations whose path MTU is remembered. Default 256. */
  readonly pathMtuDestinations?: number;
  /** Path MTUs below this are not believed, at least 68. Default 552. */
  readonly minimumPathMtu?: number;
  readonly reassembly?: ReassemblyOptions;
  readonly icmp?: IcmpOptions;
}
