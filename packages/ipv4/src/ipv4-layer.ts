import type { Packet, PacketPool } from '@prism-net/buffers';
import type { EthernetInterface } from '@prism-net/ethernet';
import type { Errno, PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant, TimerWheel } from '@prism-net/time';
import type { Ipv4Prefix } from '@prism-net/wire';
import type { Icmp, IcmpOptions } from './icmp.js';
import type { Ipv4Route } from './ipv4-route.js';
import type { ReassemblyOptions } from './reassembly.js';
import type { RoutingTable } from './routing-table.js';
import type { TransportHandler } from './transport-handler.js';

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
  /** Of packets the stack makes itself (ICMP), and the default for transports. Default 64. */
  readonly timeToLive?: number;
  /** Own addresses on all interfaces together. Default 64. */
  readonly addresses?: number;
  /** Routes. Default 4,096. */
  readonly routes?: number;
  /** Multicast memberships. Default 256. */
  readonly groups?: number;
  /** Destinations whose path MTU is remembered. Default 256. */
  readonly pathMtuDestinations?: number;
  /** Path MTUs below this are not believed. Default 552. */
  readonly minimumPathMtu?: number;
  readonly reassembly?: ReassemblyOptions;
  readonly icmp?: IcmpOptions;
}

/** An own address. */
export interface Ipv4Address extends Ipv4Prefix {
  readonly interfaceIndex: number;
}

export declare class Ipv4Layer {
  /** Changes whenever a route that was resolved earlier may have become wrong; see {@link Ipv4Route.generation}. */
  generation: number;
  readonly timeToLive: number;
  readonly routes: RoutingTable;
  readonly icmp: Icmp;
  constructor(options: Ipv4LayerOptions);
  /** Puts IPv4 on an interface: handler, addresses with their networks, ARP, the group 224.0.0.1. Throws EADDRINUSE or EINVAL. */
  addInterface(networkInterface: EthernetInterface, addresses: readonly Ipv4Prefix[], now: Instant): void;
  /** Adds an address to an interface added before. Throws EADDRINUSE or EINVAL. */
  addAddress(interfaceIndex: number, address: Ipv4Prefix, now: Instant): void;
  /** Sends packets of an IP protocol up to `handler`. Throws EADDRINUSE when it is taken. */
  registerProtocol(protocol: number, handler: TransportHandler): void;
  /**
   * Finds out how to reach `destination` and fills `route`. `source` 0 lets the layer choose; `interfaceIndex` -1 allows
   * any interface. Returns NONE, ENETUNREACH (no route), EADDRNOTAVAIL (`source` is not ours, or there is none) …
   */
  resolve(destination: number, source: number, route: Ipv4Route, interfaceIndex: number): Errno;
  isCurrent(route: Ipv4Route): boolean;
  /**
   * Takes the packet (data at the transport header, HEADROOM in front) and sends it. Fragments what exceeds the route's
   * MTU unless `dontFragment`; then EMSGSIZE. Whatever is not NONE means dropped and counted.
   */
  send(
    packet: Packet,
    route: Ipv4Route,
    protocol: number,
    trafficClass: number,
    timeToLive: number,
    dontFragment: boolean,
    now: Instant,
  ): Errno;
  /** One more member of a group, of one source only when `source` is not 0. `interfaceIndex` -1: where routes to it lead. */
  joinGroup(group: number, interfaceIndex: number, source?: number): Errno;
  leaveGroup(group: number, interfaceIndex: number, source?: number): Errno;
  /** Whether an address is one of ours, on any interface; all of 127.0.0.0/8 is when there is a loopback interface. */
  isLocalAddress(address: number): boolean;
  addresses(): Ipv4Address[];
  /** The first address of an interface, or 0. */
  primaryAddress(interfaceIndex: number): number;
  interfaces(): EthernetInterface[];
  /** Releases everything held and gives the timers back. Idempotent. */
  close(): void;
}
