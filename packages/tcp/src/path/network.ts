import type { Packet } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import type { IpAddress } from '@prism-net/wire';
import type { FlowKey } from '../opening/index.js';
import type { Addresses } from '../segment.js';
import type { Path } from './path.js';

/** What TCP needs of a network layer. IPv4 keeps it; IPv6 will. */
export interface Network {
  readonly family: 4 | 6;
  /** Number of the network within its TCP layer, for tables of typed arrays. */
  index: number;
  /** Bytes of the IP header without options. */
  readonly headerLength: number;
  /** Bytes of IP datagram every path carries (RFC 791, RFC 8200 §5): the floor of path MTU discovery. */
  readonly minimumMtu: number;

  /** The key of a flow in the tables of connections. */
  keyOf(addresses: Addresses, key: FlowKey): void;

  /**
   * Finds the way to `path.remote…`, choosing the source when `path.local…` is the unspecified address, and fills the
   * rest of the path. Errors: ENETUNREACH, EADDRNOTAVAIL, EACCES for an address no connection can have.
   */
  resolve(path: Path): Errno;

  /** Nothing has changed since the path was resolved. */
  isCurrent(path: Path): boolean;

  /** Resolves again where routes have changed since; cheap when not. False: there is no way any more. */
  refresh(path: Path): boolean;

  /**
   * Takes a packet with its data at the TCP header and sends it, never fragmented. `trafficClass` holds the DSCP and the
   * ECN codepoint. Whatever is not NONE means dropped and counted by the layers below.
   */
  send(packet: Packet, path: Path, trafficClass: number, timeToLive: number, now: Instant): Errno;

  /** Frames the path's interface takes before it drops: more must wait for the next poll. */
  room(path: Path): number;

  /** An own address a socket may be bound to. */
  isLocalAddress(address: IpAddress): boolean;
}
