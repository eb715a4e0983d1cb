import { Errno } from '@prism-net/errors';
import { createHashKey, type HashKey, hash3, KeyedTable, type RandomSource } from '@prism-net/tables';
import type { UdpEndpoint } from './udp-endpoint.js';

const PAGE_BITS = 8;
const PAGE_SIZE = 1 << PAGE_BITS;

/** The endpoints of one port, in order of binding. */
class Port {
  readonly unconnected: UdpEndpoint[] = [];
  readonly connected = new Set<UdpEndpoint>();
}

const EMPTY_PAGE: (Port | null)[] = new Array<null>(PAGE_SIZE).fill(null);
const NO_ENDPOINTS: readonly UdpEndpoint[] = [];
const NO_PEERS: ReadonlySet<UdpEndpoint> = new Set();

export interface PortTableOptions {
  readonly maximumEndpoints: number;
  readonly ephemeralPorts: { readonly first: number; readonly last: number };
}

/**
 * Which endpoint a datagram is for. Ports index a two-level table (no hash, nothing to flood, small while few ports are
 * open); connected endpoints are found by their 4-tuple in a keyed table, so that a server with thousands of them on one
 * port stays O(1). Only the application's own binds can make a list longer.
 */
export class PortTable {
  readonly #pages: (Port | null)[][] = new Array(PAGE_SIZE).fill(EMPTY_PAGE);
  readonly #connected: KeyedTable;
  readonly #connectedEndpoints: (UdpEndpoint | null)[] = [];
  readonly #freeSlots: number[] = [];
  readonly #random: RandomSource;
  readonly #flowKey: HashKey;
  readonly #options: PortTableOptions;
  size = 0;

  constructor(random: RandomSource, options: PortTableOptions) {
    this.#random = random;
    this.#options = options;
    this.#flowKey = createHashKey(random);
    const key = createHashKey(random);
    this.#connected = new KeyedTable({ capacity: options.maximumEndpoints, keyWords: 3, key });
  }

  /** The best match for a unicast datagram: connected before bound to the address before bound to any address. */
  find(local: number, localPort: number, remote: number, remotePort: number): UdpEndpoint | null {
    const port = this.#pages[localPort >>> PAGE_BITS]![localPort & (PAGE_SIZE - 1)]!;
    if (port === null) return null;
    if (this.#connected.size > 0) {
      const slot = this.#connected.find(local, (localPort << 16) | remotePort, remote, 0);
      if (slot >= 0) return this.#connectedEndpoints[slot]!;
    }
    const endpoints = port.unconnected;
    let best: UdpEndpoint | null = null;
    let equals = 0;
    for (let i = 0; i < endpoints.length; i = (i + 1) | 0) {
      const endpoint = endpoints[i]!;
      if (endpoint.localAddress !== local && endpoint.localAddress !== 0) continue;
      if (best !== null && best.localAddress === endpoint.localAddress) {
        equals = (equals + 1) | 0;
      } else if (best === null || best.localAddress === 0) {
        best = endpoint;
        equals = 1;
      }
    }
    return equals > 1 ? this.#shareOut(endpoints, best!, equals, remote, remotePort) : best;
  }

  /** Endpoints that share address and port (`reuse`) split the flows between them; each flow stays with one. */
  #shareOut(endpoints: UdpEndpoint[], first: UdpEndpoint, equals: number, remote: number, remotePort: number) {
    let skip = (hash3(this.#flowKey.k0, this.#flowKey.k1, remote, remotePort, first.localPort) >>> 1) % equals;
    for (let i = 0; i < endpoints.length; i = (i + 1) | 0) {
      const endpoint = endpoints[i]!;
      if (endpoint.localAddress !== first.localAddress) continue;
      if (skip === 0) return endpoint;
      skip = (skip - 1) | 0;
    }
    return first;
  }

  /** The endpoints of a port that have no peer: for broadcast and multicast. */
  unconnected(port: number): readonly UdpEndpoint[] {
    return this.#port(port)?.unconnected ?? NO_ENDPOINTS;
  }

  /** The endpoints of a port that have one. */
  connected(port: number): ReadonlySet<UdpEndpoint> {
    return this.#port(port)?.connected ?? NO_PEERS;
  }

  /** Puts an endpoint on an address (0: any) and port; port 0 chooses an ephemeral one (RFC 6056 §3.3.1). */
  bind(endpoint: UdpEndpoint, address: number, port: number): Errno {
    if (this.size >= this.#options.maximumEndpoints) return Errno.ENOBUFS;
    const chosen = port === 0 ? this.#ephemeralPort(address) : port;
    if (chosen === 0) return Errno.EADDRNOTAVAIL;
    if (port !== 0 && this.#conflicts(address, port, endpoint.reuse)) return Errno.EADDRINUSE;
    endpoint.localAddress = address;
    endpoint.localPort = chosen;
    this.#openPort(chosen).unconnected.push(endpoint);
    this.size++;
    return Errno.NONE;
  }

  unbind(endpoint: UdpEndpoint): void {
    this.disconnect(endpoint);
    const port = this.#port(endpoint.localPort)!;
    remove(port.unconnected, endpoint);
    if (port.unconnected.length === 0 && port.connected.size === 0) this.#setPort(endpoint.localPort, null);
    this.size--;
  }

  /** Enters the 4-tuple of an endpoint whose addresses and ports are set. EADDRINUSE when the same flow exists. */
  connect(endpoint: UdpEndpoint): Errno {
    const ports = (endpoint.localPort << 16) | endpoint.remotePort;
    if (this.#connected.find(endpoint.localAddress, ports, endpoint.remoteAddress, 0) >= 0) return Errno.EADDRINUSE;
    const slot = this.#freeSlots.pop() ?? this.#connectedEndpoints.length;
    this.#connected.insert(endpoint.localAddress, ports, endpoint.remoteAddress, 0, slot);
    this.#connectedEndpoints[slot] = endpoint;
    endpoint.isConnected = true;
    const port = this.#port(endpoint.localPort)!;
    remove(port.unconnected, endpoint);
    port.connected.add(endpoint);
    return Errno.NONE;
  }

  disconnect(endpoint: UdpEndpoint): void {
    if (!endpoint.isConnected) return;
    const ports = (endpoint.localPort << 16) | endpoint.remotePort;
    const slot = this.#connected.remove(endpoint.localAddress, ports, endpoint.remoteAddress, 0);
    this.#connectedEndpoints[slot] = null;
    this.#freeSlots.push(slot);
    endpoint.isConnected = false;
    const port = this.#port(endpoint.localPort)!;
    port.connected.delete(endpoint);
    port.unconnected.push(endpoint);
  }

  /** RFC 6056 §3.3.1: a random start, then upwards until a port suits; 0 when none does. Never one that others use. */
  #ephemeralPort(address: number): number {
    const { first, last } = this.#options.ephemeralPorts;
    const count = last - first + 1;
    const start = (this.#random.nextInt32() >>> 0) % count;
    for (let i = 0; i < count; i++) {
      const port = first + ((start + i) % count);
      if (!this.#conflicts(address, port, false)) return port;
    }
    return 0;
  }

  /** Does somebody hold the address and port who does not share them with one that has `reuse`? */
  #conflicts(address: number, port: number, reuse: boolean): boolean {
    const entry = this.#port(port);
    if (entry === null) return false;
    for (const other of entry.unconnected) if (overlaps(other, address) && !(reuse && other.reuse)) return true;
    for (const other of entry.connected) if (overlaps(other, address) && !(reuse && other.reuse)) return true;
    return false;
  }

  #port(port: number): Port | null {
    return this.#pages[port >>> PAGE_BITS]![port & (PAGE_SIZE - 1)]!;
  }

  #openPort(port: number): Port {
    const open = this.#port(port);
    if (open !== null) return open;
    const created = new Port();
    this.#setPort(port, created);
    return created;
  }

  #setPort(port: number, entry: Port | null): void {
    const index = port >>> PAGE_BITS;
    if (this.#pages[index] === EMPTY_PAGE) this.#pages[index] = new Array<Port | null>(PAGE_SIZE).fill(null);
    this.#pages[index]![port & (PAGE_SIZE - 1)] = entry;
  }
}

function overlaps(endpoint: UdpEndpoint, address: number): boolean {
  return endpoint.localAddress === address || endpoint.localAddress === 0 || address === 0;
}

function remove<T>(list: T[], item: T): void {
  const index = list.indexOf(item);
  if (index >= 0) list.splice(index, 1);
}
