import type { EthernetInterface } from '@prism-net/ethernet';

export interface RouteOptions {
  /** The network, host bits ignored. */
  readonly destination: number;
  /** 0 (the default route) to 32. */
  readonly prefixLength: number;
  /** The next hop; left out for networks on the link. */
  readonly gateway?: number;
  readonly interface: EthernetInterface;
  /** Of several routes to the same network the lowest metric wins, then the oldest. Default 0. */
  readonly metric?: number;
}

/** A route of the table. */
export interface RouteEntry {
  readonly destination: number;
  readonly prefixLength: number;
  /** 0 for networks on the link. */
  readonly gateway: number;
  readonly interface: EthernetInterface;
  readonly metric: number;
}

/** Routes by longest prefix match. */
export declare class RoutingTable {
  /** Grows with each change. */
  generation: number;
  get size(): number;
  /** Throws EINVAL for a prefix or gateway that makes no sense, ENOMEM when the table is full. */
  add(route: RouteOptions): RouteEntry;
  /** False when there was no such route. Without `gateway`, `interface` or `metric` the first that fits goes. */
  remove(route: {
    destination: number;
    prefixLength: number;
    gateway?: number;
    interface?: EthernetInterface;
    metric?: number;
  }): boolean;
  /** The best route, restricted to an interface unless `interfaceIndex` is -1; null when there is none. */
  lookup(destination: number, interfaceIndex: number): RouteEntry | null;
  /** All routes, for reports. */
  list(): RouteEntry[];
}
