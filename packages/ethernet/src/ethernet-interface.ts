import type { Packet, PacketPool } from '@prism-net/buffers';
import type { Link, PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant, TimerWheel } from '@prism-net/time';
import type { MacAddress } from '@prism-net/wire';
import type { Arp, ArpOptions } from './arp.js';
import type { NeighbourOptions } from './neighbour-cache.js';

/** A layer above Ethernet: what an EtherType is registered with. */
export interface PacketHandler {
  /**
   * Takes the packet. Its data starts behind the Ethernet header (and tag); `linkOffset`, `interfaceIndex`, `packetType`
   * (the EtherType) and the flags LINK_BROADCAST, LINK_MULTICAST and LOOPED_BACK are set.
   */
  receive(packet: Packet, now: Instant): void;
}

/** Who learns that a neighbour did not answer. */
export interface UnreachableHandler {
  /** Takes a packet that waited for its neighbour in vain. Its data starts at the network header. */
  unreachable(packet: Packet, now: Instant): void;
}

export interface EthernetInterfaceOptions {
  readonly link: Link;
  /** Number of the interface within its stack, as it appears in `packet.interfaceIndex`. */
  readonly index: number;
  /** Default: the name of the link. */
  readonly name?: string;
  /** Packets for ARP messages come from here. */
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly timers: TimerWheel;
  /** For the secret of the neighbour table and for jitter. In production a cryptographic source. */
  readonly random: RandomSource;
  /** Default: the address of the link. */
  readonly macAddress?: MacAddress;
  /** 802.1Q VLAN identifier, 1 to 4094: frames are sent tagged, and only frames of this VLAN are accepted. Default: none. */
  readonly vlan?: number;
  /** Largest network-layer packet in bytes; not above what the link can. Default: the link's. */
  readonly mtu?: number;
  /** Most frames taken from the link at once, and handed to it at once before the end of a poll. Default 32. */
  readonly burst?: number;
  /** Most packets kept for a link that refuses them. Default 512. */
  readonly transmitQueue?: number;
  /** Most multicast addresses accepted. Default 256. */
  readonly multicastAddresses?: number;
  /** Accept frames whatever their destination address (for captures and bridges). Default false. */
  readonly promiscuous?: boolean;
  readonly neighbours?: NeighbourOptions;
  readonly arp?: ArpOptions;
}

/** An Ethernet interface: framing, VLAN, demultiplexing by EtherType, bursts, neighbours. Belongs to one thread. */
export declare class EthernetInterface {
  readonly index: number;
  readonly name: string;
  readonly link: Link;
  /** Largest network-layer packet in bytes. */
  readonly mtu: number;
  readonly macHigh: number;
  readonly macLow: number;
  /** Everything sent comes back: no neighbours, own addresses are legitimate sources. */
  readonly isLoopback: boolean;
  readonly arp: Arp;
  /** Told about packets whose neighbour does not answer; null: they are dropped as TRANSMIT_NEIGHBOUR_UNREACHABLE. */
  onUnreachable: UnreachableHandler | null;
  constructor(options: EthernetInterfaceOptions);
  /** Packets that wait for the next {@link flush}. */
  get transmitQueued(): number;
  /** Sends frames of an EtherType up to `handler`. Throws EADDRINUSE when the type is taken, EINVAL when it is none. */
  register(etherType: number, handler: PacketHandler): void;
  /** Takes one burst of at most `budget` frames from the link and passes each up; returns how many there were. */
  poll(budget: number, now: Instant): number;
  /**
   * Takes the packet (data at the network header, 18 bytes of headroom) and sends it to an IPv4 neighbour, whose
   * address is resolved first if need be. Returns NONE, also when the packet waits for its neighbour; ENOBUFS or
   * EHOSTUNREACH when it was dropped (and counted).
   */
  sendToNeighbour(packet: Packet, etherType: number, nextHop: number, now: Instant): number;
  /** Takes the packet, as {@link sendToNeighbour}, and sends it to a MAC address. */
  sendToAddress(packet: Packet, etherType: number, macHigh: number, macLow: number): number;
  /** Hands the queued burst to the link and keeps what it refuses. */
  flush(): void;
  /** One more user of a multicast MAC address. False when the filter is full. */
  acceptMulticast(macHigh: number, macLow: number): boolean;
  /** One user less. */
  ignoreMulticast(macHigh: number, macLow: number): void;
  /** ARP answers for this IPv4 address from now on, and announces it (RFC 5227 §2.3). */
  addIpv4Address(address: number, now: Instant): void;
  removeIpv4Address(address: number): void;
  /** Drops what is queued, gives the timers back and closes the link. Idempotent. */
  close(): void;
}
