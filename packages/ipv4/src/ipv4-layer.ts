import { type Packet, PacketFlag } from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import type { EthernetInterface } from '@prism-net/ethernet';
import type { PacketAccounts } from '@prism-net/link';
import type { Instant } from '@prism-net/time';
import {
  DropReason,
  ethernet,
  type Ipv4Prefix,
  icmpv4,
  ipv4,
  isMulticastAddress,
  MULTICAST_MAC_HIGH,
  multicastMacLow,
  parseIpv4Address,
} from '@prism-net/wire';
import { AddressTable, type Ipv4Address } from './address-table.js';
import { Forwarder } from './forwarding.js';
import { Fragmenter } from './fragmentation.js';
import { Icmp, type IcmpHost } from './icmp.js';
import { Identification } from './identification.js';
import { Ipv4Interface, type Ipv4Receiver } from './ipv4-interface.js';
import type { Ipv4LayerOptions } from './ipv4-options.js';
import { Ipv4Resolver } from './ipv4-resolver.js';
import type { Ipv4Route } from './ipv4-route.js';
import { MulticastGroups } from './multicast-groups.js';
import { PathMtu, type PathMtuListener } from './path-mtu.js';
import { Reassembly, type ReassemblyListener } from './reassembly.js';
import { type RouteListener, RoutingTable } from './routing-table.js';
import type { TransportHandler } from './transport-handler.js';
import { wireLength } from './virtual-segment.js';

const { Protocol } = ipv4;
const { Type, Code } = icmpv4;
const IPV4 = ethernet.EtherType.IPV4;
const MAXIMUM_DATAGRAM = 65_535;
const ALL_HOSTS = parseIpv4Address('224.0.0.1');

/** The Internet Protocol, version 4 (RFC 791): addresses, routes, fragments, ICMP, groups. Belongs to one thread. */
export class Ipv4Layer implements Ipv4Receiver, IcmpHost, ReassemblyListener, RouteListener, PathMtuListener {
  /** Changes whenever a route that was resolved earlier may have become wrong; see {@link Ipv4Route.generation}. */
  generation = 0;
  readonly timeToLive: number;
  readonly strongHost: boolean;
  readonly routes: RoutingTable;
  readonly icmp: Icmp;
  readonly accounts: PacketAccounts;
  readonly addressTable: AddressTable;
  readonly groups: MulticastGroups;
  readonly reassembly: Reassembly;
  readonly pathMtu: PathMtu;
  readonly forwarder: Forwarder | null;

  readonly #resolver: Ipv4Resolver;
  readonly #identification: Identification;
  readonly #fragmenter: Fragmenter;
  /** By index of the interface. */
  readonly #byIndex: (Ipv4Interface | null)[] = [];
  readonly #transports: (TransportHandler | null)[] = new Array<TransportHandler | null>(256).fill(null);
  /** Apart from the others: most packets go there, without a look-up. */
  #udp: TransportHandler | null = null;

  constructor(options: Ipv4LayerOptions) {
    const { pool, accounts, timers, random, now } = options;
    const minimumPathMtu = options.minimumPathMtu ?? 552;
    if (!(minimumPathMtu >= 68 && minimumPathMtu <= MAXIMUM_DATAGRAM)) {
      throw posixError(Errno.EINVAL, 'Ipv4Layer', `minimumPathMtu must be from 68 to 65,535, not ${minimumPathMtu}`);
    }
    this.timeToLive = options.timeToLive ?? 64;
    if (!(this.timeToLive >= 1 && this.timeToLive <= 255)) {
      throw posixError(Errno.EINVAL, 'Ipv4Layer', `timeToLive must be from 1 to 255, not ${this.timeToLive}`);
    }
    this.accounts = accounts;
    this.strongHost = options.strongHost ?? true;
    this.addressTable = new AddressTable(options.addresses ?? 64, random);
    this.groups = new MulticastGroups(options.groups ?? 256, random);
    this.routes = new RoutingTable(options.routes ?? 4096, random, this);
    this.pathMtu = new PathMtu(options.pathMtuDestinations ?? 256, minimumPathMtu, timers, random, this);
    // Fragments that never become whole must not starve everything else of packets.
    const frames = Math.max(16, Math.min(512, pool.region.frames >> 2));
    this.reassembly = new Reassembly({ frames, ...options.reassembly }, accounts, timers, random, this);
    this.#identification = new Identification(random);
    this.#fragmenter = new Fragmenter(pool);
    this.icmp = new Icmp(this, pool, accounts, this.pathMtu, random, now, options.icmp ?? {});
    this.forwarder =
      options.forwarding === true ? new Forwarder(this.routes, this.icmp, this.#fragmenter, pool, accounts) : null;
    this.#resolver = new Ipv4Resolver(this.#byIndex, this.addressTable, this.routes, this.pathMtu, this.strongHost);
  }

  /** Puts IPv4 on an interface: handler, addresses with their networks, ARP, the group 224.0.0.1. Throws EADDRINUSE or EINVAL. */
  addInterface(networkInterface: EthernetInterface, addresses: readonly Ipv4Prefix[], now: Instant): void {
    const { index, isLoopback } = networkInterface;
    if (this.#interfaceAt(index) !== null) {
      throw posixError(Errno.EADDRINUSE, 'addInterface', `there is an interface with index ${index} already`);
    }
    const added = new Ipv4Interface(networkInterface, this);
    networkInterface.register(IPV4, added);
    networkInterface.onUnreachable = added;
    while (this.#byIndex.length <= index) this.#byIndex.push(null);
    this.#byIndex[index] = added;
    if (isLoopback) this.addressTable.hasLoopback = true;
    for (const address of addresses) this.addAddress(index, address, now);
    this.joinGroup(ALL_HOSTS, index); // RFC 1112 §7.2
    this.#changed();
  }

  /** Adds an address to an interface added before. Throws EADDRINUSE or EINVAL. */
  addAddress(interfaceIndex: number, prefix: Ipv4Prefix, now: Instant): void {
    const target = this.#interfaceAt(interfaceIndex);
    if (target === null) throw posixError(Errno.EINVAL, 'addAddress', `there is no interface ${interfaceIndex}`);
    const { networkInterface } = target;
    const entry = this.addressTable.add(prefix, interfaceIndex, networkInterface.isLoopback);
    target.addAddress(entry);
    networkInterface.addIpv4Address(entry.address, now);
    const connected = { destination: entry.address, prefixLength: entry.prefixLength, interface: networkInterface };
    const present = this.routes.lookup(entry.address, interfaceIndex);
    // A second address in the same network shares the route.
    if (present === null || present.prefixLength !== entry.prefixLength || present.gateway !== 0) {
      this.routes.add(connected);
    }
    this.#changed();
  }

  /** Sends packets of an IP protocol up to `handler`. Throws EADDRINUSE when it is taken. */
  registerProtocol(protocol: number, handler: TransportHandler): void {
    if (!Number.isInteger(protocol) || protocol < 0 || protocol > 255) {
      throw posixError(Errno.EINVAL, 'registerProtocol', `${protocol} is not an IP protocol number`);
    }
    if (protocol === Protocol.ICMP || this.#transports[protocol] !== null) {
      throw posixError(Errno.EADDRINUSE, 'registerProtocol', `IP protocol ${protocol} has a handler already`);
    }
    this.#transports[protocol] = handler;
    if (protocol === Protocol.UDP) this.#udp = handler;
  }

  /**
   * Finds out how to reach `destination` and fills `route`. `source` 0 lets the layer choose; `interfaceIndex` -1 allows
   * any interface. Own addresses are reached over the loopback interface. Returns NONE, ENETUNREACH when there is no
   * route, EADDRNOTAVAIL when `source` is not ours or none fits.
   */
  resolve(destination: number, source: number, route: Ipv4Route, interfaceIndex: number): Errno {
    route.generation = this.generation;
    return this.#resolver.resolve(destination, source, route, interfaceIndex);
  }

  isCurrent(route: Ipv4Route): boolean {
    return route.generation === this.generation;
  }

  /**
   * Takes the packet (data at the transport header, HEADROOM in front) and sends it. Fragments what exceeds the route's
   * MTU unless `dontFragment`; then EMSGSIZE. A virtual segment of TCP (`gsoSize` > 0, checksum PARTIAL) may be up to
   * 65,535 bytes with its headers; what counts is the length of its segments on the wire, and it is never fragmented.
   * Whatever is not NONE means dropped and counted.
   */
  send(
    packet: Packet,
    route: Ipv4Route,
    protocol: number,
    trafficClass: number,
    timeToLive: number,
    dontFragment: boolean,
    now: Instant,
  ): Errno {
    const networkInterface = route.interface;
    if (networkInterface === null) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_NO_ROUTE);
      return Errno.ENETUNREACH;
    }
    const { source, destination } = route;
    const total = ((packet.nextSegment === null ? packet.length : packet.totalLength) + 20) | 0;
    const isVirtual = packet.gsoSize !== 0;
    const tooLong =
      total > route.mtu && (!isVirtual || wireLength(packet, protocol, packet.offset, 20, total) > route.mtu);
    if (tooLong && (dontFragment || isVirtual || total > MAXIMUM_DATAGRAM)) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_TOO_LONG);
      return Errno.EMSGSIZE;
    }
    const at = packet.push(20);
    packet.networkOffset = at;
    if (dontFragment) {
      // RFC 6864 §4.1: the identification of a datagram that cannot be fragmented means nothing.
      const flags = ipv4.DONT_FRAGMENT;
      ipv4.write(packet.view, at, trafficClass, total, 0, flags, timeToLive, protocol, source, destination);
    } else {
      if ((packet.flags & PacketFlag.REHEARSAL) !== 0) return this.#rehearseFragmentable(packet, route, tooLong, now);
      const datagrams = isVirtual ? (1 + total / packet.gsoSize) | 0 : 1;
      const identification = this.#identification.next(source, destination, protocol, datagrams);
      ipv4.write(packet.view, at, trafficClass, total, identification, 0, timeToLive, protocol, source, destination);
      if (tooLong) return this.#sendFragments(packet, route, now);
    }
    return this.#sendWhole(packet, route, now);
  }

  /**
   * One more member of a group; of one source only when `source` is not 0. `interfaceIndex` -1: the interface to which
   * routes to the group lead. Returns NONE, EINVAL (not a group), EADDRNOTAVAIL (no such interface) or ENOBUFS (limits).
   */
  joinGroup(group: number, interfaceIndex: number, source = 0): Errno {
    if (!isMulticastAddress(group)) return Errno.EINVAL;
    const index = interfaceIndex < 0 ? this.#resolver.interfaceFor(group) : interfaceIndex;
    const target = this.#interfaceAt(index);
    if (target === null) return Errno.EADDRNOTAVAIL;
    const errno = this.groups.join(group, index, source);
    if (errno !== Errno.NONE) return errno;
    if (!target.networkInterface.acceptMulticast(MULTICAST_MAC_HIGH, multicastMacLow(group))) {
      this.groups.leave(group, index, source);
      return Errno.ENOBUFS;
    }
    target.forgetAccepted();
    return Errno.NONE;
  }

  /** One member less. EADDRNOTAVAIL when there was none. */
  leaveGroup(group: number, interfaceIndex: number, source = 0): Errno {
    for (const target of this.#byIndex) {
      if (target === null) continue;
      const { networkInterface } = target;
      if (interfaceIndex >= 0 && networkInterface.index !== interfaceIndex) continue;
      if (this.groups.leave(group, networkInterface.index, source) !== Errno.NONE) continue;
      networkInterface.ignoreMulticast(MULTICAST_MAC_HIGH, multicastMacLow(group));
      target.forgetAccepted();
      return Errno.NONE;
    }
    return Errno.EADDRNOTAVAIL;
  }

  /** Whether an address is one of ours, on any interface; all of 127.0.0.0/8 is when there is a loopback interface. */
  isLocalAddress(address: number): boolean {
    return this.addressTable.isLocal(address);
  }

  /** Whether an address is a broadcast address on an interface; on any when `interfaceIndex` is -1. */
  isBroadcastAddress(address: number, interfaceIndex: number): boolean {
    if (interfaceIndex >= 0) return this.#interfaceAt(interfaceIndex)?.isBroadcast(address) ?? address === -1;
    for (let i = 0; i < this.#byIndex.length; i++) if (this.#byIndex[i]?.isBroadcast(address) === true) return true;
    return address === -1;
  }

  /** Whether a packet that came in by an interface can have this source, and may be answered. */
  isUnicastSource(address: number, interfaceIndex: number): boolean {
    return this.#interfaceAt(interfaceIndex)?.isUnicastSource(address) ?? false;
  }

  addresses(): Ipv4Address[] {
    return this.addressTable.list();
  }

  /** The first address of an interface, or 0. */
  primaryAddress(interfaceIndex: number): number {
    return this.#interfaceAt(interfaceIndex)?.primary ?? 0;
  }

  interfaces(): EthernetInterface[] {
    return this.#byIndex.filter((each) => each !== null).map((each) => each.networkInterface);
  }

  /** Releases everything held and gives the timers back. Idempotent. */
  close(): void {
    this.reassembly.close();
    this.pathMtu.close();
  }

  // What the parts of the layer ask for.

  transportOf(protocol: number): TransportHandler | null {
    return this.#transports[protocol] ?? null;
  }

  deliver(packet: Packet, protocol: number, now: Instant): void {
    if (protocol === Protocol.UDP && this.#udp !== null) {
      this.#udp.receive(packet, now);
      return;
    }
    if (protocol === Protocol.ICMP) {
      this.icmp.receive(packet, now);
      return;
    }
    const transport = this.#transports[protocol]!;
    if (transport !== null) {
      transport.receive(packet, now);
      return;
    }
    // RFC 1122 §3.2.2.1. Also IP in IP, which is never unpacked (CVE-2020-10136).
    this.icmp.sendError(packet, Type.DESTINATION_UNREACHABLE, Code.PROTOCOL_UNREACHABLE, 0, now);
    this.accounts.drop(packet, DropReason.IPV4_PROTOCOL_UNKNOWN);
  }

  unreachable(packet: Packet, now: Instant): void {
    const { view, offset } = packet;
    packet.networkOffset = offset;
    if (!this.isLocalAddress(ipv4.source(view, offset))) {
      this.icmp.sendError(packet, Type.DESTINATION_UNREACHABLE, Code.HOST_UNREACHABLE, 0, now);
    } else if (ipv4.fragmentOffset(view, offset) === 0) {
      // As if a router had said so: the sender learns it the same way.
      this.icmp.report(Errno.EHOSTUNREACH, 0, packet, offset, now);
    }
    this.accounts.dropTransmit(packet, DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE);
  }

  reassemblyTimedOut(packet: Packet, now: Instant): void {
    this.icmp.sendError(packet, Type.TIME_EXCEEDED, Code.REASSEMBLY_TIME_EXCEEDED, 0, now);
  }

  routesChanged(): void {
    this.#changed();
  }

  pathMtuChanged(): void {
    this.#changed();
  }

  #sendWhole(packet: Packet, route: Ipv4Route, now: Instant): Errno {
    const networkInterface = route.interface!;
    if (route.macHigh >= 0) return networkInterface.sendToAddress(packet, IPV4, route.macHigh, route.macLow);
    return networkInterface.sendToNeighbour(packet, IPV4, route.nextHop, now);
  }

  /** Without a header, so that no identification is used up; and not as far as fragments. */
  #rehearseFragmentable(packet: Packet, route: Ipv4Route, tooLong: boolean, now: Instant): Errno {
    if (!tooLong) return this.#sendWhole(packet, route, now);
    packet.release();
    return Errno.NONE;
  }

  #sendFragments(packet: Packet, route: Ipv4Route, now: Instant): Errno {
    const networkInterface = route.interface!;
    if (!this.#fragmenter.fragment(packet, route.mtu)) {
      this.accounts.dropTransmit(packet, DropReason.OUT_OF_PACKETS);
      return Errno.ENOBUFS;
    }
    const { fragments } = this.#fragmenter;
    let result: Errno = Errno.NONE;
    for (let fragment = fragments.shift(); fragment !== null; fragment = fragments.shift()) {
      const errno =
        route.macHigh >= 0
          ? networkInterface.sendToAddress(fragment, IPV4, route.macHigh, route.macLow)
          : networkInterface.sendToNeighbour(fragment, IPV4, route.nextHop, now);
      if (result === Errno.NONE) result = errno;
    }
    return result;
  }

  #interfaceAt(index: number): Ipv4Interface | null {
    return index >= 0 && index < this.#byIndex.length ? this.#byIndex[index]! : null;
  }

  #changed(): void {
    this.generation = (this.generation + 1) | 0;
    for (let i = 0; i < this.#byIndex.length; i++) this.#byIndex[i]?.forgetAccepted();
  }
}
