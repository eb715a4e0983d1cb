import { ChecksumState, finishSum, type Packet } from '@prism-net/buffers';
import { ipv4 } from '@prism-net/wire';

/**
 * Completes a transport checksum that was left to the link (state PARTIAL), where the link will not do it: before
 * fragmenting, or before forwarding. The packet's data starts at the IPv4 header.
 */
export function completeChecksum(packet: Packet): void {
  if (packet.checksumState !== ChecksumState.PARTIAL) return;
  packet.checksumState = ChecksumState.UNKNOWN;
  const { view, offset } = packet;
  const header = ipv4.headerLength(view, offset);
  const protocol = ipv4.protocol(view, offset);
  const field = protocol === ipv4.Protocol.UDP ? 6 : protocol === ipv4.Protocol.TCP ? 16 : -1;
  if (field < 0 || packet.length < header + field + 2) return;
  packet.consume(header);
  // The field holds the pseudo-header's sum, so summing over it includes that.
  const checksum = finishSum(packet.sum(0));
  packet.push(header);
  // RFC 768: a computed zero is sent as all ones.
  view.setUint16(offset + header + field, checksum === 0 && protocol === ipv4.Protocol.UDP ? 0xffff : checksum);
}
