import type { Packet } from '@prism-net/buffers';
import { ipv4, tcp } from '@prism-net/wire';

const MAXIMUM_DATAGRAM = 65_535;

/**
 * Length of the longest datagram that a packet with a `gsoSize` will be on the wire, in bytes: that of its headers and
 * `gsoSize` bytes of payload. One that is no TCP, or whose headers are not in its first segment, cannot be cut and counts
 * as a whole. `transportAt` is where its transport header begins, `total` the length of the datagram it is now.
 */
export function wireLength(
  packet: Packet,
  protocol: number,
  transportAt: number,
  ipHeader: number,
  total: number,
): number {
  if (protocol !== ipv4.Protocol.TCP || packet.end - transportAt < tcp.MINIMUM_HEADER_LENGTH) return total;
  if (total > MAXIMUM_DATAGRAM) return total;
  return Math.min(total, ipHeader + tcp.headerLength(packet.view, transportAt) + packet.gsoSize);
}
