import { Errno, posixError } from '@prism-net/errors';
import type { EthernetInterface } from '@prism-net/ethernet';
import { createHashKey, KeyedTable, type RandomSource } from '@prism-net/tables';
import { formatIpv4Address, prefixMask } from '@prism-net/wire';

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

/** What to remove: of several routes to a network the first that fits what is given. */
export interface RouteSelection {
  readonly destination: number;
  readonly prefixLength: number;
  readonly gateway?: number;
  readonly interface?: EthernetInterface;
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

/** Who must know that routes changed. */
export interface RouteListener {
  routesChanged(): void;
}

/**
 * Routes by longest prefix match (RFC 1812 §5.2.4.3): one hash look-up per prefix length in use, the longest first.
 * Every network has its routes in order of their metrics.
 */
export class RoutingTable {
  /** Grows with each change. */
  generation = 0;
  readonly #limit: number;
  readonly #listener: RouteListener | null;
  /** (network, prefix length) → index in `networks`. */
  readonly #table: KeyedTable;
  readonly #networks: RouteEntry[][] = [];
  readonly #freeNetworks: number[] = [];
  /** Prefix lengths in use, in descending order, their masks, and how many networks have each. */
  readonly #lengths: number[] = [];
  readonly #masks: number[] = [];
  readonly #networksOfLength = new Int32Array(33);
  #count = 0;

  constructor(limit: number, random: RandomSource, listener: RouteListener | null = null) {
    this.#limit = limit;
    this.#listener = listener;
    this.#table = new KeyedTable({ capacity: limit, keyWords: 2, key: createHashKey(random) });
  }

  get size(): number {
    return this.#count;
  }

  /** Throws EINVAL for a prefix or metric that makes no sense, EADDRINUSE for a route that exists, ENOMEM when full. */
  add(options: RouteOptions): RouteEntry {
    const { prefixLength, metric = 0, gateway = 0 } = options;
    const mask = prefixMask(prefixLength);
    if (!Number.isInteger(metric) || metric < 0) {
      throw posixError(Errno.EINVAL, 'addRoute', `metric ${metric} is not a whole number from 0 on`);
    }
    const route: RouteEntry = {
      destination: options.destination & mask,
      prefixLength,
      gateway: gateway | 0,
      interface: options.interface,
      metric,
    };
    const index = this.#table.find(route.destination, prefixLength, 0, 0);
    if (index >= 0 && this.#networks[index]!.some((other) => fits(other, route))) {
      throw posixError(Errno.EADDRINUSE, 'addRoute', `there is such a route to ${describe(route)}`);
    }
    if (this.#count >= this.#limit) {
      throw posixError(Errno.ENOMEM, 'addRoute', `at most ${this.#limit} routes, see the option routes`);
    }
    const routes = index >= 0 ? this.#networks[index]! : this.#addNetwork(route.destination, prefixLength, mask);
    const worse = routes.findIndex((other) => other.metric > metric);
    routes.splice(worse < 0 ? routes.length : worse, 0, route);
    this.#count++;
    this.#changed();
    return route;
  }

  /** False when there was no such route. */
  remove(selection: RouteSelection): boolean {
    const destination = selection.destination & prefixMask(selection.prefixLength);
    const index = this.#table.find(destination, selection.prefixLength, 0, 0);
    if (index < 0) return false;
    const routes = this.#networks[index]!;
    const at = routes.findIndex((route) => fits(route, selection));
    if (at < 0) return false;
    routes.splice(at, 1);
    this.#count--;
    if (routes.length === 0) this.#removeNetwork(destination, selection.prefixLength, index);
    this.#changed();
    return true;
  }

  /** The best route, over one interface unless `interfaceIndex` is -1; null when there is none. */
  lookup(destination: number, interfaceIndex: number): RouteEntry | null {
    for (let i = 0; i < this.#lengths.length; i++) {
      const index = this.#table.find(destination & this.#masks[i]!, this.#lengths[i]!, 0, 0);
      if (index < 0) continue;
      const routes = this.#networks[index]!;
      for (let at = 0; at < routes.length; at++) {
        const route = routes[at]!;
        if (interfaceIndex < 0 || route.interface.index === interfaceIndex) return route;
      }
    }
    return null;
  }

  /** All routes, the longest prefixes first: for reports. */
  list(): RouteEntry[] {
    return this.#networks.flat().sort((a, b) => b.prefixLength - a.prefixLength || a.metric - b.metric);
  }

  #addNetwork(destination: number, prefixLength: number, mask: number): RouteEntry[] {
    const routes: RouteEntry[] = [];
    const index = this.#freeNetworks.pop() ?? this.#networks.length;
    this.#networks[index] = routes;
    this.#table.insert(destination, prefixLength, 0, 0, index);
    if (this.#networksOfLength[prefixLength]!++ === 0) {
      const shorter = this.#lengths.findIndex((length) => length < prefixLength);
      const at = shorter < 0 ? this.#lengths.length : shorter;
      this.#lengths.splice(at, 0, prefixLength);
      this.#masks.splice(at, 0, mask);
    }
    return routes;
  }

  #removeNetwork(destination: number, prefixLength: number, index: number): void {
    this.#table.remove(destination, prefixLength, 0, 0);
    this.#freeNetworks.push(index);
    if (--this.#networksOfLength[prefixLength]! > 0) return;
    const at = this.#lengths.indexOf(prefixLength);
    this.#lengths.splice(at, 1);
    this.#masks.splice(at, 1);
  }

  #changed(): void {
    this.generation = (this.generation + 1) | 0;
    this.#listener?.routesChanged();
  }
}

function fits(route: RouteEntry, selection: RouteSelection): boolean {
  return (
    (selection.gateway === undefined || route.gateway === (selection.gateway | 0)) &&
    (selection.interface === undefined || route.interface === selection.interface) &&
    (selection.metric === undefined || route.metric === selection.metric)
  );
}

function describe(route: RouteEntry): string {
  return `${formatIpv4Address(route.destination)}/${route.prefixLength}`;
}
