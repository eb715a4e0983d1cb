import { ChecksumState, finishSum, type Packet } from '@prism-net/buffers';
import { ethernet, ipv4 } from '@prism-net/wire';
import { DATA_VALID, NEEDS_CHECKSUM } from './offload.js';
import { TransportHeader } from './transport-header.js';

const SCTP = 132;

/** What the virtio-net header of a received packet says about its checksum, applied to the packet. */
export class ReceivedChecksum {
  readonly #header = new TransportHeader();

  /**
   * Sets the checksum state of a packet (data at the Ethernet header, without the tag that the kernel took out). A partial
   * checksum that is not that of the outermost TCP or UDP header, as within a tunnel, would not be found by anybody later:
   * it is completed here. `start` and `field` are those of the virtio-net header. False for a virtual segment of a tunnel,
   * which cannot be cut.
   */
  apply(packet: Packet, flags: number, isVirtual: boolean, start: number, field: number): boolean {
    if ((flags & NEEDS_CHECKSUM) === 0) {
      if ((flags & DATA_VALID) !== 0) packet.checksumState = ChecksumState.VERIFIED;
      return true;
    }
    const header = this.#header;
    const isOutermost = header.read(packet) && header.start === start && header.checksum === field;
    const isInside = start >= ethernet.HEADER_LENGTH && ((start + field + 2) | 0) <= packet.length;
    if (isOutermost || !isInside) {
      packet.checksumState = ChecksumState.PARTIAL;
      return true;
    }
    if (isVirtual) return false;
    if (!isSctp(packet)) complete(packet, start, field);
    return true;
  }
}

/** Its checksum is no sum (RFC 9260 §6.8). */
function isSctp({ view, offset, length }: Packet): boolean {
  const network = ethernet.HEADER_LENGTH;
  if (length < network + ipv4.MINIMUM_HEADER_LENGTH) return false;
  return (
    ethernet.etherType(view, offset) === ethernet.EtherType.IPV4 && ipv4.protocol(view, (offset + network) | 0) === SCTP
  );
}

/** Sums from `start` on, over all segments, what the field `field` bytes behind it only holds the beginning of. */
function complete(packet: Packet, start: number, field: number): void {
  packet.consume(start);
  const checksum = finishSum(packet.sum(0));
  packet.push(start);
  // Zero means "none" to UDP, and all ones are the same number to everybody else.
  packet.view.setUint16((packet.offset + start + field) | 0, checksum === 0 ? 0xffff : checksum);
}
