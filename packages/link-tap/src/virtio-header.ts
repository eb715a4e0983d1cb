import { ChecksumState, finishSum, type Packet } from '@prism-net/buffers';
import { ethernet, ipv4, tcp, vlan } from '@prism-net/wire';
import { PacketWord } from './addon.js';

const { IPV4, IPV6, VLAN } = ethernet.EtherType;
const UDP_CHECKSUM = 6;
const TCP_CHECKSUM = 16;
const IPV6_HEADER = 40;

/** Flags of the virtio-net header (virtio 1.1 §5.1.6). */
export const VirtioFlag = { NEEDS_CHECKSUM: 1, DATA_VALID: 2, COALESCING_INFORMATION: 4 } as const;

/** Its types of segmentation; ECN is a bit beside the others: the first segment carries CWR. */
export const VirtioSegmentation = { NONE: 0, TCP_IPV4: 1, UDP_FRAGMENTS: 3, TCP_IPV6: 4, UDP: 5, ECN: 0x80 } as const;

/** What became of a received header. */
export const VirtioVerdict = {
  ACCEPTED: 0,
  /** Accepted, after a checksum nobody above would have understood as partial was completed here. */
  COMPLETED: 1,
  /** It contradicts itself, or the packet: the packet is not to be used. */
  REFUSED: 2,
} as const;
export type VirtioVerdict = (typeof VirtioVerdict)[keyof typeof VirtioVerdict];

/**
 * Applies the header in `words` from `at` on to the packet received with it (data at the Ethernet header, `length` bytes
 * in all its segments): checksum state and `gsoSize`. Each of its offsets is checked against the packet.
 */
export function applyVirtioHeader(packet: Packet, length: number, words: Int32Array, at: number): VirtioVerdict {
  const flags = words[at + PacketWord.FLAGS]! & 0xff;
  const type = (words[at + PacketWord.FLAGS]! >> 8) & 0xff;
  if ((flags & VirtioFlag.COALESCING_INFORMATION) !== 0) return VirtioVerdict.REFUSED;
  if ((flags & VirtioFlag.NEEDS_CHECKSUM) === 0) {
    // A virtual segment without a partial checksum: its parts could not get theirs.
    if (type !== VirtioSegmentation.NONE) return VirtioVerdict.REFUSED;
    if ((flags & VirtioFlag.DATA_VALID) !== 0) packet.checksumState = ChecksumState.VERIFIED;
    return VirtioVerdict.ACCEPTED;
  }
  const start = words[at + PacketWord.CHECKSUM_START]!;
  const field = words[at + PacketWord.CHECKSUM_OFFSET]!;
  if (start < ethernet.HEADER_LENGTH || ((start + field + 2) | 0) > packet.length) return VirtioVerdict.REFUSED;
  const expected = findTransport(packet);
  const isKnown = start === expected && field === transportField;
  if (type !== VirtioSegmentation.NONE) {
    const kind = type & ~VirtioSegmentation.ECN;
    if (kind !== VirtioSegmentation.TCP_IPV4 && kind !== VirtioSegmentation.TCP_IPV6) return VirtioVerdict.REFUSED;
    const size = words[at + PacketWord.SEGMENT_SIZE]!;
    if (!isKnown || field !== TCP_CHECKSUM || size === 0) return VirtioVerdict.REFUSED;
    if ((transportType === IPV4) !== (kind === VirtioSegmentation.TCP_IPV4)) return VirtioVerdict.REFUSED;
    if (words[at + PacketWord.HEADER_LENGTH]! > length) return VirtioVerdict.REFUSED;
    if (((start + tcp.MINIMUM_HEADER_LENGTH) | 0) > packet.length) return VirtioVerdict.REFUSED;
    packet.gsoSize = size;
  }
  if (isKnown) {
    packet.checksumState = ChecksumState.PARTIAL;
    return VirtioVerdict.ACCEPTED;
  }
  completeChecksum(packet, start, field);
  return VirtioVerdict.COMPLETED;
}

/** EtherType and checksum field, from the transport header on, of the packet {@link findTransport} has looked at. */
let transportType = 0;
let transportField = 0;

/**
 * Where the TCP or UDP header of a packet (data at the Ethernet header) begins, in bytes from there; 0 when there is none,
 * or it is not in the first segment.
 */
function findTransport(packet: Packet): number {
  const { view, offset, length } = packet;
  if (length < ethernet.HEADER_LENGTH) return 0;
  let type = ethernet.etherType(view, offset);
  let network = ethernet.HEADER_LENGTH as number;
  if (type === VLAN && length >= ethernet.HEADER_LENGTH + vlan.TAG_LENGTH) {
    type = vlan.etherType(view, (offset + network) | 0);
    network = (network + vlan.TAG_LENGTH) | 0;
  }
  const at = (offset + network) | 0;
  let transport = 0;
  let protocol = 0;
  if (type === IPV4 && length >= ((network + ipv4.MINIMUM_HEADER_LENGTH) | 0)) {
    if (ipv4.isFragment(view, at)) return 0;
    const header = ipv4.headerLength(view, at);
    if (header < ipv4.MINIMUM_HEADER_LENGTH) return 0;
    protocol = ipv4.protocol(view, at);
    transport = (network + header) | 0;
  } else if (type === IPV6 && length >= ((network + IPV6_HEADER) | 0)) {
    protocol = view.getUint8((at + 6) | 0); // RFC 8200 §3: the next header; those with extensions are not looked at
    transport = (network + IPV6_HEADER) | 0;
  } else {
    return 0;
  }
  if (protocol === ipv4.Protocol.TCP) transportField = TCP_CHECKSUM;
  else if (protocol === ipv4.Protocol.UDP) transportField = UDP_CHECKSUM;
  else return 0;
  if (length < ((transport + transportField + 2) | 0)) return 0;
  transportType = type;
  return transport;
}

/** Sums from `start` on, over all segments, what the field `field` bytes behind it only holds the beginning of. */
function completeChecksum(packet: Packet, start: number, field: number): void {
  packet.consume(start);
  const checksum = finishSum(packet.sum(0));
  packet.push(start);
  // Zero means "none" to UDP, and all ones are the same number to everybody else.
  packet.view.setUint16((packet.offset + start + field) | 0, checksum === 0 ? 0xffff : checksum);
}

/**
 * Writes the header for a packet to be sent (data at the Ethernet header) into `words` from `at` on. False when what it
 * asks for cannot be expressed: a PARTIAL checksum or a `gsoSize` without TCP or UDP in the first segment.
 */
export function writeVirtioHeader(packet: Packet, words: Int32Array, at: number): boolean {
  words[at + PacketWord.FLAGS] = 0;
  words[at + PacketWord.SEGMENT_SIZE] = 0;
  words[at + PacketWord.HEADER_LENGTH] = 0;
  words[at + PacketWord.CHECKSUM_START] = 0;
  words[at + PacketWord.CHECKSUM_OFFSET] = 0;
  if (packet.checksumState !== ChecksumState.PARTIAL) return packet.gsoSize === 0;
  const start = findTransport(packet);
  if (start === 0) return false;
  words[at + PacketWord.CHECKSUM_START] = start;
  words[at + PacketWord.CHECKSUM_OFFSET] = transportField;
  if (packet.gsoSize === 0) {
    words[at + PacketWord.FLAGS] = VirtioFlag.NEEDS_CHECKSUM;
    return true;
  }
  const header = (packet.offset + start) | 0;
  if (transportField !== TCP_CHECKSUM || ((start + tcp.MINIMUM_HEADER_LENGTH) | 0) > packet.length) return false;
  let type: number = transportType === IPV4 ? VirtioSegmentation.TCP_IPV4 : VirtioSegmentation.TCP_IPV6;
  if ((tcp.flags(packet.view, header) & tcp.Flag.CWR) !== 0) type |= VirtioSegmentation.ECN;
  words[at + PacketWord.FLAGS] = VirtioFlag.NEEDS_CHECKSUM | (type << 8);
  words[at + PacketWord.SEGMENT_SIZE] = packet.gsoSize;
  // The kernel keeps the headers in one piece, and the rest in pages.
  words[at + PacketWord.HEADER_LENGTH] = (start + tcp.headerLength(packet.view, header)) | 0;
  return true;
}
