import { addWord32, ChecksumState, foldSum, type Packet, PacketFlag } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import type { Ipv4Layer, TransportHandler } from '@prism-net/ipv4';
import type { PacketAccounts } from '@prism-net/link';
import type { Instant } from '@prism-net/time';
import { DropReason, type IpAddress, ipv4, isMulticastAddress, tcp } from '@prism-net/wire';
import type { FlowKey } from '../opening/index.js';
import { Addresses } from '../segment.js';
import type { Network } from './network.js';
import type { Path } from './path.js';

/** The third word of an IPv4 address written as an IPv6 one (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff;
/** What the length field of IPv4 can say (RFC 791 §3.1). */
const LARGEST_DATAGRAM = 65_535;
const PROTOCOL = ipv4.Protocol.TCP;

/** What the network hands up: a segment whose addresses, key and checksum are known to be right. */
export interface SegmentReceiver {
  readonly accounts: PacketAccounts;
  /** Takes the packet; its data starts at the TCP header. `ecn` is the codepoint of the IP header. */
  segmentArrives(packet: Packet, network: Network, addresses: Addresses, ecn: number, now: Instant): void;
  /** An ICMP error about the segment with this sequence number: true when a connection has it in flight (RFC 5927 §4.1). */
  errorArrives(
    network: Network,
    addresses: Addresses,
    sequence: number,
    errno: Errno,
    mtu: number,
    now: Instant,
  ): boolean;
}

/** TCP over IPv4. */
export class Ipv4Network implements Network, TransportHandler {
  readonly family = 4;
  readonly headerLength = ipv4.MINIMUM_HEADER_LENGTH;
  readonly minimumMtu = 68;
  index = 0;
  readonly #layer: Ipv4Layer;
  readonly #receiver: SegmentReceiver;
  readonly #accounts: PacketAccounts;
  readonly #addresses = new Addresses();
  #ownAddress = 0;
  #ownGeneration = -1;

  constructor(layer: Ipv4Layer, receiver: SegmentReceiver) {
    this.#layer = layer;
    this.#receiver = receiver;
    this.#accounts = receiver.accounts;
    this.#addresses.localC = MAPPED;
    this.#addresses.remoteC = MAPPED;
    layer.registerProtocol(PROTOCOL, this);
  }

  keyOf(addresses: Addresses, key: FlowKey): void {
    key.setIpv4(addresses.localD, addresses.remoteD, addresses.localPort, addresses.remotePort);
  }

  /** The options of the IP header were judged below; none matters here (RFC 9293 §3.9.2, MUST-50). */
  receive(packet: Packet, now: Instant): void {
    const { view, networkOffset, offset } = packet;
    if (packet.length < tcp.MINIMUM_HEADER_LENGTH) {
      this.#accounts.drop(packet, DropReason.TCP_TRUNCATED);
      return;
    }
    const source = ipv4.source(view, networkOffset);
    const destination = ipv4.destination(view, networkOffset);
    if (packet.checksumState === ChecksumState.UNKNOWN) {
      const length = packet.nextSegment === null ? packet.length : packet.totalLength;
      // RFC 9293 §3.1, MUST-3: the checksum is checked.
      if (packet.sum(tcp.pseudoHeaderSum(source, destination, length)) !== 0xffff) {
        this.#accounts.drop(packet, DropReason.TCP_CHECKSUM);
        return;
      }
    }
    // RFC 9293 §3.9.2.3, MUST-57: a connection is between two hosts.
    if ((packet.flags & (PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST)) !== 0 || !this.#isOwn(destination)) {
      this.#accounts.drop(packet, DropReason.TCP_NOT_UNICAST);
      return;
    }
    const addresses = this.#addresses;
    addresses.localD = destination;
    addresses.remoteD = source;
    addresses.localPort = tcp.destinationPort(view, offset);
    addresses.remotePort = tcp.sourcePort(view, offset);
    this.#receiver.segmentArrives(packet, this, addresses, ipv4.trafficClass(view, networkOffset) & 3, now);
  }

  /** Neither a broadcast nor a multicast address. Asked for every segment: the last answer is kept. */
  #isOwn(destination: number): boolean {
    const { generation } = this.#layer;
    if (destination === this.#ownAddress && generation === this.#ownGeneration) return true;
    if (!this.#layer.isLocalAddress(destination)) return false;
    this.#ownAddress = destination;
    this.#ownGeneration = generation;
    return true;
  }

  receiveError(errno: Errno, mtu: number, packet: Packet, quoteOffset: number, now: Instant): boolean {
    const { view } = packet;
    const addresses = this.#addresses;
    const at = quoteOffset + ipv4.headerLength(view, quoteOffset);
    addresses.localD = ipv4.source(view, quoteOffset);
    addresses.remoteD = ipv4.destination(view, quoteOffset);
    addresses.localPort = tcp.sourcePort(view, at);
    addresses.remotePort = tcp.destinationPort(view, at);
    return this.#receiver.errorArrives(this, addresses, tcp.sequence(view, at), errno, mtu, now);
  }

  resolve(path: Path): Errno {
    const remote = path.remoteD;
    // RFC 9293 §3.9.1.1, MUST-46: no connection with a broadcast or multicast address.
    if (isMulticastAddress(remote) || this.#layer.isBroadcastAddress(remote, -1)) return Errno.EACCES;
    const route = path.ipv4Route;
    const errno = this.#layer.resolve(remote, path.localD, route, -1);
    if (errno !== Errno.NONE) return errno;
    path.localC = MAPPED;
    path.localD = route.source;
    path.mtu = route.mtu;
    path.interfaceMtu = route.interface!.mtu;
    const { transmitChecksum, segmentation, sendsViews = false } = route.interface!.link.capabilities;
    path.completesChecksum = transmitChecksum;
    path.takesVirtualSegments = transmitChecksum && segmentation >= LARGEST_DATAGRAM;
    path.sendsViews = sendsViews;
    path.pseudoHeader = foldSum(addWord32(addWord32(PROTOCOL, path.localD), remote));
    return Errno.NONE;
  }

  isCurrent(path: Path): boolean {
    return this.#layer.isCurrent(path.ipv4Route);
  }

  refresh(path: Path): boolean {
    // RFC 9293 §3.9.1.1, MUST-45: the local address is given now, and stays.
    return this.#layer.isCurrent(path.ipv4Route) || this.resolve(path) === Errno.NONE;
  }

  send(packet: Packet, path: Path, trafficClass: number, timeToLive: number, now: Instant): Errno {
    return this.#layer.send(packet, path.ipv4Route, PROTOCOL, trafficClass, timeToLive, true, now);
  }

  room(path: Path): number {
    return path.ipv4Route.interface?.transmitRoom ?? 0;
  }

  isLocalAddress(address: IpAddress): boolean {
    return address.family === 4 && this.#layer.isLocalAddress(address.d);
  }
}
