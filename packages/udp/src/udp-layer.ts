import { ChecksumState, type Packet, PacketFlag, type PacketPool } from '@prism-net/buffers';
import { Errno, requireWholeNumber } from '@prism-net/errors';
import type { Ipv4Layer, TransportHandler } from '@prism-net/ipv4';
import type { PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant } from '@prism-net/time';
import { DropReason, icmpv4, ipv4, isMulticastAddress, udp } from '@prism-net/wire';
import { PortTable } from './port-table.js';
import { type EndpointHandler, UdpEndpoint } from './udp-endpoint.js';

export interface UdpOptions {
  readonly ipv4: Ipv4Layer;
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly random: RandomSource;
  /** Most endpoints open at once; beyond it opening fails with ENOBUFS. Default 8,192. */
  readonly maximumEndpoints?: number;
  /** Range ephemeral ports are drawn from (RFC 6056 §3.2). Default 49,152–65,535. */
  readonly ephemeralPorts?: { readonly first: number; readonly last: number };
  /** Datagrams an endpoint queues for its application before further ones are dropped. Default 1,024. */
  readonly receiveQueue?: number;
}

/** What UDP sent and received, in datagrams. Drops stand in {@link PacketAccounts}. */
export interface UdpStatistics {
  readonly received: number;
  readonly sent: number;
  readonly errorsReported: number;
}

const refusals = new Map<Errno, DropReason>([
  [Errno.EMSGSIZE, DropReason.TRANSMIT_TOO_LONG],
  [Errno.ENETUNREACH, DropReason.TRANSMIT_NO_ROUTE],
  [Errno.ENOBUFS, DropReason.OUT_OF_PACKETS],
]);

/** UDP over IPv4 (RFC 768): checks, demultiplexing to endpoints, ICMP errors to the endpoint they concern. */
export class UdpLayer implements TransportHandler {
  readonly ipv4: Ipv4Layer;
  readonly pool: PacketPool;
  /** Which endpoint is bound to what. */
  readonly ports: PortTable;
  /** The limits in force. */
  readonly configuration: Required<Pick<UdpOptions, 'maximumEndpoints' | 'ephemeralPorts' | 'receiveQueue'>>;
  readonly #accounts: PacketAccounts;
  /** received, sent, errors reported */
  readonly #counts = new Float64Array(3);

  /** @throws PosixError EINVAL for a limit out of range, EADDRINUSE when UDP has a handler already. */
  constructor(options: UdpOptions) {
    this.ipv4 = options.ipv4;
    this.pool = options.pool;
    this.#accounts = options.accounts;
    this.configuration = {
      maximumEndpoints: options.maximumEndpoints ?? 8192,
      ephemeralPorts: options.ephemeralPorts ?? { first: 49_152, last: 65_535 },
      receiveQueue: options.receiveQueue ?? 1024,
    };
    const { maximumEndpoints, ephemeralPorts, receiveQueue } = this.configuration;
    requireWholeNumber('UdpLayer', 'maximumEndpoints', maximumEndpoints, 1, 1 << 20);
    requireWholeNumber('UdpLayer', 'ephemeralPorts.first', ephemeralPorts.first, 1, 65_535);
    requireWholeNumber('UdpLayer', 'ephemeralPorts.last', ephemeralPorts.last, ephemeralPorts.first, 65_535);
    requireWholeNumber('UdpLayer', 'receiveQueue', receiveQueue, 1, 1 << 20);
    this.ports = new PortTable(options.random, this.configuration);
    options.ipv4.registerProtocol(ipv4.Protocol.UDP, this);
  }

  /** A new, unbound endpoint. Its handler hears of datagrams and errors; endpoints are closed by their owner. */
  open(handler: EndpointHandler): UdpEndpoint {
    return new UdpEndpoint(this, handler);
  }

  get statistics(): UdpStatistics {
    const [received = 0, sent = 0, errorsReported = 0] = this.#counts;
    return { received, sent, errorsReported };
  }

  /** For endpoints: takes a packet that is not sent after all. Returns `errno`, so that a refusal is one line. */
  refuse(packet: Packet, errno: Errno): Errno {
    this.#accounts.dropTransmit(packet, refusals.get(errno) ?? DropReason.TRANSMIT_REFUSED);
    return errno;
  }

  countSent(): void {
    this.#counts[1]! += 1;
  }

  /** Takes the packet: judges it, and queues it at the endpoint it is for. */
  receive(packet: Packet, now: Instant): void {
    const view = packet.view;
    const at = packet.offset;
    // The header must be in one piece; a first fragment smaller than that was refused by reassembly.
    const available = packet.nextSegment === null ? packet.length : packet.totalLength;
    if (packet.length < udp.HEADER_LENGTH) {
      this.#accounts.drop(packet, DropReason.UDP_TRUNCATED);
      return;
    }
    const reason = udp.check(view, at, available);
    if (reason !== DropReason.NONE) {
      this.#accounts.drop(packet, reason);
      return;
    }
    const length = udp.length(view, at);
    // RFC 768: the length field rules; bytes behind it are not part of the datagram.
    if (length < available) {
      // It was checked, but where the sender shares the memory it may have changed since.
      if (length < udp.HEADER_LENGTH) {
        this.#accounts.drop(packet, DropReason.UDP_LENGTH);
        return;
      }
      packet.trim(length);
    }
    const source = ipv4.source(view, packet.networkOffset);
    const destination = ipv4.destination(view, packet.networkOffset);
    // RFC 768: a checksum of zero means the sender computed none.
    if (packet.checksumState === ChecksumState.UNKNOWN && udp.checksum(view, at) !== 0) {
      if (packet.sum(udp.pseudoHeaderSum(source, destination, length)) !== 0xffff) {
        this.#accounts.drop(packet, DropReason.UDP_CHECKSUM);
        return;
      }
    }
    const localPort = udp.destinationPort(view, at);
    // The address decides too: a group datagram in a unicast frame is still for the group's members only.
    const isLinkGroup = (packet.flags & (PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST)) !== 0;
    if (isLinkGroup || isMulticastAddress(destination)) {
      this.#receiveForMany(packet, source, destination, localPort);
      return;
    }
    const endpoint = this.ports.find(destination, localPort, source, udp.sourcePort(view, at));
    if (endpoint === null) {
      // RFC 1122 §4.1.3.1: answer with port unreachable (ICMP applies its rules and limits).
      this.ipv4.icmp.sendError(packet, icmpv4.Type.DESTINATION_UNREACHABLE, icmpv4.Code.PORT_UNREACHABLE, 0, now);
      this.#accounts.drop(packet, DropReason.UDP_PORT_UNREACHABLE);
      return;
    }
    this.#deliver(packet, endpoint);
  }

  /** A broadcast or multicast datagram goes to every endpoint that wants it: copies to all but the last. */
  #receiveForMany(packet: Packet, source: number, destination: number, localPort: number): void {
    const sourcePort = udp.sourcePort(packet.view, packet.offset);
    let last: UdpEndpoint | null = null;
    const endpoints = this.ports.unconnected(localPort);
    for (let i = 0; i < endpoints.length; i = (i + 1) | 0) {
      const endpoint = endpoints[i]!;
      if (!endpoint.wantsGroup(destination, source, sourcePort, packet.interfaceIndex)) continue;
      if (last !== null) this.#deliverCopy(packet, last);
      last = endpoint;
    }
    const connected = this.ports.connected(localPort);
    if (connected.size > 0) {
      for (const endpoint of connected) {
        if (!endpoint.wantsGroup(destination, source, sourcePort, packet.interfaceIndex)) continue;
        if (last !== null) this.#deliverCopy(packet, last);
        last = endpoint;
      }
    }
    if (last !== null) {
      this.#deliver(packet, last);
      return;
    }
    // RFC 1122 §3.2.2: never an ICMP error about a broadcast or multicast.
    const isGroup = isMulticastAddress(destination);
    this.#accounts.drop(packet, isGroup ? DropReason.IPV4_GROUP_NOT_JOINED : DropReason.UDP_PORT_UNREACHABLE);
  }

  /** Takes the packet. The account knows frames, not copies: only the original is counted. */
  #deliver(packet: Packet, endpoint: UdpEndpoint): void {
    packet.transportOffset = packet.offset;
    packet.consume(udp.HEADER_LENGTH);
    packet.payloadOffset = packet.offset;
    if (endpoint.queued >= endpoint.receiveLimit) {
      endpoint.overflowed();
      this.#accounts.drop(packet, DropReason.SOCKET_BUFFER_FULL);
      return;
    }
    this.#counts[0]! += 1;
    this.#accounts.deliver();
    endpoint.accept(packet);
  }

  #deliverCopy(packet: Packet, endpoint: UdpEndpoint): void {
    // Copies that nobody reads must not take the last packets: a flood to a group would keep the host from sending.
    const { available, region } = this.pool;
    if (endpoint.queued >= endpoint.receiveLimit || available <= region.frames >> 2) {
      endpoint.overflowed();
      return;
    }
    // The copy starts at the IPv4 header, so that the receiver can read addresses and ports from it.
    const headers = (packet.offset - packet.networkOffset) | 0;
    packet.push(headers);
    const copy = packet.copyTo(this.pool);
    packet.consume(headers);
    if (copy === null) {
      endpoint.overflowed();
      return;
    }
    copy.interfaceIndex = packet.interfaceIndex;
    copy.networkOffset = copy.offset;
    copy.consume(headers);
    copy.transportOffset = copy.offset;
    copy.consume(udp.HEADER_LENGTH);
    copy.payloadOffset = copy.offset;
    this.#counts[0]! += 1;
    endpoint.accept(copy);
  }

  /** An ICMP error about a datagram that claims to be ours: true when an endpoint really could have sent it. */
  receiveError(errno: Errno, _mtu: number, packet: Packet, quoteOffset: number, _now: Instant): boolean {
    const view = packet.view;
    const source = ipv4.source(view, quoteOffset);
    const destination = ipv4.destination(view, quoteOffset);
    const transport = quoteOffset + ipv4.headerLength(view, quoteOffset);
    const sourcePort = udp.sourcePort(view, transport);
    const destinationPort = udp.destinationPort(view, transport);
    const endpoint = this.ports.find(source, sourcePort, destination, destinationPort);
    if (endpoint === null || !endpoint.hasSentTo(destination, destinationPort)) return false;
    this.#counts[2]! += 1;
    endpoint.reportError(errno, destination, destinationPort);
    return true;
  }
}

/** IPv4 address (host order) a received datagram came from. */
export function sourceAddress(packet: Packet): number {
  return ipv4.source(packet.view, packet.networkOffset);
}

/** Port a received datagram came from. */
export function sourcePort(packet: Packet): number {
  return udp.sourcePort(packet.view, packet.transportOffset);
}

/** IPv4 address (host order) a received datagram was sent to: an own address, a broadcast or a group. */
export function destinationAddress(packet: Packet): number {
  return ipv4.destination(packet.view, packet.networkOffset);
}
