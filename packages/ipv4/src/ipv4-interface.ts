import { type Packet, PacketFlag } from '@prism-net/buffers';
import type { EthernetInterface, PacketHandler, UnreachableHandler } from '@prism-net/ethernet';
import type { PacketAccounts } from '@prism-net/link';
import type { Instant } from '@prism-net/time';
import {
  DropReason,
  ipv4,
  ipv4Options,
  isLoopbackAddress,
  isMulticastAddress,
  isReservedAddress,
} from '@prism-net/wire';
import { type AddressTable, type Ipv4Address, subnetBroadcast } from './address-table.js';
import type { Forwarder } from './forwarding.js';
import type { MulticastGroups } from './multicast-groups.js';
import type { Reassembly } from './reassembly.js';

/** What the interfaces of a layer share. */
export interface Ipv4Receiver {
  readonly accounts: PacketAccounts;
  readonly addressTable: AddressTable;
  readonly groups: MulticastGroups;
  readonly reassembly: Reassembly;
  readonly strongHost: boolean;
  /** Null unless this host is a router. */
  readonly forwarder: Forwarder | null;
  /** Takes a packet for this host, with its data at the transport header. */
  deliver(packet: Packet, protocol: number, now: Instant): void;
  /** Takes a packet this host sent, or forwarded, that its neighbour did not answer for. */
  unreachable(packet: Packet, now: Instant): void;
}

const { NONE } = DropReason;
const { MINIMUM_HEADER_LENGTH } = ipv4;
const LINK_GROUP = PacketFlag.LINK_BROADCAST | PacketFlag.LINK_MULTICAST;
/** The byte of a header of version 4 without options. */
const PLAIN_HEADER = 0x45;
/** In place of a drop reason: the packet is for another host. */
const NOT_LOCAL = -1;
/** No packet has such flags. */
const NO_FLAGS = -1;

/** IPv4 on one interface: its addresses, and the way of a packet from the link up to its transport. */
export class Ipv4Interface implements PacketHandler, UnreachableHandler {
  readonly networkInterface: EthernetInterface;
  readonly addresses: Ipv4Address[] = [];
  readonly #broadcasts: number[] = [];
  /** The first address, or 0. */
  primary = 0;
  readonly #layer: Ipv4Receiver;
  readonly #accounts: PacketAccounts;
  readonly #index: number;
  readonly #isLoopback: boolean;
  /** Source, destination and link flags of the last packet accepted: its like need not be judged again. */
  #acceptedSource = 0;
  #acceptedDestination = 0;
  #acceptedFlags = NO_FLAGS;

  constructor(networkInterface: EthernetInterface, layer: Ipv4Receiver) {
    this.networkInterface = networkInterface;
    this.#layer = layer;
    this.#accounts = layer.accounts;
    this.#index = networkInterface.index;
    this.#isLoopback = networkInterface.isLoopback;
  }

  addAddress(address: Ipv4Address): void {
    if (this.addresses.length === 0) this.primary = address.address;
    this.addresses.push(address);
    const broadcast = subnetBroadcast(address);
    if (broadcast !== 0) this.#broadcasts.push(broadcast);
  }

  /** To be called when addresses or groups change. */
  forgetAccepted(): void {
    this.#acceptedFlags = NO_FLAGS;
  }

  /** 255.255.255.255, or the broadcast address of one of the interface's networks. */
  isBroadcast(address: number): boolean {
    if (address === -1) return true;
    const broadcasts = this.#broadcasts;
    for (let i = 0; i < broadcasts.length; i++) if (broadcasts[i] === address) return true;
    return false;
  }

  receive(packet: Packet, now: Instant): void {
    const view = packet.view;
    const at = packet.offset;
    const chained = packet.nextSegment !== null;
    const length = chained ? packet.totalLength : packet.length;
    let reason: DropReason = ipv4.check(view, at, length);
    if (reason !== NONE || chained) {
      if (chained && !hasWholeHeader(packet)) reason = DropReason.FRAME_FRAGMENTED_HEADERS;
      if (reason !== NONE) {
        this.#accounts.drop(packet, reason);
        return;
      }
    }
    packet.networkOffset = at;
    // Ethernet pads short frames: nothing above may see the padding.
    const total = ipv4.totalLength(view, at);
    if (total !== length) packet.trim(total);

    let header: number = MINIMUM_HEADER_LENGTH;
    if (view.getUint8(at) !== PLAIN_HEADER) {
      header = ipv4.headerLength(view, at);
      reason = ipv4Options.check(view, at + MINIMUM_HEADER_LENGTH, header - MINIMUM_HEADER_LENGTH);
      if (reason !== NONE) {
        this.#accounts.drop(packet, reason);
        return;
      }
    }
    // Behind a link in shared memory the sender can still write: what was read again may not be what was checked.
    if (packet.length < header) {
      this.#accounts.drop(packet, DropReason.IPV4_HEADER_LENGTH);
      return;
    }
    if (
      ipv4.source(view, at) !== this.#acceptedSource ||
      ipv4.destination(view, at) !== this.#acceptedDestination ||
      packet.flags !== this.#acceptedFlags
    ) {
      const judgement = this.#judgeAddresses(packet, at);
      if (judgement !== NONE) {
        this.#refuse(packet, judgement, now);
        return;
      }
    }
    if (ipv4.isFragment(view, at)) {
      this.#receiveFragment(packet, now);
      return;
    }
    packet.transportOffset = (at + header) | 0;
    packet.consume(header);
    this.#layer.deliver(packet, ipv4.protocol(view, at), now);
  }

  /** Takes a packet whose neighbour did not answer. */
  unreachable(packet: Packet, now: Instant): void {
    this.#layer.unreachable(packet, now);
  }

  /** False for a source that no single host can have (RFC 1122 §3.2.1.3); without regard to whether it is ours. */
  isUnicastSource(source: number): boolean {
    return (
      source >>> 24 !== 0 && // "this network": only a host that asks for its address sends from there
      !isMulticastAddress(source) &&
      !isReservedAddress(source) &&
      !this.isBroadcast(source) &&
      (this.#isLoopback || !isLoopbackAddress(source))
    );
  }

  #receiveFragment(packet: Packet, now: Instant): void {
    const whole = this.#layer.reassembly.add(packet, now);
    if (whole === null) return;
    whole.transportOffset = whole.offset;
    this.#layer.deliver(whole, ipv4.protocol(whole.view, whole.networkOffset), now);
  }

  #refuse(packet: Packet, judgement: number, now: Instant): void {
    const { forwarder } = this.#layer;
    if (judgement !== NOT_LOCAL) this.#accounts.drop(packet, judgement as DropReason);
    else if (forwarder === null) this.#accounts.drop(packet, DropReason.IPV4_NOT_FOR_US);
    else forwarder.forward(packet, now);
  }

  /** NONE when the packet is for this host, NOT_LOCAL when it is for another, else why it is dropped. */
  #judgeAddresses(packet: Packet, at: number): number {
    const { view, flags } = packet;
    const source = ipv4.source(view, at);
    const destination = ipv4.destination(view, at);
    // RFC 1122 §3.2.1.3, RFC 9293 §3.9.2.3, MUST-63.
    if (!this.isUnicastSource(source)) return DropReason.IPV4_SOURCE_INVALID;
    const { addressTable } = this.#layer;
    // RFC 1122 §3.2.1.3: a packet from ourselves can only come by the loopback interface.
    if (!this.#isLoopback && addressTable.interfaceOf(source) >= 0) return DropReason.IPV4_SOURCE_INVALID;
    const judgement = this.#judgeDestination(source, destination, flags);
    if (judgement === NONE) {
      this.#acceptedSource = source;
      this.#acceptedDestination = destination;
      this.#acceptedFlags = flags;
    }
    return judgement;
  }

  #judgeDestination(source: number, destination: number, flags: number): number {
    const { addressTable, strongHost } = this.#layer;
    if (isMulticastAddress(destination)) {
      return this.#layer.groups.accepts(destination, this.#index, source) ? NONE : DropReason.IPV4_GROUP_NOT_JOINED;
    }
    if (this.isBroadcast(destination)) return NONE;
    if (destination >>> 24 === 0 || isReservedAddress(destination)) return DropReason.IPV4_DESTINATION_INVALID;
    // RFC 1122 §3.3.6: a unicast datagram in a link broadcast is somebody's mistake, or an attack.
    if ((flags & LINK_GROUP) !== 0) return DropReason.IPV4_DESTINATION_INVALID;
    if (this.#isLoopback) return addressTable.isLocal(destination) ? NONE : NOT_LOCAL;
    if (isLoopbackAddress(destination)) return DropReason.IPV4_DESTINATION_INVALID;
    const owner = addressTable.interfaceOf(destination);
    if (owner === this.#index) return NONE;
    if (owner < 0) return NOT_LOCAL;
    return strongHost ? DropReason.IPV4_NOT_FOR_US : NONE; // RFC 1122 §3.3.4.2
  }
}

function hasWholeHeader(packet: Packet): boolean {
  return packet.length >= MINIMUM_HEADER_LENGTH && packet.length >= ipv4.headerLength(packet.view, packet.offset);
}
