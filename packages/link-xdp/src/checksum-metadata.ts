import type { Packet } from '@prism-net/buffers';
import { ethernet, ipv4, vlan } from '@prism-net/wire';

/** struct xsk_tx_metadata without what newer kernels append: flags (64 bits), start, offset, completion. */
export const METADATA_LENGTH = 16;
const REQUEST_CHECKSUM = 1 << 1;
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;

/**
 * Writes, in front of the data of a packet whose checksum is PARTIAL, the request that the kernel or the card complete
 * it. False, and nothing is written, where the headers do not say which checksum that is: a request the kernel refuses
 * would stop the transmit ring for good.
 */
export function requestChecksum(packet: Packet): boolean {
  const { view, offset, length } = packet;
  let network = ethernet.HEADER_LENGTH;
  if (length < network + vlan.TAG_LENGTH + ipv4.MINIMUM_HEADER_LENGTH) return false;
  let etherType = ethernet.etherType(view, offset);
  if (etherType === ethernet.EtherType.VLAN) {
    etherType = vlan.etherType(view, offset + network);
    network += vlan.TAG_LENGTH;
  }
  if (etherType !== ethernet.EtherType.IPV4) return false;
  const protocol = ipv4.protocol(view, offset + network);
  const field = protocol === ipv4.Protocol.UDP ? UDP_CHECKSUM : protocol === ipv4.Protocol.TCP ? TCP_CHECKSUM : -1;
  const start = (network + ipv4.headerLength(view, offset + network)) | 0;
  if (field < 0 || start + field + 2 > length) return false;
  const at = (offset - METADATA_LENGTH) | 0;
  view.setInt32(at, REQUEST_CHECKSUM, true);
  view.setInt32(at + 4, 0, true);
  view.setInt32(at + 8, start | (field << 16), true);
  return true;
}
