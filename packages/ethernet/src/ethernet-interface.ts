import { type Packet, PacketFlag, type PacketPool } from '@prism-net/buffers';
import { Errno, invalidArgument, posixError, requireWholeNumber } from '@prism-net/errors';
import {
  type Link,
  MAXIMUM_VIRTUAL_SEGMENT,
  type PacketAccounts,
  type SegmentationStatistics,
  Segmenter,
} from '@prism-net/link';
import type { Instant } from '@prism-net/time';
import { DropReason, ethernet, vlan } from '@prism-net/wire';
import { Arp, type ArpInterface } from './arp.js';
import type { EthernetInterfaceOptions, PacketHandler, UnreachableHandler } from './ethernet-options.js';
import { MulticastFilter } from './multicast-filter.js';
import { type NeighbourActions, NeighbourState } from './neighbour.js';
import { NeighbourCache } from './neighbour-cache.js';
import { TransmitQueue } from './transmit-queue.js';
import { countSegments, VirtualSegments } from './virtual-segments.js';

const { IPV4, ARP, VLAN, QINQ } = ethernet.EtherType;
const NO_VLAN = -1;

/** An Ethernet interface: framing, VLAN, demultiplexing by EtherType, bursts, neighbours. Belongs to one thread. */
export class EthernetInterface implements NeighbourActions, ArpInterface {
  readonly index: number;
  readonly name: string;
  readonly link: Link;
  /** Largest network-layer packet in bytes. */
  readonly mtu: number;
  readonly macHigh: number;
  readonly macLow: number;
  /** Everything sent comes back: there are no neighbours to resolve, and own addresses are legitimate sources. */
  readonly isLoopback: boolean;
  readonly arp: Arp;
  readonly neighbours: NeighbourCache;
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  /**
   * Longest IP datagram that may be sent as one virtual segment of TCP (a packet with a `gsoSize`, its checksum PARTIAL),
   * in bytes: what the link does not take whole is cut in software.
   */
  readonly maximumVirtualSegment = MAXIMUM_VIRTUAL_SEGMENT;
  /** The link completes the checksums of packets in state PARTIAL. Without it only virtual segments may be PARTIAL. */
  readonly completesChecksum: boolean;
  /** What became of the virtual segments that were cut in software. */
  readonly segmentation: SegmentationStatistics;
  /** Takes packets whose neighbour does not answer; null: they are dropped as TRANSMIT_NEIGHBOUR_UNREACHABLE. */
  onUnreachable: UnreachableHandler | null = null;

  readonly #vlan: number;
  readonly #promiscuous: boolean;
  readonly #burst: number;
  readonly #longestFrame: number;
  readonly #maximumSegments: number;
  readonly #initialFlags: number;
  readonly #received: Packet[] = [];
  readonly #queue: TransmitQueue;
  readonly #virtualSegments: VirtualSegments;
  readonly #multicast: MulticastFilter;
  /** Apart from the others: the hot path calls it without a search. */
  #ipv4: PacketHandler | null = null;
  readonly #otherTypes: Int32Array;
  readonly #otherHandlers: PacketHandler[] = [];
  #closed = false;

  /** Throws EINVAL for an option out of range, ENOMEM when the timers run out. */
  constructor(options: EthernetInterfaceOptions) {
    const { link } = options;
    const { capabilities } = link;
    this.link = link;
    this.index = options.index;
    this.name = options.name ?? link.name;
    this.pool = options.pool;
    this.accounts = options.accounts;
    this.mtu = options.mtu ?? capabilities.mtu;
    // RFC 791 §3.2: every link must carry 68 bytes unfragmented.
    requireWholeNumber('EthernetInterface', 'mtu', this.mtu, 68, capabilities.mtu);
    this.#vlan = options.vlan ?? NO_VLAN;
    if (this.#vlan !== NO_VLAN) requireWholeNumber('EthernetInterface', 'vlan', this.#vlan, 1, 4094);
    const mac = options.macAddress ?? capabilities.macAddress;
    this.macHigh = mac.high;
    this.macLow = mac.low | 0;
    if (ethernet.isMulticast(mac.high)) {
      throw invalidArgument('EthernetInterface', 'macAddress must not be a multicast address');
    }
    this.isLoopback = capabilities.loopback;
    this.#initialFlags = this.isLoopback ? PacketFlag.LOOPED_BACK : 0;
    this.#promiscuous = options.promiscuous ?? false;
    this.#burst = options.burst ?? 32;
    requireWholeNumber('EthernetInterface', 'burst', this.#burst, 1, 4096);
    this.#longestFrame = this.mtu + ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;
    this.#maximumSegments = capabilities.maximumSegments;
    this.completesChecksum = capabilities.transmitChecksum;
    const transmitQueue = options.transmitQueue ?? 512;
    requireWholeNumber('EthernetInterface', 'transmitQueue', transmitQueue, 1, 1 << 20);
    this.#queue = new TransmitQueue(link, transmitQueue, Math.min(this.#burst, transmitQueue));
    const segmenter = new Segmenter(options.pool);
    this.segmentation = segmenter.statistics;
    this.#virtualSegments = new VirtualSegments(capabilities, this.mtu, segmenter, this.#queue, options.accounts);
    this.#multicast = new MulticastFilter(options.multicastAddresses ?? 256, options.random);
    this.#otherTypes = new Int32Array(options.etherTypes ?? 16).fill(-1);
    this.arp = new Arp(this, options.timers, options.random, options.arp ?? {});
    this.neighbours = new NeighbourCache(options.neighbours ?? {}, options.timers, options.random, this);
    this.arp.attach(this.neighbours);
  }

  /** Packets that wait for the next {@link flush}. */
  get transmitQueued(): number {
    return this.#queue.length;
  }

  /** Packets that can be sent now without any being dropped; a virtual segment that is cut in software is as many as its parts. */
  get transmitRoom(): number {
    return this.#queue.room;
  }

  /** Sends frames of an EtherType up to `handler`. Throws EADDRINUSE when the type is taken, EINVAL when it is none. */
  register(etherType: number, handler: PacketHandler): void {
    if (!Number.isInteger(etherType) || etherType < 0x0600 || etherType > 0xffff || etherType === VLAN) {
      throw invalidArgument(
        'EthernetInterface',
        `0x${etherType.toString(16)} is not an EtherType that can be registered`,
      );
    }
    if (etherType === ARP || (etherType === IPV4 ? this.#ipv4 !== null : this.#otherTypes.includes(etherType))) {
      throw posixError(Errno.EADDRINUSE, 'register', `EtherType 0x${etherType.toString(16)} has a handler already`);
    }
    if (etherType === IPV4) {
      this.#ipv4 = handler;
      return;
    }
    const at = this.#otherHandlers.length;
    if (at === this.#otherTypes.length) {
      throw posixError(Errno.ENOMEM, 'register', `at most ${at} EtherTypes, see the option etherTypes`);
    }
    this.#otherTypes[at] = etherType;
    this.#otherHandlers.push(handler);
  }

  /** Takes one burst of at most `budget` frames from the link and passes each up; returns how many there were. */
  poll(budget: number, now: Instant): number {
    if (this.#closed) return 0;
    const burst = this.#received;
    const count = this.link.receive(burst, Math.min(budget, this.#burst));
    if (count <= 0) return 0;
    this.accounts.receive(count);
    for (let i = 0; i < count; i = (i + 1) | 0) this.#receive(burst[i]!, now);
    return count;
  }

  /**
   * Takes the packet (data at the network header, 18 bytes of headroom) and sends it to an IPv4 neighbour, whose
   * address is resolved first if need be. Returns NONE, also when the packet waits for its neighbour; ENOBUFS,
   * EHOSTUNREACH, EMSGSIZE or ENETDOWN when it was dropped (and counted): of a virtual segment that is cut, ENOBUFS says
   * that its end was.
   */
  sendToNeighbour(packet: Packet, etherType: number, nextHop: number, now: Instant): Errno {
    if (this.isLoopback) return this.sendToAddress(packet, etherType, this.macHigh, this.macLow);
    const { neighbours } = this;
    const slot = neighbours.lookup(nextHop);
    if (slot >= 0 && neighbours.isUsable(slot)) {
      return this.sendToAddress(packet, etherType, neighbours.macHigh(slot), neighbours.macLow(slot));
    }
    if ((packet.flags & PacketFlag.REHEARSAL) !== 0) return this.#rehearseUnresolved(packet, etherType, slot);
    packet.packetType = etherType;
    return neighbours.resolve(packet, nextHop, now);
  }

  /** Takes the packet, as {@link sendToNeighbour}, and sends it to a MAC address. */
  sendToAddress(packet: Packet, etherType: number, macHigh: number, macLow: number): Errno {
    if (packet.nextSegment !== null || packet.length > this.mtu || packet.gsoSize !== 0 || this.#closed) {
      return this.#sendUncommon(packet, etherType, macHigh, macLow);
    }
    return this.#frame(packet, etherType, macHigh, macLow);
  }

  /**
   * Takes a packet whose data is a whole frame of this interface, as an earlier send made it, and sends it. Returns NONE;
   * ENOBUFS or ENETDOWN when it was dropped (and counted).
   */
  sendFrame(packet: Packet): Errno {
    if (this.#closed) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_LINK_CLOSED);
      return Errno.ENETDOWN;
    }
    return this.#queueFrame(packet);
  }

  /** True when the neighbour did not answer a moment ago: packets to it would be dropped. */
  isUnreachable(nextHop: number): boolean {
    if (this.isLoopback) return false;
    const slot = this.neighbours.lookup(nextHop);
    return slot >= 0 && this.neighbours.state(slot) === NeighbourState.FAILED;
  }

  /** Hands the queued burst to the link and keeps what it refuses. */
  flush(): void {
    this.#queue.flush();
  }

  /** One more user of a multicast MAC address. False when the filter is full. */
  acceptMulticast(macHigh: number, macLow: number): boolean {
    return this.#multicast.add(macHigh, macLow);
  }

  /** One user less. */
  ignoreMulticast(macHigh: number, macLow: number): void {
    this.#multicast.remove(macHigh, macLow);
  }

  /** ARP answers for this IPv4 address from now on, and announces it (RFC 5227 §2.3). */
  addIpv4Address(address: number, now: Instant): void {
    if (!this.isLoopback) this.arp.addAddress(address, now);
  }

  removeIpv4Address(address: number): void {
    this.arp.removeAddress(address);
  }

  /** Drops what is queued, gives the timers back and closes the link. Idempotent. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (let packet = this.#queue.shift(); packet !== null; packet = this.#queue.shift()) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_LINK_CLOSED);
    }
    this.neighbours.close(0);
    this.arp.close();
    this.link.close();
  }

  // What the neighbour cache asks for.

  solicit(address: number, macHigh: number, macLow: number): void {
    this.arp.solicit(address, macHigh, macLow);
  }

  transmit(packet: Packet, macHigh: number, macLow: number): Errno {
    return this.sendToAddress(packet, packet.packetType, macHigh, macLow);
  }

  unreachable(packet: Packet, now: Instant): void {
    if (this.#closed) this.accounts.dropTransmit(packet, DropReason.TRANSMIT_LINK_CLOSED);
    else if (this.onUnreachable !== null) this.onUnreachable.unreachable(packet, now);
    else this.refuse(packet);
  }

  refuse(packet: Packet): void {
    this.accounts.dropTransmit(packet, DropReason.TRANSMIT_NEIGHBOUR_UNREACHABLE);
  }

  overflow(packet: Packet): void {
    this.accounts.dropTransmit(packet, DropReason.TRANSMIT_NEIGHBOUR_QUEUE_FULL);
  }

  #receive(packet: Packet, now: Instant): void {
    const length = packet.length;
    if (length < ethernet.HEADER_LENGTH || length > this.#longestFrame || packet.nextSegment !== null || this.#closed) {
      const reason = this.#judgeUncommon(packet);
      if (reason !== DropReason.NONE) {
        this.accounts.drop(packet, reason);
        return;
      }
    }
    const view = packet.view;
    const at = packet.offset;
    packet.linkOffset = at;
    packet.interfaceIndex = this.index;
    packet.flags = this.#initialFlags;
    const high = ethernet.destinationHigh(view, at);
    const low = ethernet.destinationLow(view, at);
    if ((low !== this.macLow || high !== this.macHigh) && !this.#acceptsOther(packet, high, low)) {
      this.accounts.drop(packet, DropReason.ETHERNET_NOT_FOR_US);
      return;
    }
    if (ethernet.isMulticast(ethernet.sourceHigh(view, at))) {
      this.accounts.drop(packet, DropReason.ETHERNET_SOURCE_INVALID); // IEEE 802.3 §3.2.3
      return;
    }
    const etherType = ethernet.etherType(view, at);
    packet.consume(ethernet.HEADER_LENGTH);
    if (etherType === IPV4 && this.#ipv4 !== null && this.#vlan === NO_VLAN) {
      packet.packetType = IPV4;
      this.#ipv4.receive(packet, now);
      return;
    }
    this.#receiveOther(packet, etherType, now);
  }

  #judgeUncommon(packet: Packet): DropReason {
    if (this.#closed) return DropReason.STACK_CLOSED;
    if (packet.length < ethernet.HEADER_LENGTH) {
      return packet.nextSegment === null ? DropReason.FRAME_TOO_SHORT : DropReason.FRAME_FRAGMENTED_HEADERS;
    }
    // A virtual segment that the link put together may be longer than any frame.
    return packet.gsoSize === 0 && packet.totalLength > this.#longestFrame
      ? DropReason.FRAME_TOO_LONG
      : DropReason.NONE;
  }

  /** Judges a destination address that is not our own, and flags it. */
  #acceptsOther(packet: Packet, high: number, low: number): boolean {
    if (!ethernet.isMulticast(high)) return this.#promiscuous;
    if (ethernet.isBroadcast(high, low)) {
      packet.flags |= PacketFlag.LINK_BROADCAST;
      return true;
    }
    packet.flags |= PacketFlag.LINK_MULTICAST;
    return this.#promiscuous || this.#multicast.accepts(high, low);
  }

  /** Everything that is not untagged IPv4. The packet's data starts behind the 14 bytes of the Ethernet header. */
  #receiveOther(packet: Packet, outerType: number, now: Instant): void {
    let etherType = outerType;
    let identifier: number = vlan.PRIORITY_ONLY;
    if (outerType === QINQ) {
      this.accounts.drop(packet, DropReason.VLAN_DOUBLE_TAGGED);
      return;
    }
    if (outerType === VLAN) {
      const reason = vlan.check(packet.view, packet.offset, packet.length);
      if (reason !== DropReason.NONE) {
        this.accounts.drop(packet, reason);
        return;
      }
      identifier = vlan.identifier(packet.view, packet.offset);
      etherType = vlan.etherType(packet.view, packet.offset);
      packet.consume(vlan.TAG_LENGTH);
    }
    // A tag with identifier 0 carries a priority only: the frame is an untagged one (IEEE 802.1Q table 9-2).
    if (identifier !== (this.#vlan === NO_VLAN ? vlan.PRIORITY_ONLY : this.#vlan)) {
      this.accounts.drop(packet, DropReason.VLAN_NOT_OURS);
      return;
    }
    packet.packetType = etherType;
    if (etherType === IPV4 && this.#ipv4 !== null) {
      this.#ipv4.receive(packet, now);
      return;
    }
    if (etherType === ARP && !this.isLoopback) {
      this.arp.receive(packet, now);
      return;
    }
    for (let i = 0; i < this.#otherHandlers.length; i++) {
      if (this.#otherTypes[i] !== etherType) continue;
      this.#otherHandlers[i]!.receive(packet, now);
      return;
    }
    this.accounts.drop(packet, DropReason.ETHERTYPE_UNKNOWN);
  }

  #sendUncommon(packet: Packet, etherType: number, macHigh: number, macLow: number): Errno {
    if (this.#closed) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_LINK_CLOSED);
      return Errno.ENETDOWN;
    }
    if (packet.gsoSize !== 0 && !this.#virtualSegments.passWhole(packet)) {
      if ((packet.flags & PacketFlag.REHEARSAL) !== 0) {
        packet.release();
        return Errno.NONE;
      }
      this.#writeHeader(packet, etherType, macHigh, macLow);
      return this.#virtualSegments.send(packet);
    }
    if (packet.gsoSize === 0 && packet.totalLength > this.mtu) {
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_TOO_LONG);
      return Errno.EMSGSIZE;
    }
    if (countSegments(packet) <= this.#maximumSegments) return this.#frame(packet, etherType, macHigh, macLow);
    return this.#sendCopy(packet, etherType, macHigh, macLow);
  }

  /** Sends a packet of more segments than the link can: as few as a copy needs. */
  #sendCopy(packet: Packet, etherType: number, macHigh: number, macLow: number): Errno {
    const copy = packet.copyTo(this.pool);
    if (copy === null) {
      this.accounts.dropTransmit(packet, DropReason.OUT_OF_PACKETS);
      return Errno.ENOBUFS;
    }
    if (countSegments(copy) > this.#maximumSegments) {
      copy.release();
      this.accounts.dropTransmit(packet, DropReason.TRANSMIT_TOO_LONG);
      return Errno.EMSGSIZE;
    }
    packet.release();
    return this.#frame(copy, etherType, macHigh, macLow);
  }

  #frame(packet: Packet, etherType: number, macHigh: number, macLow: number): Errno {
    this.#writeHeader(packet, etherType, macHigh, macLow);
    return this.#queueFrame(packet);
  }

  #queueFrame(packet: Packet): Errno {
    if ((packet.flags & PacketFlag.REHEARSAL) !== 0) return this.#endRehearsal(packet);
    if (this.#queue.push(packet)) return Errno.NONE;
    this.accounts.dropTransmit(packet, DropReason.TRANSMIT_QUEUE_FULL);
    return Errno.ENOBUFS;
  }

  #endRehearsal(packet: Packet): Errno {
    const hasRoom = this.#queue.rehearse(packet);
    packet.release();
    return hasRoom ? Errno.NONE : Errno.ENOBUFS;
  }

  /** What {@link NeighbourCache.resolve} would say, without asking anybody. */
  #rehearseUnresolved(packet: Packet, etherType: number, slot: number): Errno {
    const { neighbours } = this;
    const state = slot < 0 ? NeighbourState.INCOMPLETE : neighbours.state(slot);
    if (state === NeighbourState.STALE) {
      return this.sendToAddress(packet, etherType, neighbours.macHigh(slot), neighbours.macLow(slot));
    }
    packet.release();
    if (this.#closed) return Errno.ENOBUFS;
    return state === NeighbourState.FAILED ? Errno.EHOSTUNREACH : Errno.NONE;
  }

  #writeHeader(packet: Packet, etherType: number, macHigh: number, macLow: number): void {
    if (this.#vlan === NO_VLAN) {
      const at = packet.push(ethernet.HEADER_LENGTH);
      packet.linkOffset = at;
      ethernet.write(packet.view, at, macHigh, macLow, this.macHigh, this.macLow, etherType);
    } else {
      const at = packet.push(ethernet.HEADER_LENGTH + vlan.TAG_LENGTH);
      packet.linkOffset = at;
      ethernet.write(packet.view, at, macHigh, macLow, this.macHigh, this.macLow, VLAN);
      vlan.write(packet.view, at + ethernet.HEADER_LENGTH, this.#vlan, 0, false, etherType);
    }
  }
}
