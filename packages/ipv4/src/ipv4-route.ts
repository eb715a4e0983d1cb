import type { EthernetInterface } from '@prism-net/ethernet';

/** Where packets to one destination go: made once by its user, filled by `Ipv4Layer.resolve`. */
export class Ipv4Route {
  /** Null until resolved. */
  interface: EthernetInterface | null = null;
  source = 0;
  destination = 0;
  /** The neighbour: a gateway, or the destination itself. */
  nextHop = 0;
  /** Largest IPv4 datagram in bytes that needs no fragmenting, as far as known (path MTU). */
  mtu = 0;
  /** Compared with `Ipv4Layer.generation`: the route is current while they are equal. */
  generation = -1;
  isBroadcast = false;
  isMulticast = false;
  /** The MAC address of a broadcast or multicast destination; `macHigh` is -1 when a neighbour must be resolved. */
  macHigh = -1;
  macLow = 0;
}
