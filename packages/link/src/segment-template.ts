import { addWord32, ChecksumState, finishSum, foldSum, type Packet, sumBytes } from '@prism-net/buffers';
import { DropReason, ethernet, ipv4, tcp, vlan } from '@prism-net/wire';

const { IPV4, IPV6, VLAN } = ethernet.EtherType;
const { FIN, SYN, RST, PSH, URG, CWR } = tcp.Flag;
const IPV6_HEADER = 40;
const IPV6_PAYLOAD_LENGTH = 4;
const IPV6_NEXT_HEADER = 6;
const IPV6_ADDRESSES = 8;

/**
 * What the wire segments of one virtual segment have in common, read once from its headers: Ethernet, perhaps a VLAN tag,
 * IPv4 or IPv6 without extension headers, TCP.
 *
 *     0          networkAt      transportAt      headerLength
 *     | Ethernet | IPv4 or IPv6 | TCP            | payload
 *
 * The sums leave out the fields that differ from segment to segment, so that a checksum takes a few additions.
 */
export class SegmentTemplate {
  /** Of all headers together, in bytes. */
  headerLength = 0;
  /** Where the IP and TCP headers begin, counted from the Ethernet header. */
  networkAt = 0;
  transportAt = 0;

  #isIpv4 = false;
  #leavesChecksum = false;
  #identification = 0;
  #sequence = 0;
  /** The 16 bits with header length, reserved bits and flags. */
  #flags = 0;
  #urgentPointer = 0;
  /** Of the IPv4 header without length, identification and checksum. */
  #networkSum = 0;
  /** Of the pseudo-header without the length. */
  #pseudoHeaderSum = 0;
  /** Of the pseudo-header and the TCP header without length, sequence number, flags, checksum and urgent pointer. */
  #transportSum = 0;

  /** Reads the headers of a packet with its data at the Ethernet header. Not NONE: it cannot be cut. */
  read(packet: Packet, leavesChecksum: boolean): DropReason {
    const { view, offset, length } = packet;
    if (length < ethernet.HEADER_LENGTH + vlan.TAG_LENGTH) return DropReason.FRAME_FRAGMENTED_HEADERS;
    let etherType = ethernet.etherType(view, offset);
    let networkAt: number = ethernet.HEADER_LENGTH;
    if (etherType === VLAN) {
      etherType = vlan.etherType(view, offset + networkAt);
      networkAt = (networkAt + vlan.TAG_LENGTH) | 0;
    }
    this.networkAt = networkAt;
    this.#leavesChecksum = leavesChecksum;
    const reason =
      etherType === IPV4
        ? this.#readIpv4(view, (offset + networkAt) | 0, (length - networkAt) | 0)
        : etherType === IPV6
          ? this.#readIpv6(view, (offset + networkAt) | 0, (length - networkAt) | 0)
          : DropReason.TRANSMIT_TOO_LONG;
    if (reason !== DropReason.NONE) return reason;
    return this.#readTcp(view, (offset + this.transportAt) | 0, (length - this.transportAt) | 0);
  }

  /** Whether the checksum of the whole virtual segment is right, as it must be where nobody has vouched for it. */
  verify(packet: Packet): boolean {
    const { transportAt } = this;
    packet.consume(transportAt);
    const sum = packet.sum(foldSum(this.#pseudoHeaderSum + packet.totalLength));
    packet.push(transportAt);
    return sum === 0xffff;
  }

  /**
   * Makes a copy of the headers that of one wire segment. `packet` has its data at them, and `payload` bytes behind them,
   * with `done` bytes of the whole before; it is the segment number `index`, from 0.
   */
  finish(packet: Packet, payload: number, done: number, index: number, isLast: boolean): void {
    const { view, offset } = packet;
    const network = (offset + this.networkAt) | 0;
    const transport = (offset + this.transportAt) | 0;
    const segmentLength = (this.headerLength - this.transportAt + payload) | 0;
    packet.linkOffset = offset;
    packet.networkOffset = network;
    packet.transportOffset = transport;
    packet.gsoSize = 0;
    if (this.#isIpv4) {
      const total = (transport - network + segmentLength) | 0;
      // One more each, as if they had been sent one by one. RFC 6864 §4.1: with "don't fragment" it means nothing.
      const identification = (this.#identification + index) & 0xffff;
      ipv4.setTotalLength(view, network, total);
      ipv4.setIdentification(view, network, identification);
      ipv4.setChecksum(view, network, finishSum(this.#networkSum + total + identification));
    } else {
      view.setUint16(network + IPV6_PAYLOAD_LENGTH, segmentLength);
    }
    let flags = this.#flags;
    if (!isLast) flags &= ~(FIN | PSH); // both belong to the end of the data
    // RFC 3168 §6.1.2: "CWR" is said once, with the first new data.
    if (done !== 0) flags &= ~CWR;
    let urgentPointer = 0;
    if ((flags & URG) !== 0) {
      // RFC 9293 §3.8.5: counted from the segment's own sequence number; behind the urgent data there is none.
      urgentPointer = (this.#urgentPointer - done) | 0;
      if (urgentPointer <= 0) {
        urgentPointer = 0;
        flags &= ~URG;
      }
      tcp.setUrgentPointer(view, transport, urgentPointer);
    }
    const sequence = (this.#sequence + done) | 0;
    tcp.setSequence(view, transport, sequence);
    tcp.setFlags(view, transport, flags);
    if (this.#leavesChecksum) {
      tcp.setChecksum(view, transport, foldSum(this.#pseudoHeaderSum + segmentLength));
      packet.checksumState = ChecksumState.PARTIAL;
      return;
    }
    const sum = foldSum(addWord32((this.#transportSum + segmentLength + flags + urgentPointer) | 0, sequence));
    packet.checksumState = ChecksumState.UNKNOWN;
    tcp.setChecksum(view, transport, finishSum(this.#sumPayload(packet, payload, sum)));
  }

  #sumPayload(packet: Packet, payload: number, initial: number): number {
    const { headerLength } = this;
    if (packet.nextSegment === null) return packet.memory.sum((packet.offset + headerLength) | 0, payload, initial);
    packet.consume(headerLength);
    const sum = packet.sum(initial);
    packet.push(headerLength);
    return sum;
  }

  #readIpv4(view: DataView, at: number, available: number): DropReason {
    if (available < ipv4.MINIMUM_HEADER_LENGTH) return DropReason.FRAME_FRAGMENTED_HEADERS;
    const header = ipv4.headerLength(view, at);
    if (header < ipv4.MINIMUM_HEADER_LENGTH || header > available) return DropReason.FRAME_FRAGMENTED_HEADERS;
    if (ipv4.protocol(view, at) !== ipv4.Protocol.TCP || ipv4.isFragment(view, at)) return DropReason.TRANSMIT_TOO_LONG;
    const identification = ipv4.identification(view, at);
    this.#isIpv4 = true;
    this.#identification = identification;
    this.#networkSum = foldSum(
      sumBytes(view, at, header, 0) +
        without(ipv4.totalLength(view, at)) +
        without(identification) +
        without(ipv4.checksum(view, at)),
    );
    this.#pseudoHeaderSum = foldSum(tcp.pseudoHeaderSum(ipv4.source(view, at), ipv4.destination(view, at), 0));
    this.transportAt = (this.networkAt + header) | 0;
    return DropReason.NONE;
  }

  #readIpv6(view: DataView, at: number, available: number): DropReason {
    if (available < IPV6_HEADER) return DropReason.FRAME_FRAGMENTED_HEADERS;
    if (view.getUint8(at + IPV6_NEXT_HEADER) !== ipv4.Protocol.TCP) return DropReason.TRANSMIT_TOO_LONG;
    this.#isIpv4 = false;
    // RFC 8200 §8.1: both addresses, the length, the protocol.
    this.#pseudoHeaderSum = sumBytes(view, at + IPV6_ADDRESSES, 32, ipv4.Protocol.TCP);
    this.transportAt = (this.networkAt + IPV6_HEADER) | 0;
    return DropReason.NONE;
  }

  #readTcp(view: DataView, at: number, available: number): DropReason {
    if (available < tcp.MINIMUM_HEADER_LENGTH) return DropReason.FRAME_FRAGMENTED_HEADERS;
    const flags = view.getUint16(at + 12);
    const header = (flags >>> 12) << 2;
    if (header < tcp.MINIMUM_HEADER_LENGTH || header > available) return DropReason.FRAME_FRAGMENTED_HEADERS;
    // Data begins one behind the sequence number of a SYN, and neither can be said twice.
    if ((flags & (SYN | RST)) !== 0) return DropReason.TRANSMIT_TOO_LONG;
    const sequence = tcp.sequence(view, at);
    this.headerLength = (this.transportAt + header) | 0;
    this.#sequence = sequence;
    this.#flags = flags;
    this.#urgentPointer = (flags & URG) === 0 ? 0 : tcp.urgentPointer(view, at);
    this.#transportSum = foldSum(
      sumBytes(view, at, header, this.#pseudoHeaderSum) +
        without(sequence >>> 16) +
        without(sequence & 0xffff) +
        without(flags) +
        without(tcp.checksum(view, at)) +
        without(this.#urgentPointer),
    );
    return DropReason.NONE;
  }
}

/** What takes a word out of a sum again: its complement (RFC 1624 §3). */
function without(word: number): number {
  return ~word & 0xffff;
}
