import type { Packet, PacketPool, TimestampSource } from '@prism-net/buffers';
import type { LinkStatistics } from './link-statistics.js';

/** What a link can do. Fixed once the link is open. */
export interface LinkCapabilities {
  /** Largest network-layer packet in bytes, without the Ethernet header. */
  readonly mtu: number;
  /** The link's own address: first 16 bits and last 32 bits. */
  readonly macAddress: { readonly high: number; readonly low: number };
  /** The mode really in force, for people: 'in-process', 'shared-memory', 'replay', 'zero-copy', 'copy' … */
  readonly mode: string;
  /** Everything sent comes back: addresses of the own host are legitimate sources, and no neighbour needs resolving. */
  readonly loopback: boolean;
  /** The link marks received packets as verified or partial where it knows. */
  readonly receiveChecksum: boolean;
  /** The link completes the checksum of packets in state PARTIAL. */
  readonly transmitChecksum: boolean;
  /**
   * Largest virtual segment (packet with a `gsoSize`) the link takes whole on sending, in bytes of IP datagram, and cuts up
   * itself or passes on as one; 0 when it cannot. Its checksum is PARTIAL: without `transmitChecksum` this counts as 0.
   */
  readonly segmentation: number;
  /** Most segments (scatter-gather) a packet handed to transmit may have. */
  readonly maximumSegments: number;
  /**
   * Whoever sends reads a packet's bytes and never writes to its frames, which may be those of a view: other links copy
   * what somebody else has a share in. Default false.
   */
  readonly sendsViews?: boolean;
  /** Best receive timestamp the link gives. */
  readonly timestamps: TimestampSource;
  readonly queues: number;
}

/**
 * The contract every driver keeps, from loopback to AF_XDP: bursts of packets in, bursts of packets out, no call per
 * packet, no callback on the data path. A link belongs to one thread. None of the data-path methods throws or allocates.
 *
 * Sending is reserve, commit, flush: the layer above reserves a packet from its pool, commits it to the burst it keeps
 * for the link, and flushes the burst with one `transmit` per poll.
 */
export interface Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics: LinkStatistics;
  /** The pool whose packets the link sends without copying them, where there is such a pool: a stack's default. */
  readonly pool?: PacketPool;

  /**
   * Puts up to `maximum` received packets into `burst`, from index 0, and returns their number; they are the caller's.
   * Each packet's data starts with the Ethernet header. A closed link returns 0.
   */
  receive(burst: Packet[], maximum: number): number;

  /**
   * Offers `burst[from]` … `burst[from + count - 1]`, in order, and returns how many the link took; those are no longer
   * the caller's. Fewer than `count` is back-pressure: try again later. A closed link takes (and releases) all.
   */
  transmit(burst: Packet[], from: number, count: number): number;

  /**
   * Asks for one call of `wake` when {@link receive} would return packets, or {@link transmit} would take some again.
   * Returns false, and does not call, when packets are waiting already. A later call replaces an earlier one. `wake`
   * comes from the event loop of the link's own thread, never from inside receive or transmit.
   */
  arm(wake: () => void): boolean;

  /** Microseconds until received packets fall due without an outside event (a delay line, a paced replay); -1: never. */
  nextReceive(): number;

  /** Releases what the link holds and detaches it. Idempotent. */
  close(): void;
}
