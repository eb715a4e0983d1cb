import { Errno, posixError } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource } from '@prism-net/tables';
import {
  formatIpv4Address,
  type Ipv4Prefix,
  isLoopbackAddress,
  isMulticastAddress,
  isReservedAddress,
  prefixMask,
} from '@prism-net/wire';

/** An own address. */
export interface Ipv4Address extends Ipv4Prefix {
  readonly interfaceIndex: number;
}

/** The broadcast address of a prefix; 0 where it has none (RFC 3021: /31, /32). */
export function subnetBroadcast(prefix: Ipv4Prefix): number {
  return prefix.prefixLength > 30 || prefix.prefixLength === 0 ? 0 : prefix.address | ~prefixMask(prefix.prefixLength);
}

/** The addresses of this host, on all its interfaces. */
export class AddressTable {
  readonly #limit: number;
  readonly #table: KeyedTable;
  readonly #entries: Ipv4Address[] = [];
  /** There is a loopback interface: all of 127.0.0.0/8 is this host (RFC 1122 §3.2.1.3 g). */
  hasLoopback = false;

  constructor(limit: number, random: RandomSource) {
    this.#limit = limit;
    this.#table = new KeyedTable({ capacity: limit, keyWords: 1, key: createHashKey(random) });
  }

  /** Throws EINVAL for what no host can have as its address, EADDRINUSE, ENOMEM. */
  add(prefix: Ipv4Prefix, interfaceIndex: number, loopback: boolean): Ipv4Address {
    const { address, prefixLength } = prefix;
    const mask = prefixMask(prefixLength);
    const isEdge = prefixLength < 31 && ((address & ~mask) === 0 || (address | mask) === -1);
    if (
      address >>> 24 === 0 ||
      isMulticastAddress(address) ||
      isReservedAddress(address) ||
      (isLoopbackAddress(address) && !loopback) ||
      isEdge
    ) {
      throw posixError(
        Errno.EINVAL,
        'addAddress',
        `${formatIpv4Address(address)}/${prefixLength} cannot be the address of a host here`,
      );
    }
    if (this.#table.find(address, 0, 0, 0) >= 0) {
      throw posixError(Errno.EADDRINUSE, 'addAddress', `${formatIpv4Address(address)} is an own address already`);
    }
    if (this.#entries.length >= this.#limit) {
      throw posixError(Errno.ENOMEM, 'addAddress', `at most ${this.#limit} addresses, see the option addresses`);
    }
    const entry: Ipv4Address = { address: address | 0, prefixLength, interfaceIndex };
    this.#table.insert(entry.address, 0, 0, 0, this.#entries.length);
    this.#entries.push(entry);
    return entry;
  }

  /** Index of the interface that has the address; -1 when it is not ours. */
  interfaceOf(address: number): number {
    const at = this.#table.find(address, 0, 0, 0);
    return at < 0 ? -1 : this.#entries[at]!.interfaceIndex;
  }

  isLocal(address: number): boolean {
    return this.#table.find(address, 0, 0, 0) >= 0 || (this.hasLoopback && isLoopbackAddress(address));
  }

  list(): Ipv4Address[] {
    return [...this.#entries];
  }
}
