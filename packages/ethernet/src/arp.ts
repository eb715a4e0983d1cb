import type { Instant } from '@prism-net/time';

export interface ArpOptions {
  /** Let announcements (gratuitous ARP) change the MAC address of neighbours already known. Default true. */
  readonly acceptAnnouncements?: boolean;
  /** Probe for conflicts before an address is used (RFC 5227 §2.1): it answers only about 6 s later. Default false: announce only. */
  readonly probe?: boolean;
}

/** Who learns that another host uses one of our addresses (RFC 5227 §2.4). */
export interface AddressConflictHandler {
  conflict(address: number, macHigh: number, macLow: number, now: Instant): void;
}

export declare class Arp {
  onConflict: AddressConflictHandler | null;
  /** A neighbour that never ages. False when the cache is full. */
  addStaticNeighbour(address: number, macHigh: number, macLow: number): boolean;
  removeNeighbour(address: number): void;
}
