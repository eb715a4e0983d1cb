import type { Packet } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';

/** Limits and times of the neighbour cache. */
export interface NeighbourOptions {
  /** Most neighbours known at once. Default 1,024. */
  readonly capacity?: number;
  /** How long a neighbour counts as reachable after an answer, times a random factor from 0.5 to 1.5 (RFC 4861 §6.3.2). Default 60,000. */
  readonly reachableMilliseconds?: number;
  /** Time between two requests for the same neighbour; at least 1,000 (RFC 1122 §2.3.2.1). Default 1,000. */
  readonly retransmitMilliseconds?: number;
  /** Requests without an answer after which a neighbour counts as unreachable. Default 3. */
  readonly maximumRequests?: number;
  /** How long sends to an unreachable neighbour fail at once. Default 3,000. */
  readonly failedMilliseconds?: number;
  /** Most packets that wait for one neighbour; the oldest gives way (RFC 1122 §2.3.2.2). Default 48: all fragments of the longest datagram. */
  readonly pendingPerNeighbour?: number;
  /** Most packets that wait for all neighbours together. Default 256. */
  readonly pendingTotal?: number;
  /**
   * New addresses per second that are asked for only because of a packet anybody may have sent (`PacketFlag.PROVOKED`); a
   * quarter of the capacity at once. Default 256.
   */
  readonly provokedPerSecond?: number;
}

/**
 * What is known about a neighbour (after RFC 4861 §7.3.2). From PROBE on a packet can leave without further ado, so the
 * order of the numbers matters.
 *
 *     (none) --send--> INCOMPLETE --reply--> REACHABLE --time--> STALE --send--> PROBE --reply--> REACHABLE
 *                          |                                       ^               |
 *                          +--no reply--> FAILED --time--> (none)  +--request      +--no reply--> (none)
 */
export const NeighbourState = {
  /** A broadcast request is out; packets wait. */
  INCOMPLETE: 0,
  /** No answer came: sends fail at once for a while. */
  FAILED: 1,
  /** An address is known but not confirmed lately: the next packet is sent to it, and the address verified. */
  STALE: 2,
  /** A unicast request is out to verify the address, which is used meanwhile (RFC 1122 §2.3.2.1 (2)). */
  PROBE: 3,
  REACHABLE: 4,
  /** Configured by hand. */
  PERMANENT: 5,
} as const;
export type NeighbourState = (typeof NeighbourState)[keyof typeof NeighbourState];

/** What the cache asks of the protocol that resolves addresses, and of the interface. */
export interface NeighbourActions {
  /** Sends a request for `address`: to one MAC address, or to all when `macHigh` is -1. */
  solicit(address: number, macHigh: number, macLow: number): void;
  /** Takes the packet and sends it; its EtherType is in `packetType`. */
  transmit(packet: Packet, macHigh: number, macLow: number): Errno;
  /** Takes a packet that waited in vain. */
  unreachable(packet: Packet, now: Instant): void;
  /** Takes a packet to a neighbour that failed a moment ago; the sender learns it from EHOSTUNREACH. */
  refuse(packet: Packet): void;
  /** Takes a packet that must give way to the limits. */
  overflow(packet: Packet): void;
}
