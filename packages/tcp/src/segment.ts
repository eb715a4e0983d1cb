import type { Packet } from '@prism-net/buffers';
import { DropReason, TcpOptions, tcp } from '@prism-net/wire';

/**
 * A received segment, read once into plain fields: behind a link in shared memory the sender can still write, so what
 * was judged is never read again. One object per layer, refilled for every segment.
 */
export class Segment {
  /** SEG.SEQ and SEG.ACK (RFC 9293 §3.3.1). */
  sequence = 0;
  acknowledgement = 0;
  /** Bits of `tcp.Flag`. */
  flags = 0;
  /** The window field, not yet scaled. */
  window = 0;
  /** Bytes of text. SEG.LEN counts SYN and FIN too: {@link sequenceLength}. */
  length = 0;
  /** The frames it came in, more than one when coalesced. */
  frames = 1;
  /** Codepoint of the IP header (RFC 3168 §5): 0 not capable, 1 and 2 capable, 3 congestion experienced. */
  ecn = 0;
  sourcePort = 0;
  destinationPort = 0;
  readonly options = new TcpOptions();
  /** The packet, with its data at the text; null once somebody took it. */
  packet: Packet | null = null;

  /** Reads the header at the start of the packet's data, and consumes it. Anything but NONE: the packet is untouched. */
  parse(packet: Packet): DropReason {
    const { view, offset: at, length: available } = packet;
    const reason = tcp.check(view, at, available);
    if (reason !== DropReason.NONE) return reason;
    const headerLength = tcp.headerLength(view, at);
    // Where the sender shares the memory the length may have changed since it was checked.
    if (headerLength < tcp.MINIMUM_HEADER_LENGTH || headerLength > available) return DropReason.TCP_HEADER_LENGTH;
    this.sourcePort = tcp.sourcePort(view, at);
    this.destinationPort = tcp.destinationPort(view, at);
    this.sequence = tcp.sequence(view, at);
    this.acknowledgement = tcp.acknowledgement(view, at);
    this.flags = tcp.flags(view, at);
    this.window = tcp.window(view, at);
    // RFC 9293 §3.1, MUST-5: of any segment.
    this.options.parse(view, (at + tcp.MINIMUM_HEADER_LENGTH) | 0, (headerLength - tcp.MINIMUM_HEADER_LENGTH) | 0);
    packet.consume(headerLength);
    packet.payloadOffset = packet.offset;
    this.length = packet.nextSegment === null ? packet.length : packet.totalLength;
    this.frames = 1;
    this.packet = packet;
    return DropReason.NONE;
  }

  /** SEG.LEN: text, SYN and FIN. */
  get sequenceLength(): number {
    return (this.length + ((this.flags >>> 1) & 1) + (this.flags & 1)) | 0;
  }

  has(flag: number): boolean {
    return (this.flags & flag) !== 0;
  }

  /** Cuts `bytes` of text off the front: they were received before. */
  trimFront(bytes: number): void {
    let left = bytes;
    let packet = this.packet!;
    while (left > 0 && left >= packet.length && packet.nextSegment !== null) {
      const next = packet.nextSegment;
      left = (left - packet.length) | 0;
      packet.nextSegment = null;
      packet.release();
      packet = next;
    }
    packet.consume(left);
    this.packet = packet;
    this.sequence = (this.sequence + bytes) | 0;
    this.length = (this.length - bytes) | 0;
  }

  /** Cuts the text to `bytes`. */
  trimEnd(bytes: number): void {
    this.packet!.trim(bytes);
    this.length = bytes;
  }

  /** The packet, now the caller's. */
  takePacket(): Packet {
    const packet = this.packet!;
    this.packet = null;
    return packet;
  }
}

/** Where a segment came from, in words: filled by the network layer along with the flow's key. */
export class Addresses {
  localA = 0;
  localB = 0;
  localC = 0;
  localD = 0;
  remoteA = 0;
  remoteB = 0;
  remoteC = 0;
  remoteD = 0;
  localPort = 0;
  remotePort = 0;

  clear(): void {
    this.localA = 0;
    this.localB = 0;
    this.localC = 0;
    this.localD = 0;
    this.remoteA = 0;
    this.remoteB = 0;
    this.remoteC = 0;
    this.remoteD = 0;
    this.localPort = 0;
    this.remotePort = 0;
  }

  copy(from: Addresses): void {
    this.localA = from.localA;
    this.localB = from.localB;
    this.localC = from.localC;
    this.localD = from.localD;
    this.remoteA = from.remoteA;
    this.remoteB = from.remoteB;
    this.remoteC = from.remoteC;
    this.remoteD = from.remoteD;
    this.localPort = from.localPort;
    this.remotePort = from.remotePort;
  }
}
