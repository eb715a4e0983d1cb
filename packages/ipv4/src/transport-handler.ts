import type { Packet } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';

/** A protocol above IPv4: what a protocol number is registered with. */
export interface TransportHandler {
  /**
   * Takes a packet for this host. Its data starts at the transport header and ends where the datagram does (padding is
   * gone); `networkOffset` and `transportOffset` are set. Leaves by exactly one of the ways of `PacketAccounts`.
   *
   * With the flag REASSEMBLED the header at `networkOffset` is the first fragment's: addresses, protocol and traffic
   * class hold for the datagram, its total length and flags do not; the length is `packet.totalLength`.
   */
  receive(packet: Packet, now: Instant): void;
  /**
   * An ICMP error about a packet this host sent. The packet is not taken. `quoteOffset` is the absolute offset of the
   * quoted IPv4 header, which has been judged and is followed by at least 8 bytes of what the transport sent. `mtu` is
   * that of the next hop for EMSGSIZE, else 0. True when a live endpoint sent it; only then the error is believed.
   */
  receiveError(errno: Errno, mtu: number, packet: Packet, quoteOffset: number, now: Instant): boolean;
}
