import { ChecksumState, foldSum, type Packet } from '@prism-net/buffers';
import { DropReason, ethernet, ipv4, vlan } from '@prism-net/wire';

/** Where the checksum field lies in the transport header. */
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;

/**
 * Marks a received packet (data at the Ethernet header) as PARTIAL when its UDP or TCP checksum field holds just the
 * sum of the pseudo-header. Such frames have not crossed a wire: a sender that leaves the checksum to its card was
 * captured, or is a neighbour in memory, and the card never saw them. Returns whether it did.
 *
 * A damaged frame looks like one with a probability of 1 in 65,536, so this is for links where partial checksums occur.
 */
export function markPartialChecksum(packet: Packet): boolean {
  const { view, offset, length } = packet;
  if (ethernet.check(view, offset, length) !== DropReason.NONE) return false;
  let at = (offset + ethernet.HEADER_LENGTH) | 0;
  let etherType = ethernet.etherType(view, offset);
  if (etherType === ethernet.EtherType.VLAN && length >= ethernet.HEADER_LENGTH + vlan.TAG_LENGTH) {
    etherType = vlan.etherType(view, at);
    at = (at + vlan.TAG_LENGTH) | 0;
  }
  const left = (offset + length - at) | 0;
  if (etherType !== ethernet.EtherType.IPV4 || left < ipv4.MINIMUM_HEADER_LENGTH || ipv4.isFragment(view, at)) {
    return false;
  }
  const protocol = ipv4.protocol(view, at);
  const field = protocol === ipv4.Protocol.UDP ? UDP_CHECKSUM : protocol === ipv4.Protocol.TCP ? TCP_CHECKSUM : -1;
  const header = ipv4.headerLength(view, at);
  if (field < 0 || left < header + field + 2) return false;
  const payload = (ipv4.totalLength(view, at) - header) | 0;
  const pseudoHeader = ipv4.pseudoHeaderSum(ipv4.source(view, at), ipv4.destination(view, at), protocol, payload);
  if (view.getUint16(at + header + field) !== foldSum(pseudoHeader)) return false;
  packet.checksumState = ChecksumState.PARTIAL;
  return true;
}
