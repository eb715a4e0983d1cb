import { Errno } from '@prism-net/errors';
import type { IpAddress } from '@prism-net/wire';
import type { Connection } from '../connection.js';
import type { Addresses } from '../segment.js';
import type { Listener } from './listener.js';

/** Somebody who was given a port by name: a bound connection or a listener. */
interface Holder {
  readonly owner: Connection | Listener;
  readonly address: IpAddress | null;
  readonly reuseAddress: boolean;
  readonly reusePort: boolean;
  readonly isListening: boolean;
}

/**
 * Who holds which local port. Its keys come from applications, never from the wire. Ports chosen for active opens are not
 * in it: of those only the whole 4-tuple must be unique.
 */
export class PortTable {
  readonly #holders = new Map<number, Holder[]>();

  /**
   * Enters a holder, or says EADDRINUSE. One can listen on a port that a connection was opened from, or, where both
   * reuse it, that it is bound to (RFC 9293 §3.9.1.1, MUST-42).
   */
  bind(
    owner: Connection | Listener,
    address: IpAddress | null,
    port: number,
    reuseAddress: boolean,
    reusePort: boolean,
    isListening: boolean,
  ): Errno {
    const holders = this.#holders.get(port) ?? [];
    for (const other of holders) {
      if (other.owner === owner || !overlaps(other.address, address)) continue;
      if (reusePort && other.reusePort) continue;
      // SO_REUSEADDR never lets two listen on one address.
      if (reuseAddress && other.reuseAddress && !(isListening && other.isListening)) continue;
      return Errno.EADDRINUSE;
    }
    const others = holders.filter((holder) => holder.owner !== owner);
    this.#holders.set(port, [...others, { owner, address, reuseAddress, reusePort, isListening }]);
    return Errno.NONE;
  }

  unbind(owner: Connection | Listener, port: number): void {
    const left = this.#holders.get(port)?.filter((holder) => holder.owner !== owner);
    if (left === undefined) return;
    if (left.length === 0) this.#holders.delete(port);
    else this.#holders.set(port, left);
  }

  isHeld(port: number): boolean {
    return this.#holders.has(port);
  }

  /**
   * The listener for a segment: one bound to just its address before one bound to any, and of several that share the port
   * the one `hash` falls on, so that all segments of a connection reach the same. Allocates nothing.
   */
  findListener(addresses: Addresses, hash: number): Listener | null {
    const holders = this.#holders.get(addresses.localPort);
    if (holders === undefined) return null;
    const exact = count(holders, addresses, true);
    const isExact = exact > 0;
    const candidates = isExact ? exact : count(holders, addresses, false);
    if (candidates === 0) return null;
    let skip = (hash >>> 0) % candidates;
    for (let i = 0; i < holders.length; i++) {
      const holder = holders[i]!;
      if (!matches(holder, addresses, isExact)) continue;
      if (skip === 0) return holder.owner as Listener;
      skip--;
    }
    return null;
  }
}

function count(holders: readonly Holder[], addresses: Addresses, isExact: boolean): number {
  let found = 0;
  for (let i = 0; i < holders.length; i++) if (matches(holders[i]!, addresses, isExact)) found++;
  return found;
}

function matches(holder: Holder, addresses: Addresses, isExact: boolean): boolean {
  if (!holder.isListening) return false;
  const { address } = holder;
  if (address === null || address.isAny) return !isExact;
  return (
    isExact &&
    address.d === addresses.localD &&
    address.c === addresses.localC &&
    address.b === addresses.localB &&
    address.a === addresses.localA
  );
}

function overlaps(a: IpAddress | null, b: IpAddress | null): boolean {
  return a === null || b === null || a.isAny || b.isAny || a.equals(b);
}
