import type { Packet } from '@prism-net/buffers';
import type { Errno } from '@prism-net/link';
import type { Instant } from '@prism-net/time';

export interface IcmpOptions {
  /** ICMP errors sent to one destination: rate and burst. Defaults 1 per second, 6. */
  readonly errorsPerDestinationPerSecond?: number;
  readonly errorsPerDestinationBurst?: number;
  /** Destinations whose rate is remembered. Default 256. */
  readonly errorDestinations?: number;
  /** ICMP errors sent in all: rate and burst, with jitter so that nobody can count them (CVE-2020-25705). Defaults 1,000 per second, 50. */
  readonly errorsPerSecond?: number;
  readonly errorsBurst?: number;
  /** Answer echo requests. Default true. */
  readonly echo?: boolean;
  /** Largest ICMP message in bytes that is answered. Default 8,192. */
  readonly echoMaximumLength?: number;
  /** Echo requests answered: rate and burst. Defaults 10,000 per second, 1,000. */
  readonly echoesPerSecond?: number;
  readonly echoesBurst?: number;
}

/** Who sent echo requests with `Icmp.ping`. */
export interface EchoHandler {
  /** An answer; the packet is not taken, its data starts at the echo data. True when it was expected. */
  echoReply(packet: Packet, source: number, identifier: number, sequence: number, now: Instant): boolean;
  /** An ICMP error about one of our requests. True when it was expected. */
  echoError(errno: Errno, destination: number, identifier: number, sequence: number, now: Instant): boolean;
}

export declare class Icmp {
  echoHandler: EchoHandler | null;
  /**
   * Sends an ICMP error about a received packet, which is not taken; its `networkOffset` must be set. False when the
   * rules (RFC 1122 §3.2.2), the rate limits or a lack of packets or of a route forbid it.
   */
  sendError(packet: Packet, type: number, code: number, rest: number, now: Instant): boolean;
  /** Sends an echo request with `payloadLength` bytes of data. */
  ping(destination: number, identifier: number, sequence: number, payloadLength: number, now: Instant): Errno;
}
