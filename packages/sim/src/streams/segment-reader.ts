import { foldSum, type Packet, sumBytes } from '@prism-net/buffers';
import { ethernet, ipv4, TcpOptions, tcp } from '@prism-net/wire';

/** Takes TCP segments out of frames: the fields describe the last one that {@link read} found. */
export class SegmentReader {
  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  /** As sent: not scaled. */
  window = 0;
  /** Bytes of text. */
  length = 0;
  optionsLength = 0;
  readonly options = new TcpOptions();
  /** Of the IPv4 header and of the segment. */
  isChecksumRight = false;
  isFragment = false;

  /** False when the frame has no TCP segment, or only a part of its header. */
  read(packet: Packet): boolean {
    const { view, offset } = packet;
    const network = offset + ethernet.HEADER_LENGTH;
    if (packet.length < ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH + tcp.MINIMUM_HEADER_LENGTH) return false;
    if (ethernet.etherType(view, offset) !== ethernet.EtherType.IPV4) return false;
    if (ipv4.protocol(view, network) !== ipv4.Protocol.TCP) return false;
    const ipLength = ipv4.headerLength(view, network);
    const at = network + ipLength;
    const segmentLength = ipv4.totalLength(view, network) - ipLength;
    const headerLength = tcp.headerLength(view, at);
    if (packet.length < ethernet.HEADER_LENGTH + ipLength + headerLength) return false;
    this.source = ipv4.source(view, network);
    this.destination = ipv4.destination(view, network);
    this.isFragment = ipv4.isFragment(view, network);
    this.sourcePort = tcp.sourcePort(view, at);
    this.destinationPort = tcp.destinationPort(view, at);
    this.sequence = tcp.sequence(view, at);
    this.acknowledgement = tcp.acknowledgement(view, at);
    this.flags = tcp.flags(view, at);
    this.window = tcp.window(view, at);
    this.length = segmentLength - headerLength;
    this.optionsLength = headerLength - tcp.MINIMUM_HEADER_LENGTH;
    this.options.parse(view, at + tcp.MINIMUM_HEADER_LENGTH, this.optionsLength);
    this.isChecksumRight =
      sumBytes(view, network, ipLength, 0) === 0xffff && this.#segmentSum(packet, ipLength, segmentLength) === 0xffff;
    return true;
  }

  /** The sum of the whole frame, less what lies in front of the segment and behind it, with the pseudo-header. */
  #segmentSum(packet: Packet, ipLength: number, segmentLength: number): number {
    const front = ethernet.HEADER_LENGTH + ipLength;
    const padding = packet.totalLength - front - segmentLength;
    const pseudoHeader = tcp.pseudoHeaderSum(this.source, this.destination, segmentLength);
    // Ethernet pads frames that are too short.
    if (padding > 0 && packet.nextSegment === null)
      return packet.memory.sum(packet.offset + front, segmentLength, pseudoHeader);
    if (padding !== 0) return 0;
    const before = sumBytes(packet.view, packet.offset, front, 0);
    return foldSum(packet.sum(pseudoHeader) + (~before & 0xffff));
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }
}
