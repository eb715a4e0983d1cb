import { ChecksumState, type Packet, PacketFlag, type PacketPool } from '@prism-net/buffers';
import type { PacketAccounts } from '@prism-net/link';
import type { Instant } from '@prism-net/time';
import { DropReason, ethernet, icmpv4, ipv4, isMulticastAddress, isReservedAddress } from '@prism-net/wire';
import { completeChecksum } from './checksum-completion.js';
import type { Fragmenter } from './fragmentation.js';
import type { Icmp } from './icmp.js';
import type { RouteEntry, RoutingTable } from './routing-table.js';
import { wireLength } from './virtual-segment.js';

const { Type, Code } = icmpv4;
/** An Ethernet header with its tag. */
const LINK_HEADERS = 18;
/** 169.254.0.0/16 in its upper half. */
const LINK_LOCAL = 0xa9fe;

/** Passes packets for other hosts on (RFC 1812 §5), when forwarding is turned on. */
export class Forwarder {
  readonly #routes: RoutingTable;
  readonly #icmp: Icmp;
  readonly #fragmenter: Fragmenter;
  readonly #pool: PacketPool;
  readonly #accounts: PacketAccounts;

  constructor(routes: RoutingTable, icmp: Icmp, fragmenter: Fragmenter, pool: PacketPool, accounts: PacketAccounts) {
    this.#routes = routes;
    this.#icmp = icmp;
    this.#fragmenter = fragmenter;
    this.#pool = pool;
    this.#accounts = accounts;
  }

  /** Takes a checked packet whose data starts at its IPv4 header. */
  forward(packet: Packet, now: Instant): void {
    const { view, offset } = packet;
    const destination = ipv4.destination(view, offset);
    if (!isForwardable(packet)) {
      this.#accounts.drop(packet, DropReason.IPV4_DESTINATION_INVALID);
      return;
    }
    if (ipv4.timeToLive(view, offset) <= 1) {
      this.#icmp.sendError(packet, Type.TIME_EXCEEDED, Code.TIME_TO_LIVE_EXCEEDED, 0, now);
      this.#accounts.drop(packet, DropReason.IPV4_TIME_TO_LIVE_EXCEEDED);
      return;
    }
    const route = this.#routes.lookup(destination, -1);
    if (route === null || route.interface.isLoopback) {
      this.#icmp.sendError(packet, Type.DESTINATION_UNREACHABLE, Code.NETWORK_UNREACHABLE, 0, now);
      this.#accounts.drop(packet, DropReason.IPV4_NO_ROUTE);
      return;
    }
    if (isDirectedBroadcast(route, destination)) {
      this.#accounts.drop(packet, DropReason.IPV4_DESTINATION_INVALID); // RFC 2644
      return;
    }
    const nextHop = route.gateway === 0 ? destination : route.gateway;
    if (route.interface.isUnreachable(nextHop)) {
      this.#icmp.sendError(packet, Type.DESTINATION_UNREACHABLE, Code.HOST_UNREACHABLE, 0, now);
      this.#accounts.drop(packet, DropReason.IPV4_NO_ROUTE);
      return;
    }
    const { mtu } = route.interface;
    const isVirtual = packet.gsoSize !== 0;
    const tooLong = (isVirtual ? virtualLength(packet) : packet.totalLength) > mtu;
    if (tooLong && (ipv4.dontFragment(view, offset) || isVirtual)) {
      this.#icmp.sendError(packet, Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, mtu, now);
      this.#accounts.drop(packet, DropReason.IPV4_FORWARD_NEEDS_FRAGMENTING);
      return;
    }
    const ready = this.#withHeadroom(packet);
    if (ready === null) return;
    // Whoever cuts a virtual segment completes the checksums of its parts.
    if (!isVirtual && ready.checksumState === ChecksumState.PARTIAL && !route.interface.completesChecksum) {
      completeChecksum(ready);
    }
    ipv4.decrementTimeToLive(ready.view, ready.offset);
    this.#accounts.forward();
    ready.flags |= PacketFlag.PROVOKED;
    if (tooLong) this.#sendFragments(ready, route, nextHop, now);
    else route.interface.sendToNeighbour(ready, ethernet.EtherType.IPV4, nextHop, now);
  }

  #sendFragments(packet: Packet, route: RouteEntry, nextHop: number, now: Instant): void {
    if (!this.#fragmenter.fragment(packet, route.interface.mtu)) {
      this.#accounts.dropTransmit(packet, DropReason.OUT_OF_PACKETS);
      return;
    }
    const { fragments } = this.#fragmenter;
    for (let fragment = fragments.shift(); fragment !== null; fragment = fragments.shift()) {
      route.interface.sendToNeighbour(fragment, ethernet.EtherType.IPV4, nextHop, now);
    }
  }

  /** The packet, or a copy when a tag may not fit in front of it. */
  #withHeadroom(packet: Packet): Packet | null {
    if (packet.headroom >= LINK_HEADERS) return packet;
    const copy = packet.copyTo(this.#pool);
    if (copy === null) {
      this.#accounts.drop(packet, DropReason.OUT_OF_PACKETS);
      return null;
    }
    copy.interfaceIndex = packet.interfaceIndex;
    copy.networkOffset = copy.offset;
    packet.release();
    return copy;
  }
}

/** RFC 1812 §5.3.4: nothing that came by link broadcast; §5.3.7 and RFC 3927 §2.7: nothing from or to addresses of one link. */
function isForwardable(packet: Packet): boolean {
  const { view, offset } = packet;
  const destination = ipv4.destination(view, offset);
  return (
    (packet.flags & (PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST)) === 0 &&
    !isMulticastAddress(destination) &&
    !isReservedAddress(destination) &&
    destination >>> 24 !== 127 &&
    destination >>> 24 !== 0 &&
    destination >>> 16 !== LINK_LOCAL &&
    ipv4.source(view, offset) >>> 16 !== LINK_LOCAL
  );
}

/** Length of the longest datagram on the wire of a virtual segment with its data at the IPv4 header. */
function virtualLength(packet: Packet): number {
  const { view, offset } = packet;
  const header = ipv4.headerLength(view, offset);
  return wireLength(packet, ipv4.protocol(view, offset), offset + header, header, packet.totalLength);
}

function isDirectedBroadcast(route: RouteEntry, destination: number): boolean {
  if (route.gateway !== 0 || route.prefixLength > 30 || route.prefixLength === 0) return false;
  return (destination | (-1 << (32 - route.prefixLength))) === -1;
}
