import type { Packet, PacketPool } from '@prism-net/buffers';
import type { PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant, TimerWheel } from '@prism-net/time';
import { arp, DropReason, ethernet, isLoopbackAddress, isMulticastAddress, isReservedAddress } from '@prism-net/wire';
import type { NeighbourCache } from './neighbour-cache.js';
import { type AnnouncementSender, OwnAddresses } from './own-addresses.js';

export interface ArpOptions {
  /**
   * Let announcements, and requests to us, change the MAC address of neighbours already known, so that a standby host
   * can take over. Without it such a neighbour is first asked at its old address. Default true.
   */
  readonly acceptAnnouncements?: boolean;
  /**
   * Probe for conflicts before an address is answered for (RFC 5227 §2.1), which takes 5 to 8 s. Default false: the
   * address is announced and used at once.
   */
  readonly probe?: boolean;
  /** Most own addresses on the interface. Default 64. */
  readonly addresses?: number;
}

/** Who learns that another host uses one of our addresses (RFC 5227 §2.4). */
export interface AddressConflictHandler {
  conflict(address: number, macHigh: number, macLow: number, now: Instant): void;
}

/** What ARP needs of its interface. */
export interface ArpInterface {
  readonly macHigh: number;
  readonly macLow: number;
  readonly isLoopback: boolean;
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  /** Takes the packet. */
  sendToAddress(packet: Packet, etherType: number, macHigh: number, macLow: number): number;
}

const { ARP } = ethernet.EtherType;

/** The Address Resolution Protocol on one interface (RFC 826, RFC 5227). */
export class Arp implements AnnouncementSender {
  onConflict: AddressConflictHandler | null = null;
  /** Neighbours; {@link addStaticNeighbour} is for configuration. */
  #neighbours!: NeighbourCache;
  readonly #networkInterface: ArpInterface;
  readonly #own: OwnAddresses;
  readonly #acceptAnnouncements: boolean;

  constructor(networkInterface: ArpInterface, timers: TimerWheel, random: RandomSource, options: ArpOptions) {
    this.#networkInterface = networkInterface;
    this.#acceptAnnouncements = options.acceptAnnouncements ?? true;
    this.#own = new OwnAddresses(options.addresses ?? 64, options.probe ?? false, timers, random, this);
  }

  /** Called once, by the interface. */
  attach(neighbours: NeighbourCache): void {
    this.#neighbours = neighbours;
  }

  /** A neighbour that never ages. False when there is no room for it. */
  addStaticNeighbour(address: number, macHigh: number, macLow: number): boolean {
    return this.#neighbours.addPermanent(address, macHigh, macLow);
  }

  /** Forgets a neighbour, static or not. False when it was unknown. */
  removeNeighbour(address: number, now: Instant): boolean {
    return this.#neighbours.remove(address, now);
  }

  addAddress(address: number, now: Instant): void {
    this.#own.add(address, now);
  }

  removeAddress(address: number): void {
    this.#own.remove(address);
  }

  /** False while an address is being probed for, and after another host claimed it then. */
  isReady(address: number): boolean {
    return this.#own.isSettled(address);
  }

  close(): void {
    this.#own.close();
  }

  /** Takes a packet whose data starts at the ARP header. */
  receive(packet: Packet, now: Instant): void {
    const { view, offset: at } = packet;
    const { accounts } = this.#networkInterface;
    const reason = this.#judge(packet);
    if (reason !== DropReason.NONE) {
      accounts.drop(packet, reason);
      return;
    }
    const operation = arp.operation(view, at);
    const sender = arp.senderProtocol(view, at);
    const target = arp.targetProtocol(view, at);
    const macHigh = arp.senderHardwareHigh(view, at);
    const macLow = arp.senderHardwareLow(view, at);
    // RFC 5227 §2.4: any ARP packet from one of our addresses but not from us; §2.1.1: or a probe for what we probe for.
    const contested = sender !== 0 ? sender : this.#own.isTentative(target) ? target : 0;
    if (contested !== 0 && this.#own.has(contested)) {
      accounts.drop(packet, DropReason.ARP_CONFLICT);
      this.#own.conflict(contested, now);
      this.onConflict?.conflict(contested, macHigh, macLow, now);
      return;
    }
    if (operation === arp.Operation.REQUEST) this.#receiveRequest(packet, sender, target, macHigh, macLow, now);
    else this.#receiveReply(packet, sender, target, macHigh, macLow, now);
  }

  /** Broadcasts a request, or asks one neighbour whether it is still there (RFC 1122 §2.3.2.1). */
  solicit(address: number, macHigh: number, macLow: number): void {
    if (macHigh < 0) this.#sendRequest(this.#own.closestTo(address), address, 0xffff, -1);
    else this.#sendRequest(this.#own.closestTo(address), address, macHigh, macLow);
  }

  sendProbe(address: number): void {
    this.#sendRequest(0, address, 0xffff, -1);
  }

  sendAnnouncement(address: number): void {
    this.#sendRequest(address, address, 0xffff, -1);
  }

  #judge(packet: Packet): DropReason {
    const { view, offset: at } = packet;
    const reason = arp.check(view, at, packet.length);
    if (reason !== DropReason.NONE) return reason;
    const operation = arp.operation(view, at);
    if (operation !== arp.Operation.REQUEST && operation !== arp.Operation.REPLY) return DropReason.ARP_MALFORMED;
    const macHigh = arp.senderHardwareHigh(view, at);
    const macLow = arp.senderHardwareLow(view, at);
    const networkInterface = this.#networkInterface;
    if (
      macHigh !== ethernet.sourceHigh(view, packet.linkOffset) ||
      macLow !== ethernet.sourceLow(view, packet.linkOffset) ||
      ethernet.isMulticast(macHigh) ||
      (macHigh === 0 && macLow === 0) ||
      (macHigh === networkInterface.macHigh && macLow === networkInterface.macLow)
    ) {
      return DropReason.ARP_SENDER_INVALID;
    }
    const sender = arp.senderProtocol(view, at);
    if (sender === 0) {
      return operation === arp.Operation.REQUEST ? DropReason.NONE : DropReason.ARP_SENDER_INVALID;
    }
    if (isMulticastAddress(sender) || isReservedAddress(sender) || isLoopbackAddress(sender)) {
      return DropReason.ARP_SENDER_INVALID;
    }
    return DropReason.NONE;
  }

  #receiveRequest(packet: Packet, sender: number, target: number, macHigh: number, macLow: number, now: Instant): void {
    const { accounts } = this.#networkInterface;
    if (this.#own.isSettled(target)) {
      if (sender !== 0) this.#neighbours.learn(sender, macHigh, macLow, true, this.#acceptAnnouncements, now);
      this.#reply(packet, sender, target, macHigh, macLow);
      return;
    }
    // RFC 5227 §3: an announcement. RFC 826 would also learn from requests between others; that only helps forgers.
    if (sender !== 0 && sender === target && this.#announced(sender, macHigh, macLow, now)) {
      accounts.handle();
      packet.release();
      return;
    }
    accounts.drop(packet, DropReason.ARP_NOT_FOR_US);
  }

  #receiveReply(packet: Packet, sender: number, target: number, macHigh: number, macLow: number, now: Instant): void {
    const { accounts } = this.#networkInterface;
    // Before we have an address we ask from 0, and are answered there.
    const forUs = target === 0 || this.#own.isSettled(target);
    if (
      (forUs && this.#neighbours.confirm(sender, macHigh, macLow, now)) ||
      (sender === target && this.#announced(sender, macHigh, macLow, now))
    ) {
      accounts.handle();
      packet.release();
      return;
    }
    accounts.drop(packet, DropReason.ARP_UNSOLICITED);
  }

  #announced(address: number, macHigh: number, macLow: number, now: Instant): boolean {
    return this.#neighbours.learn(address, macHigh, macLow, false, this.#acceptAnnouncements, now);
  }

  /** Turns a request into its reply, in the same frame (RFC 826, "Packet reception"). */
  #reply(packet: Packet, sender: number, target: number, macHigh: number, macLow: number): void {
    const networkInterface = this.#networkInterface;
    packet.trim(arp.PACKET_LENGTH); // the padding
    arp.write(
      packet.view,
      packet.offset,
      arp.Operation.REPLY,
      networkInterface.macHigh,
      networkInterface.macLow,
      target,
      macHigh,
      macLow,
      sender,
    );
    networkInterface.accounts.handle();
    networkInterface.sendToAddress(packet, ARP, macHigh, macLow);
  }

  #sendRequest(sender: number, target: number, destinationHigh: number, destinationLow: number): void {
    const networkInterface = this.#networkInterface;
    if (networkInterface.isLoopback) return;
    const packet = networkInterface.pool.take();
    if (packet === null) return; // the request is repeated; the pool counts its exhaustion
    packet.length = arp.PACKET_LENGTH;
    const { macHigh, macLow } = networkInterface;
    arp.write(packet.view, packet.offset, arp.Operation.REQUEST, macHigh, macLow, sender, 0, 0, target);
    networkInterface.sendToAddress(packet, ARP, destinationHigh, destinationLow);
  }
}
