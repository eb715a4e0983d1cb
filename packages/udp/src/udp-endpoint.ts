import { ChecksumState, foldSum, HEADROOM, type Packet, PacketFlag, PacketQueue } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { Ipv4Route } from '@prism-net/ipv4';
import type { Instant } from '@prism-net/time';
import { ethernet, ipv4, isMulticastAddress, udp, vlan } from '@prism-net/wire';
import { DatagramTemplate } from './datagram-template.js';
import type { UdpLayer } from './udp-layer.js';

/** Largest payload: 65,535 less the IPv4 and UDP headers. */
export const MAXIMUM_DATAGRAM = 65_535 - ipv4.MINIMUM_HEADER_LENGTH - udp.HEADER_LENGTH;

/** Room for every header in front of the payload: UDP, IPv4 and Ethernet with a VLAN tag. */
const HEADERS = udp.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH + ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;

/** Hears what happens at an endpoint. Called from within the receive path: mark and return, do the work later. */
export interface EndpointHandler {
  /** The queue was empty and holds a datagram now. */
  becameReadable(): void;
  /** An ICMP error (RFC 1122 §4.1.3.3) or an unreachable neighbour, for a datagram sent to this address and port. */
  failed(errno: Errno, address: number, port: number): void;
}

interface Membership {
  readonly group: number;
  readonly interfaceIndex: number;
  /** Source-specific membership; 0 accepts every source. */
  readonly source: number;
}

/** One end of UDP conversations: an address and port of this host, its receive queue, and how it sends. */
export class UdpEndpoint {
  /** IPv4 addresses in host order, 0 for "any" or "none"; ports 0 while unbound or unconnected. Set by bind and connect. */
  localAddress = 0;
  localPort = 0;
  remoteAddress = 0;
  remotePort = 0;
  /** Entered in the table of 4-tuples. */
  isConnected = false;
  isClosed = false;

  /** SO_REUSEADDR/SO_REUSEPORT in one: endpoints that all set it may share an address and port. */
  reuse = false;
  /** SO_BROADCAST: sending to broadcast addresses is allowed. */
  broadcast = false;
  timeToLive = 64;
  multicastTimeToLive = 1;
  /** DSCP and ECN bits of what is sent. */
  trafficClass = 0;
  /** Fail with EMSGSIZE rather than fragment. */
  dontFragment = false;
  /** Datagrams queued before further ones are dropped (SOCKET_BUFFER_FULL). */
  receiveLimit: number;
  /** Grows with whatever may send datagrams another way: an address bound, a peer, a group, the end. For templates. */
  revision = 0;
  /** Where the last datagram went. For templates. */
  readonly route = new Ipv4Route();

  readonly #layer: UdpLayer;
  readonly #handler: EndpointHandler;
  readonly #queue = new PacketQueue();
  readonly #templates = new Set<DatagramTemplate>();
  #memberships: Membership[] = [];
  /** The address given to bind; a connect may narrow "any" to one, a disconnect widens it again. */
  #boundAddress = 0;
  #pendingError: Errno = Errno.NONE;
  #overflows = 0;

  constructor(layer: UdpLayer, handler: EndpointHandler) {
    this.#layer = layer;
    this.#handler = handler;
    this.receiveLimit = layer.configuration.receiveQueue;
  }

  /** Datagrams waiting to be received. */
  get queued(): number {
    return this.#queue.length;
  }

  /** Datagrams (or copies of group datagrams) dropped because the queue was full. */
  get overflows(): number {
    return this.#overflows;
  }

  get isBound(): boolean {
    return this.localPort !== 0;
  }

  /**
   * Binds to an own address, a group or broadcast address, or 0 for any, and a port (0: ephemeral).
   * EINVAL when bound already, EADDRNOTAVAIL for a foreign address, EADDRINUSE when taken.
   */
  bind(address: number, port: number): Errno {
    if (this.isClosed) return Errno.EBADF;
    if (this.isBound) return Errno.EINVAL;
    const { ipv4: ipv4Layer } = this.#layer;
    const isGroup = isMulticastAddress(address) || ipv4Layer.isBroadcastAddress(address, -1);
    if (address !== 0 && !isGroup && !ipv4Layer.isLocalAddress(address)) return Errno.EADDRNOTAVAIL;
    this.#boundAddress = address;
    this.revision = (this.revision + 1) | 0;
    return this.#layer.ports.bind(this, address, port);
  }

  /**
   * Fixes the peer: only its datagrams are received, and {@link send} goes there. Binds first where needed.
   * ENETUNREACH without a route, EACCES for a broadcast address without {@link broadcast}, EADDRINUSE when another
   * endpoint has the same flow. After a failure the endpoint has no peer.
   */
  connect(address: number, port: number): Errno {
    if (this.isClosed) return Errno.EBADF;
    if (port === 0) return Errno.EINVAL;
    if (this.isConnected) this.disconnect();
    const reachable = this.#resolve(address);
    if (reachable !== Errno.NONE) return reachable;
    if (!this.isBound) {
      const bound = this.bind(0, 0);
      if (bound !== Errno.NONE) return bound;
    }
    if (this.localAddress === 0) this.localAddress = this.route.source;
    this.remoteAddress = address;
    this.remotePort = port;
    this.revision = (this.revision + 1) | 0;
    const errno = this.#layer.ports.connect(this);
    if (errno !== Errno.NONE) this.disconnect();
    return errno;
  }

  /** Undoes {@link connect}: the endpoint stays bound, to the address it was bound to before. */
  disconnect(): void {
    this.#layer.ports.disconnect(this);
    this.localAddress = this.#boundAddress;
    this.remoteAddress = 0;
    this.remotePort = 0;
    this.#pendingError = Errno.NONE;
    this.#forgetRoute();
  }

  /** Receives what is sent to a group on an interface (-1: the one the route to the group names), from one source or any. */
  joinGroup(group: number, interfaceIndex = -1, source = 0): Errno {
    if (this.isClosed) return Errno.EBADF;
    if (this.#membership(group, interfaceIndex, source) >= 0) return Errno.EADDRINUSE;
    const errno = this.#layer.ipv4.joinGroup(group, interfaceIndex, source);
    if (errno !== Errno.NONE) return errno;
    this.#memberships.push({ group, interfaceIndex, source });
    this.#forgetRoute();
    return Errno.NONE;
  }

  leaveGroup(group: number, interfaceIndex = -1, source = 0): Errno {
    const index = this.#membership(group, interfaceIndex, source);
    if (index < 0) return Errno.EADDRNOTAVAIL;
    this.#memberships.splice(index, 1);
    this.#forgetRoute();
    return this.#layer.ipv4.leaveGroup(group, interfaceIndex, source);
  }

  #membership(group: number, interfaceIndex: number, source: number): number {
    return this.#memberships.findIndex(
      (member) => member.group === group && member.interfaceIndex === interfaceIndex && member.source === source,
    );
  }

  /** An empty packet to write a payload of up to one frame into (data at `offset`); null when the pool is exhausted. */
  reserve(): Packet | null {
    return this.#layer.pool.take();
  }

  /** Most payload bytes a packet of {@link reserve} holds; longer datagrams are chains of packets. */
  get reserveCapacity(): number {
    return (this.#layer.pool.memory.layout.frameSize - HEADROOM) | 0;
  }

  /**
   * Sends the packet's data as one datagram to the connected peer. Takes the packet in every case.
   * EDESTADDRREQ when not connected, a pending ICMP error first (once), EMSGSIZE, ENOBUFS, EHOSTUNREACH, ENETUNREACH.
   */
  send(packet: Packet, now: Instant): Errno {
    if (this.#pendingError !== Errno.NONE) {
      const isRehearsal = (packet.flags & PacketFlag.REHEARSAL) !== 0;
      return this.#layer.refuse(packet, isRehearsal ? this.#pendingError : this.takeError());
    }
    if (!this.isConnected) return this.#layer.refuse(packet, this.isClosed ? Errno.EBADF : Errno.EDESTADDRREQ);
    return this.#transmit(packet, this.remoteAddress, this.remotePort, now);
  }

  /** Sends to an address (host order) and port, binding an ephemeral port first where needed. Takes the packet in every case. */
  sendTo(packet: Packet, address: number, port: number, now: Instant): Errno {
    let errno: Errno = Errno.NONE;
    if (port === 0) errno = Errno.EINVAL;
    else if (this.isClosed) errno = Errno.EBADF;
    else if (!this.isBound && (packet.flags & PacketFlag.REHEARSAL) === 0) errno = this.bind(0, 0);
    if (errno !== Errno.NONE) return this.#layer.refuse(packet, errno);
    return this.#transmit(packet, address, port, now);
  }

  /**
   * Sends `burst[0]` … `burst[count - 1]` to the connected peer. Takes all of them in every case; returns how many were
   * sent, the others were refused as {@link send} would have (and released).
   */
  sendBurst(burst: readonly Packet[], count: number, now: Instant): number {
    let sent = 0;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      if (this.send(burst[i]!, now) === Errno.NONE) sent = (sent + 1) | 0;
    }
    return sent;
  }

  /**
   * A datagram made ready to be sent again and again, changed in places: to an address (host order) and port, or to the
   * connected peer when both are 0. Binds first where needed. EBADF, EDESTADDRREQ, EINVAL (one of the two is 0),
   * EMSGSIZE when it does not fit one frame, ENOBUFS, and what {@link sendTo} says of the destination.
   */
  template(payload: Uint8Array, address: number, port: number): DatagramTemplate | Errno {
    if (this.isClosed) return Errno.EBADF;
    const toPeer = address === 0 && port === 0;
    if (toPeer && !this.isConnected) return Errno.EDESTADDRREQ;
    if (!toPeer && (address === 0 || port === 0)) return Errno.EINVAL;
    if (payload.length > this.reserveCapacity) return Errno.EMSGSIZE;
    if (!this.isBound) {
      const errno = this.bind(0, 0);
      if (errno !== Errno.NONE) return errno;
    }
    const errno = this.#resolve(toPeer ? this.remoteAddress : address);
    if (errno !== Errno.NONE) return errno;
    if (payload.length + udp.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH > this.route.mtu) return Errno.EMSGSIZE;
    const packet = this.reserve();
    if (packet === null) return Errno.ENOBUFS;
    packet.memory.write(packet.offset, payload, 0, payload.length);
    packet.length = payload.length;
    const template = new DatagramTemplate(this, this.#layer, packet, address, port);
    this.#templates.add(template);
    return template;
  }

  /** For templates: one is closed. */
  forgetTemplate(template: DatagramTemplate): void {
    this.#templates.delete(template);
  }

  #transmit(given: Packet, address: number, port: number, now: Instant): Errno {
    let packet = given;
    if (packet.references === 0) {
      packet.pool.refuse(packet, 'sent');
      return Errno.EINVAL;
    }
    const route = this.route;
    const ipv4Layer = this.#layer.ipv4;
    if (route.destination !== address || route.generation !== ipv4Layer.generation) {
      const errno = this.#resolve(address);
      if (errno !== Errno.NONE) return this.#layer.refuse(packet, errno);
    }
    const payload = packet.nextSegment === null ? packet.length : packet.totalLength;
    if (payload > MAXIMUM_DATAGRAM || packet.tailroom < 0) return this.#layer.refuse(packet, Errno.EMSGSIZE);
    if (packet.headroom < HEADERS) {
      // A received packet whose sender left little room in front: a peer must not make us write before its frame.
      const roomier = packet.copyTo(this.#layer.pool);
      if (roomier === null) return this.#layer.refuse(packet, Errno.ENOBUFS);
      packet.release();
      packet = roomier;
    }
    const length = (payload + udp.HEADER_LENGTH) | 0;
    // RFC 1191 §3: datagrams that fit carry DF, so that the path MTU is learnt; longer ones are cut up unless forbidden.
    const whole = length <= route.mtu - ipv4.MINIMUM_HEADER_LENGTH;
    const at = packet.push(udp.HEADER_LENGTH);
    udp.write(packet.view, at, this.localPort, port, length, 0);
    const pseudoHeader = udp.pseudoHeaderSum(route.source, address, length);
    // A received packet may be sent on: what was known of it as it came in does not hold for what goes out.
    packet.gsoSize = 0;
    if (whole && route.interface!.link.capabilities.transmitChecksum) {
      packet.checksumState = ChecksumState.PARTIAL;
      udp.setChecksum(packet.view, at, foldSum(pseudoHeader));
    } else {
      packet.checksumState = ChecksumState.UNKNOWN;
      udp.setChecksum(packet.view, at, udp.finishChecksum(packet.sum(pseudoHeader)));
    }
    if ((packet.flags & PacketFlag.REHEARSAL) === 0) this.#layer.countSent();
    const timeToLive = route.isMulticast ? this.multicastTimeToLive : this.timeToLive;
    return ipv4Layer.send(
      packet,
      route,
      ipv4.Protocol.UDP,
      this.trafficClass,
      timeToLive,
      whole || this.dontFragment,
      now,
    );
  }

  #resolve(address: number): Errno {
    const ipv4Layer = this.#layer.ipv4;
    // Bound to a group or broadcast address it receives there, but neither is anybody's source (RFC 1122 §3.2.1.3).
    const source = ipv4Layer.isLocalAddress(this.localAddress) ? this.localAddress : 0;
    let errno = ipv4Layer.resolve(address, source, this.route, this.#interfaceFor(address));
    if (errno === Errno.NONE && this.route.isBroadcast && !this.broadcast) errno = Errno.EACCES;
    if (errno !== Errno.NONE) this.#forgetRoute();
    return errno;
  }

  #forgetRoute(): void {
    this.route.generation = -1;
    this.revision = (this.revision + 1) | 0;
  }

  /** Groups are sent to by the interface they were joined on. */
  #interfaceFor(address: number): number {
    if (!isMulticastAddress(address)) return -1;
    for (const member of this.#memberships) if (member.group === address) return member.interfaceIndex;
    return -1;
  }

  /** The oldest datagram, now the caller's: its data is the payload. Null when none waits. */
  receive(): Packet | null {
    return this.#queue.shift();
  }

  /** Puts up to `maximum` datagrams into `burst` from index 0, and returns their number; they are the caller's. */
  receiveBurst(burst: Packet[], maximum: number): number {
    let count = 0;
    while (count < maximum) {
      const packet = this.#queue.shift();
      if (packet === null) break;
      burst[count] = packet;
      count = (count + 1) | 0;
    }
    return count;
  }

  /** {@link takeError} would say something. */
  get hasError(): boolean {
    return this.#pendingError !== Errno.NONE;
  }

  /** The pending error of a connected endpoint, cleared by asking (SO_ERROR). */
  takeError(): Errno {
    const errno = this.#pendingError;
    this.#pendingError = Errno.NONE;
    return errno;
  }

  /** Releases what is queued, leaves its groups and frees the port. Idempotent. */
  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.#forgetRoute();
    for (const template of this.#templates) template.close();
    for (const { group, interfaceIndex, source } of this.#memberships) {
      this.#layer.ipv4.leaveGroup(group, interfaceIndex, source);
    }
    this.#memberships = [];
    if (this.isBound) this.#layer.ports.unbind(this);
    this.#queue.clear();
  }

  /** For the layer: takes a datagram whose data is the payload. */
  accept(packet: Packet): void {
    this.#queue.push(packet);
    if (this.#queue.length === 1) this.#handler.becameReadable();
  }

  /** For the layer: a datagram found the queue full. */
  overflowed(): void {
    this.#overflows = (this.#overflows + 1) | 0;
  }

  /** For the layer: does this endpoint receive a group or broadcast datagram? */
  wantsGroup(destination: number, source: number, sourcePort: number, interfaceIndex: number): boolean {
    if (this.isConnected && (source !== this.remoteAddress || sourcePort !== this.remotePort)) return false;
    if (!isMulticastAddress(destination)) return this.localAddress === 0 || this.localAddress === destination;
    if (this.localAddress !== 0 && this.localAddress !== destination) return false;
    for (const member of this.#memberships) {
      if (member.group !== destination) continue;
      if (member.interfaceIndex !== -1 && member.interfaceIndex !== interfaceIndex) continue;
      if (member.source === 0 || member.source === source) return true;
    }
    return false;
  }

  /** For the layer: an ICMP error is believed only for where we could have sent to (RFC 5927's advice, for UDP). */
  hasSentTo(address: number, port: number): boolean {
    return this.isConnected ? address === this.remoteAddress && port === this.remotePort : this.isBound;
  }

  /** For the layer: reports an error; a connected endpoint also fails its next send with it (RFC 1122 §4.1.3.3). */
  reportError(errno: Errno, address: number, port: number): void {
    // A smaller path MTU is for IP to act upon: the next datagram is cut to it.
    if (errno === Errno.EMSGSIZE && !this.dontFragment) return;
    if (this.isConnected) this.#pendingError = errno;
    this.#handler.failed(errno, address, port);
  }
}
