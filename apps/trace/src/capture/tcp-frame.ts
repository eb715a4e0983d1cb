import type { CaptureReader } from '@prism-net/link';
import { IpAddress, TcpOptions, tcp } from '@prism-net/wire';
import { findNetworkHeader, NetworkHeader } from './network-header.js';

/** The TCP segment in a captured packet. One object, refilled by {@link read}. */
export class TcpFrame {
  /** Microseconds since the first packet of the capture. */
  time = 0;
  /** Address and port, as keys. */
  source = '';
  destination = '';
  sequence = 0;
  acknowledgement = 0;
  flags = 0;
  /** Unscaled. */
  window = 0;
  /** Bytes of data, captured or not. */
  length = 0;
  /** The ECN field of the IP header. */
  ecn = 0;
  /** Of IPv4; -1 for IPv6. */
  identification = -1;
  readonly options = new TcpOptions();

  readonly #network = new NetworkHeader();

  /**
   * False when the packet holds no TCP segment, or not enough of one. Never throws. `length` bytes at `at` were captured of
   * the `wireLength` that were sent.
   */
  read(view: DataView, at: number, length: number, wireLength: number, linkType: number): boolean {
    const header = findNetworkHeader(view, at, length, linkType);
    if (header < 0) return false;
    const skipped = header - at;
    if (!this.#network.read(view, header, length - skipped, wireLength - skipped)) return false;
    return this.#readSegment(view, at + length);
  }

  #readSegment(view: DataView, captureEnd: number): boolean {
    const { payload, payloadLength, version, source, destination } = this.#network;
    if (payload + tcp.MINIMUM_HEADER_LENGTH > captureEnd) return false;
    const header = tcp.headerLength(view, payload);
    if (header < tcp.MINIMUM_HEADER_LENGTH || header > payloadLength) return false;
    const sourcePort = tcp.sourcePort(view, payload);
    const destinationPort = tcp.destinationPort(view, payload);
    if (sourcePort === 0 || destinationPort === 0) return false;
    this.source = endpointKey(view, source, version, sourcePort);
    this.destination = endpointKey(view, destination, version, destinationPort);
    this.sequence = tcp.sequence(view, payload);
    this.acknowledgement = tcp.acknowledgement(view, payload);
    this.flags = tcp.flags(view, payload);
    this.window = tcp.window(view, payload);
    this.length = payloadLength - header;
    this.ecn = this.#network.ecn;
    this.identification = this.#network.identification;
    // What was not captured of the options was not sent, as far as we can know.
    const captured = Math.min(header, captureEnd - payload) - tcp.MINIMUM_HEADER_LENGTH;
    this.options.parse(view, payload + tcp.MINIMUM_HEADER_LENGTH, captured);
    return true;
  }
}

/** The segments in a capture, packet by packet. */
export class TcpFrameReader extends TcpFrame {
  readonly #reader: CaptureReader;
  readonly #view: DataView;
  #firstSecond = Number.NaN;

  constructor(reader: CaptureReader) {
    super();
    this.#reader = reader;
    this.#view = new DataView(reader.bytes.buffer, reader.bytes.byteOffset, reader.bytes.byteLength);
  }

  /** {@link read} for the current packet. */
  readCurrent(): boolean {
    const { offset, capturedLength, originalLength, linkType, timestampSeconds } = this.#reader;
    if (Number.isNaN(this.#firstSecond)) this.#firstSecond = timestampSeconds;
    this.time = (timestampSeconds - this.#firstSecond) * 1e6 + this.#reader.timestampNanoseconds / 1e3;
    return this.read(this.#view, offset, capturedLength, Math.max(capturedLength, originalLength), linkType);
  }
}

function endpointKey(view: DataView, at: number, version: number, port: number): string {
  if (version === 4) return `${view.getInt32(at)} ${port}`;
  return `${view.getInt32(at)} ${view.getInt32(at + 4)} ${view.getInt32(at + 8)} ${view.getInt32(at + 12)} ${port}`;
}

/** `10.0.0.1:80`, `[2001:db8::1]:80`. */
export function formatEndpoint(key: string): string {
  const words = key.split(' ').map(Number);
  const port = words.pop();
  const [a = 0, b = 0, c = 0, d = 0] = words;
  return words.length === 1 ? `${IpAddress.fromIpv4(a)}:${port}` : `[${IpAddress.fromIpv6(a, b, c, d)}]:${port}`;
}
