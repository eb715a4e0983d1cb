import { Errno } from '@prism-net/errors';
import {
  isLoopbackAddress,
  isMulticastAddress,
  MULTICAST_MAC_HIGH,
  multicastMacLow,
  prefixMask,
} from '@prism-net/wire';
import type { AddressTable } from './address-table.js';
import type { Ipv4Interface } from './ipv4-interface.js';
import type { Ipv4Route } from './ipv4-route.js';
import type { PathMtu } from './path-mtu.js';
import type { RoutingTable } from './routing-table.js';

const MAXIMUM_DATAGRAM = 65_535;

/** Decides for outgoing packets: which interface, which next hop, which source address, which MTU (RFC 1122 §3.3.1, §3.3.4). */
export class Ipv4Resolver {
  readonly #interfaces: readonly (Ipv4Interface | null)[];
  readonly #addresses: AddressTable;
  readonly #routes: RoutingTable;
  readonly #pathMtu: PathMtu;
  readonly #strongHost: boolean;

  constructor(
    interfaces: readonly (Ipv4Interface | null)[],
    addresses: AddressTable,
    routes: RoutingTable,
    pathMtu: PathMtu,
    strongHost: boolean,
  ) {
    this.#interfaces = interfaces;
    this.#addresses = addresses;
    this.#routes = routes;
    this.#pathMtu = pathMtu;
    this.#strongHost = strongHost;
  }

  resolve(destination: number, source: number, route: Ipv4Route, interfaceIndex: number): Errno {
    route.interface = null;
    route.destination = destination;
    route.source = source;
    route.nextHop = destination;
    route.mtu = 0;
    route.isBroadcast = false;
    route.isMulticast = false;
    route.macHigh = -1;
    route.macLow = 0;
    if (source !== 0 && !this.#addresses.isLocal(source)) return Errno.EADDRNOTAVAIL;
    if (destination === 0) return Errno.ENETUNREACH; // RFC 1122 §3.2.1.3 (a): never a destination
    if (isMulticastAddress(destination) || destination === -1) return this.#toGroup(route, interfaceIndex);
    if (this.#addresses.isLocal(destination)) return this.#toSelf(route);
    return this.#toHost(route, interfaceIndex);
  }

  /** The interface to which routes to a group lead: -1 when there is none. */
  interfaceFor(group: number): number {
    const entry = this.#routes.lookup(group, -1);
    if (entry !== null) return entry.interface.index;
    return this.#firstInterface()?.networkInterface.index ?? -1;
  }

  #toSelf(route: Ipv4Route): Errno {
    const loopback = this.#loopback();
    if (loopback === null) return Errno.ENETUNREACH;
    if (route.source === 0) {
      route.source = isLoopbackAddress(route.destination) ? loopback.primary : route.destination;
    }
    return this.#finish(route, loopback);
  }

  /** A multicast group or 255.255.255.255: the interface asked for, that of the source, or where routes lead. */
  #toGroup(route: Ipv4Route, interfaceIndex: number): Errno {
    let index = interfaceIndex;
    if (index < 0 && route.source !== 0) index = this.#addresses.interfaceOf(route.source);
    if (index < 0) index = this.interfaceFor(route.destination);
    const chosen = this.#at(index);
    if (chosen === null) return Errno.ENETUNREACH;
    if (route.source === 0) route.source = chosen.primary;
    if (route.source === 0) return Errno.EADDRNOTAVAIL;
    if (route.destination === -1) {
      setBroadcast(route);
    } else {
      route.isMulticast = true;
      route.macHigh = MULTICAST_MAC_HIGH;
      route.macLow = multicastMacLow(route.destination);
    }
    return this.#finish(route, chosen);
  }

  #toHost(route: Ipv4Route, interfaceIndex: number): Errno {
    let restrict = interfaceIndex;
    if (restrict < 0 && route.source !== 0 && this.#strongHost) restrict = this.#addresses.interfaceOf(route.source);
    const entry = this.#routes.lookup(route.destination, restrict);
    if (entry === null) return Errno.ENETUNREACH;
    const chosen = this.#at(entry.interface.index);
    if (chosen === null) return Errno.ENETUNREACH;
    // RFC 1122 §3.2.1.3 (g): addresses of the loopback network do not leave the host, and nobody else is there.
    if (chosen.networkInterface.isLoopback) return Errno.ENETUNREACH;
    if (isLoopbackAddress(route.source)) return Errno.EADDRNOTAVAIL;
    if (entry.gateway !== 0) route.nextHop = entry.gateway;
    if (route.source === 0) route.source = sourceFor(chosen, route.nextHop);
    if (route.source === 0) return Errno.EADDRNOTAVAIL;
    if (entry.gateway === 0 && chosen.isBroadcast(route.destination)) setBroadcast(route);
    return this.#finish(route, chosen);
  }

  #finish(route: Ipv4Route, chosen: Ipv4Interface): Errno {
    const { networkInterface } = chosen;
    route.interface = networkInterface;
    route.mtu = Math.min(this.#pathMtu.lookup(route.destination, networkInterface.mtu), MAXIMUM_DATAGRAM);
    return Errno.NONE;
  }

  #at(index: number): Ipv4Interface | null {
    return index >= 0 && index < this.#interfaces.length ? this.#interfaces[index]! : null;
  }

  #loopback(): Ipv4Interface | null {
    for (let i = 0; i < this.#interfaces.length; i++) {
      const each = this.#interfaces[i]!;
      if (each?.networkInterface.isLoopback) return each;
    }
    return null;
  }

  /** The first interface that is not the loopback, or that one if there is no other. */
  #firstInterface(): Ipv4Interface | null {
    for (let i = 0; i < this.#interfaces.length; i++) {
      const each = this.#interfaces[i]!;
      if (each !== null && !each.networkInterface.isLoopback) return each;
    }
    return this.#loopback();
  }
}

function setBroadcast(route: Ipv4Route): void {
  route.isBroadcast = true;
  route.macHigh = 0xffff;
  route.macLow = -1;
}

/** The interface's address in the network of the next hop, else its first (RFC 1122 §3.3.4.3). */
function sourceFor(chosen: Ipv4Interface, nextHop: number): number {
  const { addresses } = chosen;
  for (let i = 0; i < addresses.length; i++) {
    const own = addresses[i]!;
    if (((own.address ^ nextHop) & prefixMask(own.prefixLength)) === 0) return own.address;
  }
  return chosen.primary;
}
