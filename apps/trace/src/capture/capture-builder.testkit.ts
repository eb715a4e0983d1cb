import { CaptureDirection, PcapWriter, type PcapWriterOptions } from '@prism-net/link';
import { ethernet, ipv4, parseIpv4Address, tcp, tcpOptions } from '@prism-net/wire';

const { Flag } = tcp;

export interface SegmentOptions {
  /** Bytes behind the sender's initial sequence number: the first of data is 0. */
  readonly sequence?: number;
  /** Likewise, of the other side's; -1: not acknowledged at all. */
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly length?: number;
  readonly options?: readonly tcpOptions.TcpOptionValue[];
  readonly identification?: number;
  readonly ecn?: number;
}

const CLIENT = { address: '10.0.0.1', port: 40_000, initialSequence: 0x7fff_f000 };
const SERVER = { address: '10.0.0.2', port: 80, initialSequence: -1000 };

export interface BuilderOptions {
  readonly writer?: PcapWriterOptions;
  readonly isIpv6?: boolean;
  readonly hasVlan?: boolean;
  readonly clientPort?: number;
}

/** Writes captures of one made-up connection, segment by segment. Sequence numbers wrap on the way. */
export class CaptureBuilder {
  /** Microseconds. */
  time = 0;
  readonly client: (options: SegmentOptions) => this;
  readonly server: (options: SegmentOptions) => this;

  readonly #parts: Uint8Array[] = [];
  readonly #writer: PcapWriter;
  readonly #options: BuilderOptions;
  #identification = 1;
  #clientPort: number;

  constructor(options: BuilderOptions = {}) {
    this.#options = options;
    this.#clientPort = options.clientPort ?? CLIENT.port;
    this.#writer = new PcapWriter((bytes) => this.#parts.push(bytes.slice()), options.writer);
    this.client = (segment) => this.#write(segment, true);
    this.server = (segment) => this.#write(segment, false);
  }

  at(microseconds: number): this {
    this.time = microseconds;
    return this;
  }

  /** The connections that follow come from another port. */
  from(clientPort: number): this {
    this.#clientPort = clientPort;
    return this;
  }

  /** SYN, SYN and ACK, ACK: the client's window scale is `scale`, the server's too. Takes `roundTrip`. */
  handshake(roundTrip = 1000, scale = 7, window = 1000): this {
    const options = [tcpOptions.maximumSegmentSize(1460), tcpOptions.sackPermitted(), tcpOptions.windowScale(scale)];
    const start = this.time;
    return this.client({ sequence: -1, acknowledgement: -1, flags: Flag.SYN, options, window: 65_535 })
      .at(start + roundTrip)
      .server({ sequence: -1, flags: Flag.SYN | Flag.ACK, options, window: 65_535 })
      .client({ window });
  }

  /** Bytes of a packet that is none of TCP. */
  raw(bytes: Uint8Array): this {
    this.#writer.writeBytes(bytes, Math.floor(this.time / 1e6), (this.time % 1e6) * 1000, CaptureDirection.UNKNOWN);
    return this;
  }

  finish(): Uint8Array {
    this.#writer.flush();
    return new Uint8Array(Buffer.concat(this.#parts));
  }

  #write(segment: SegmentOptions, isClient: boolean): this {
    const { length = 0, options = [], window = 1000, ecn = 0 } = segment;
    const client = { ...CLIENT, port: this.#clientPort };
    const source = isClient ? client : SERVER;
    const destination = isClient ? SERVER : client;
    const header = {
      sourcePort: source.port,
      destinationPort: destination.port,
      sequence: (source.initialSequence + 1 + (segment.sequence ?? 0)) | 0,
      acknowledgement:
        segment.acknowledgement === -1 ? 0 : (destination.initialSequence + 1 + (segment.acknowledgement ?? 0)) | 0,
      flags: segment.flags ?? (segment.acknowledgement === -1 ? 0 : Flag.ACK),
      window,
      checksum: 0,
      urgentPointer: 0,
      options,
    };
    const payload = tcp.encodedLength(header) + length;
    const link = this.#options.hasVlan === true ? 18 : 14;
    const network = this.#options.isIpv6 === true ? 40 : 20;
    const bytes = new Uint8Array(link + network + payload);
    const view = new DataView(bytes.buffer);
    const etherType = this.#options.isIpv6 === true ? ethernet.EtherType.IPV6 : ethernet.EtherType.IPV4;
    ethernet.write(view, 0, 0x0200, 2, 0x0200, 1, link === 18 ? ethernet.EtherType.VLAN : etherType);
    if (link === 18) view.setUint16(16, etherType);
    const [from, to] = [parseIpv4Address(source.address), parseIpv4Address(destination.address)];
    const identification = segment.identification ?? this.#identification++ & 0xffff;
    if (network === 40) writeIpv6(view, link, ecn, payload, from, to);
    else ipv4.write(view, link, ecn, network + payload, identification, 0, 64, ipv4.Protocol.TCP, from, to);
    tcp.emit(view, link + network, header);
    return this.raw(bytes);
  }
}

function writeIpv6(view: DataView, at: number, trafficClass: number, length: number, from: number, to: number): void {
  view.setUint32(at, 0x6000_0000 | (trafficClass << 20));
  view.setUint16(at + 4, length);
  view.setUint8(at + 6, ipv4.Protocol.TCP);
  view.setUint8(at + 7, 64);
  for (const [where, address] of [
    [at + 8, from],
    [at + 24, to],
  ] as const) {
    view.setUint32(where, 0x2001_0db8);
    view.setInt32(where + 12, address);
  }
}
