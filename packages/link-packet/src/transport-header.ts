import type { Packet } from '@prism-net/buffers';
import { ethernet, ipv4, tcp, vlan } from '@prism-net/wire';

const { IPV4, IPV6, VLAN } = ethernet.EtherType;
const { TCP, UDP } = ipv4.Protocol;
const IPV6_HEADER = 40;
const IPV6_NEXT_HEADER = 6;
const UDP_HEADER = 8;
/** Where the checksum lies in the header (RFC 768, RFC 9293 §3.1). */
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;

/** Where the transport header of a frame is, as the virtio-net header counts: from the first byte of the frame. */
export class TransportHeader {
  isIpv6 = false;
  isTcp = false;
  /** The IP header. */
  network = 0;
  /** Where the checksum starts: the transport header. */
  start = 0;
  /** The checksum field, from there. */
  checksum = 0;
  /** Behind the transport header. */
  end = 0;
  /** TCP says that it has reduced its window (RFC 3168 §6.1.2): only the first of the segments may say so. */
  isCongestionWindowReduced = false;

  /** Reads a packet with its data at the Ethernet header. False when its first segment holds no whole TCP or UDP header. */
  read(packet: Packet): boolean {
    const { view, offset, length } = packet;
    if (length < ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH) return false;
    let etherType = ethernet.etherType(view, offset);
    let network: number = ethernet.HEADER_LENGTH;
    if (etherType === VLAN) {
      etherType = vlan.etherType(view, offset + network);
      network = (network + vlan.TAG_LENGTH) | 0;
    }
    let protocol = -1;
    let start = network;
    if (etherType === IPV4) {
      if (length < network + ipv4.MINIMUM_HEADER_LENGTH || ipv4.isFragment(view, offset + network)) return false;
      protocol = ipv4.protocol(view, offset + network);
      start = (network + ipv4.headerLength(view, offset + network)) | 0;
    } else if (etherType === IPV6) {
      if (length < network + IPV6_HEADER) return false;
      protocol = view.getUint8(offset + network + IPV6_NEXT_HEADER);
      start = (network + IPV6_HEADER) | 0;
    }
    this.isIpv6 = etherType === IPV6;
    this.isTcp = protocol === TCP;
    this.network = network;
    this.start = start;
    if (protocol === UDP) {
      this.checksum = UDP_CHECKSUM;
      this.end = (start + UDP_HEADER) | 0;
      this.isCongestionWindowReduced = false;
      return this.end <= length;
    }
    if (protocol !== TCP || length < start + tcp.MINIMUM_HEADER_LENGTH) return false;
    this.checksum = TCP_CHECKSUM;
    this.end = (start + tcp.headerLength(view, offset + start)) | 0;
    this.isCongestionWindowReduced = (tcp.flags(view, offset + start) & tcp.Flag.CWR) !== 0;
    return this.end <= length;
  }
}
