import { sumBytes } from '@prism-net/buffers';
import { ethernet, icmpv4, ipv4, type MacAddress, tcp } from '@prism-net/wire';

/** Longer than any frame that is forged. */
const CAPACITY = 2048;
const NETWORK = ethernet.HEADER_LENGTH;
const TRANSPORT = NETWORK + ipv4.MINIMUM_HEADER_LENGTH;
const LONGEST_OPTIONS = tcp.MAXIMUM_HEADER_LENGTH - tcp.MINIMUM_HEADER_LENGTH;

/** Offsets into a frame without IP options. */
export const At = { NETWORK, TRANSPORT, OPTIONS: TRANSPORT + tcp.MINIMUM_HEADER_LENGTH } as const;

/**
 * A frame in the making. A segment comes about in three steps: fields and options are set, {@link layOut} writes headers and
 * makes room for the text, {@link seal} completes lengths and checksums. Afterwards {@link bytes} can be spoiled further.
 */
export class Forgery {
  readonly bytes = new Uint8Array(CAPACITY);
  readonly view = new DataView(this.bytes.buffer);
  /** Of the frame. */
  length = 0;

  source = 0;
  destination = 0;
  sourcePort = 0;
  destinationPort = 0;
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  window = 0;
  urgentPointer = 0;
  trafficClass = 0;
  timeToLive = 64;
  identification = 0;
  /** Not padded. */
  optionsLength = 0;
  readonly options = new Uint8Array(64);
  readonly optionsView = new DataView(this.options.buffer);
  /** Where the text begins, and its length; set by {@link layOut}. */
  textAt = 0;
  textLength = 0;

  /** Ethernet header; everything else as in a segment that says nothing. */
  begin(to: MacAddress, from: MacAddress): void {
    ethernet.write(this.view, 0, to.high, to.low, from.high, from.low, ethernet.EtherType.IPV4);
    this.flags = 0;
    this.window = 0;
    this.urgentPointer = 0;
    this.trafficClass = 0;
    this.timeToLive = 64;
    this.optionsLength = 0;
  }

  /** Bytes of options that still fit. */
  get optionsRoom(): number {
    return LONGEST_OPTIONS - this.optionsLength;
  }

  /** Writes the headers with room for `textLength` bytes of text behind. */
  layOut(textLength: number): void {
    const { view, bytes } = this;
    const padded = (this.optionsLength + 3) & ~3;
    const headerLength = tcp.MINIMUM_HEADER_LENGTH + padded;
    tcp.write(
      view,
      TRANSPORT,
      this.sourcePort,
      this.destinationPort,
      this.sequence,
      this.acknowledgement,
      headerLength,
      this.flags,
      this.window,
    );
    tcp.setUrgentPointer(view, TRANSPORT, this.urgentPointer);
    for (let i = 0; i < padded; i++) bytes[At.OPTIONS + i] = i < this.optionsLength ? this.options[i]! : 0;
    this.textAt = TRANSPORT + headerLength;
    this.textLength = textLength;
    this.length = this.textAt + textLength;
  }

  /** Completes the datagram around the segment. */
  seal(): void {
    this.#datagram(ipv4.Protocol.TCP, this.length - NETWORK);
    repairTransport(this.view, this.length);
  }

  /** An ICMP message that quotes what stands at `quoteAt` of `quote`. */
  writeIcmp(type: number, code: number, rest: number, quote: Uint8Array, quoteAt: number, quoted: number): void {
    icmpv4.writeHeader(this.view, TRANSPORT, type, code, rest);
    this.bytes.set(quote.subarray(quoteAt, quoteAt + quoted), TRANSPORT + icmpv4.HEADER_LENGTH);
    this.length = TRANSPORT + icmpv4.HEADER_LENGTH + quoted;
    this.#datagram(ipv4.Protocol.ICMP, this.length - NETWORK);
    repairTransport(this.view, this.length);
  }

  /** Takes a whole frame. */
  copy(frame: Uint8Array, length: number): void {
    this.bytes.set(frame.subarray(0, length));
    this.length = length;
  }

  /** Makes checksums right again, as far as the lengths allow it; `isLengthKept`: that of the datagram as well. */
  repair(isLengthKept: boolean): void {
    const { view, length } = this;
    if (length < TRANSPORT || ethernet.etherType(view, 0) !== ethernet.EtherType.IPV4) return;
    if (!isLengthKept) ipv4.setTotalLength(view, NETWORK, length - NETWORK);
    const headerLength = ipv4.headerLength(view, NETWORK);
    if (headerLength < ipv4.MINIMUM_HEADER_LENGTH || NETWORK + headerLength > length) return;
    ipv4.updateChecksum(view, NETWORK);
    repairTransport(view, length);
  }

  #datagram(protocol: number, length: number): void {
    const { view, trafficClass, identification, timeToLive, source, destination } = this;
    ipv4.write(
      view,
      NETWORK,
      trafficClass,
      length,
      identification,
      ipv4.DONT_FRAGMENT,
      timeToLive,
      protocol,
      source,
      destination,
    );
    this.identification = (identification + 1) & 0xffff;
  }
}

/** Computes the checksum of the segment or ICMP message in a frame, whatever the fields say that it does not depend on. */
function repairTransport(view: DataView, frameLength: number): void {
  const headerLength = ipv4.headerLength(view, NETWORK);
  const at = NETWORK + headerLength;
  const length = Math.min(ipv4.totalLength(view, NETWORK) - headerLength, frameLength - at);
  switch (ipv4.protocol(view, NETWORK)) {
    case ipv4.Protocol.TCP: {
      if (length < tcp.MINIMUM_HEADER_LENGTH) return;
      tcp.setChecksum(view, at, 0);
      const sum = tcp.pseudoHeaderSum(ipv4.source(view, NETWORK), ipv4.destination(view, NETWORK), length);
      tcp.setChecksum(view, at, ~sumBytes(view, at, length, sum) & 0xffff);
      return;
    }
    case ipv4.Protocol.ICMP:
      if (length < icmpv4.HEADER_LENGTH) return;
      icmpv4.setChecksum(view, at, 0);
      icmpv4.setChecksum(view, at, ~sumBytes(view, at, length, 0) & 0xffff);
      return;
    default:
  }
}
