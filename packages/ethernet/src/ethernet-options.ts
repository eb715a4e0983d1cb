import type { Packet, PacketPool } from '@prism-net/buffers';
import type { Link, PacketAccounts } from '@prism-net/link';
import type { RandomSource } from '@prism-net/tables';
import type { Instant, TimerWheel } from '@prism-net/time';
import type { MacAddress } from '@prism-net/wire';
import type { ArpOptions } from './arp.js';
import type { NeighbourOptions } from './neighbour.js';

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
  /** Packets for ARP messages, and copies of packets with more segments than the link can send, come from here. */
  readonly pool: PacketPool;
  readonly accounts: PacketAccounts;
  readonly timers: TimerWheel;
  /** For the secrets of the tables and for jitter. In production a cryptographic source. */
  readonly random: RandomSource;
  /** Default: the address of the link. */
  readonly macAddress?: MacAddress;
  /** 802.1Q VLAN identifier, 1 to 4094: frames are sent tagged, and only frames of this VLAN are accepted. Default: none. */
  readonly vlan?: number;
  /** Largest network-layer packet in bytes, 68 to what the link can. Default: what the link can. */
  readonly mtu?: number;
  /** Most frames taken from the link at once, and kept for it before they are handed over. Default 32. */
  readonly burst?: number;
  /** Most packets kept for a link that refuses them. Default 512. */
  readonly transmitQueue?: number;
  /** Most multicast addresses accepted. Default 256. */
  readonly multicastAddresses?: number;
  /** Most EtherTypes registered, IPv4 and ARP aside. Default 16. */
  readonly etherTypes?: number;
  /** Accept frames whatever their destination address (for captures). Default false. */
  readonly promiscuous?: boolean;
  readonly neighbours?: NeighbourOptions;
  readonly arp?: ArpOptions;
}
