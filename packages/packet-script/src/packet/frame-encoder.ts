import { ethernet, icmpv4, ipv4, tcp, udp } from '@prism-net/wire';
import type { IcmpTransport, IpFields, PacketAction, TcpTransport, Transport } from '../language/syntax.js';
import { Difference, Unsupported } from '../values/unsupported.js';
import type { Endpoint, Flow } from './flow.js';
import { icmpTypeAndCode } from './icmp-names.js';
import { checksumOf } from './observed-packet.js';
import { fillPattern } from './pattern.js';
import { encodeOptions } from './tcp-option-bytes.js';

const FLAG_BITS: Readonly<Record<string, number>> = {
  F: tcp.Flag.FIN,
  S: tcp.Flag.SYN,
  R: tcp.Flag.RST,
  P: tcp.Flag.PSH,
  '.': tcp.Flag.ACK,
  U: tcp.Flag.URG,
  E: tcp.Flag.ECE,
  W: tcp.Flag.CWR,
  A: 0x100,
};
const ECN_BITS = { noecn: 0, ect1: 1, ect0: 2, ect01: 2, ce: 3 } as const;
/** Hops of a packet on its way here; like other hosts' 64. */
const TIME_TO_LIVE = 64;
const DONT_FRAGMENT = ipv4.DONT_FRAGMENT;

export interface EncoderOptions {
  /** Link addresses of the sender and of the host. */
  readonly peerMac: { readonly high: number; readonly low: number };
  readonly hostMac: { readonly high: number; readonly low: number };
  /** A timestamp echo the script did not see may be computed from the first. */
  readonly interpolateTimestamps: boolean;
}

/** Bits of `tcp.Flag`, AE as bit 8, of flags as the script writes them. */
export function flagBits({ flags, ace }: Pick<TcpTransport, 'flags' | 'ace'>): number {
  let bits = 0;
  for (const letter of flags) bits |= FLAG_BITS[letter]!;
  return ace === null ? bits : bits | aceBits(ace);
}

/** The count in AE, CWR and ECE (RFC 9768 §3.1). */
export function aceBits(ace: number): number {
  return ace << 6;
}

/** The ECN codepoint and DSCP the script gives a packet. */
export function trafficClassOf(ip: IpFields): number {
  if (ip.trafficClass !== undefined) return ip.trafficClass;
  return ((ip.dscp ?? 0) << 2) | ECN_BITS[ip.ecn ?? 'noecn'];
}

/** The Ethernet frame of a packet that the script injects. */
export function encodeFrame(packet: PacketAction, flow: Flow, options: EncoderOptions): Uint8Array {
  const content = encodeTransport(packet.transport, flow, options);
  const frame = new Uint8Array(ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH + content.bytes.length);
  const view = new DataView(frame.buffer);
  const { hostMac, peerMac } = options;
  ethernet.write(view, 0, hostMac.high, hostMac.low, peerMac.high, peerMac.low, ethernet.EtherType.IPV4);
  writeIpHeader(view, ethernet.HEADER_LENGTH, packet.ip, content.protocol, content.bytes.length, flow);
  frame.set(content.bytes, ethernet.HEADER_LENGTH + ipv4.MINIMUM_HEADER_LENGTH);
  return frame;
}

function writeIpHeader(view: DataView, at: number, ip: IpFields, protocol: number, length: number, flow: Flow): void {
  ipv4.write(
    view,
    at,
    trafficClassOf(ip),
    ipv4.MINIMUM_HEADER_LENGTH + length,
    0,
    DONT_FRAGMENT,
    ip.timeToLive ?? TIME_TO_LIVE,
    protocol,
    flow.remote.address,
    flow.local.address,
  );
}

function encodeTransport(
  transport: Transport,
  flow: Flow,
  options: EncoderOptions,
): { protocol: number; bytes: Uint8Array } {
  switch (transport.protocol) {
    case 'tcp':
      return { protocol: ipv4.Protocol.TCP, bytes: encodeTcp(transport, flow, options) };
    case 'udp': {
      const from = { address: flow.remote.address, port: transport.ports?.source ?? flow.remote.port };
      const to = { address: flow.local.address, port: transport.ports?.destination ?? flow.local.port };
      return { protocol: ipv4.Protocol.UDP, bytes: encodeUdp(transport.length, from, to) };
    }
    case 'icmp':
      return { protocol: ipv4.Protocol.ICMP, bytes: encodeIcmp(transport, flow) };
    default:
      throw new Unsupported(`${transport.protocol} packet`);
  }
}

function encodeTcp(transport: TcpTransport, flow: Flow, { interpolateTimestamps }: EncoderOptions): Uint8Array {
  const flags = flagBits(transport);
  const isSyn = (flags & tcp.Flag.SYN) !== 0;
  const isAcknowledging = (flags & tcp.Flag.ACK) !== 0;
  const optionBytes = encodeOptions(transport.options ?? [], {
    acknowledgement: (value) => flow.localSequence(value, isSyn),
    timestampEcho: (value, isAbsolute) =>
      !isAcknowledging || isAbsolute ? value : flow.timestampEcho(value, interpolateTimestamps),
  });
  const headerLength = tcp.MINIMUM_HEADER_LENGTH + optionBytes.length;
  if (headerLength > tcp.MAXIMUM_HEADER_LENGTH) {
    throw new Difference(`the TCP options take ${optionBytes.length} bytes; 40 fit`);
  }
  const { sequence } = transport;
  const bytes = new Uint8Array(headerLength + sequence.length);
  const view = new DataView(bytes.buffer);
  const acknowledgement = transport.acknowledgement ?? 0;
  tcp.write(
    view,
    0,
    transport.ports?.source ?? flow.remote.port,
    transport.ports?.destination ?? flow.local.port,
    flow.remoteSequence(sequence, isSyn),
    !isAcknowledging || transport.isAcknowledgementAbsolute
      ? acknowledgement | 0
      : flow.localSequence(acknowledgement, isSyn),
    headerLength,
    flags & 0xff,
    transport.window ?? 0,
  );
  bytes[12]! |= (flags >>> 8) & 1;
  tcp.setUrgentPointer(view, 0, transport.urgentPointer ?? 0);
  bytes.set(optionBytes, tcp.MINIMUM_HEADER_LENGTH);
  // SYN takes the number in front of the data.
  fillPattern(bytes, headerLength, sequence.start + (isSyn ? 1 : 0), sequence.length);
  tcp.setChecksum(view, 0, transportChecksum(view, ipv4.Protocol.TCP, flow.remote.address, flow.local.address));
  return bytes;
}

function encodeUdp(length: number, from: Endpoint, to: Endpoint): Uint8Array {
  const bytes = new Uint8Array(udp.HEADER_LENGTH + length);
  const view = new DataView(bytes.buffer);
  view.setUint16(0, from.port);
  view.setUint16(2, to.port);
  view.setUint16(4, bytes.length);
  fillPattern(bytes, udp.HEADER_LENGTH, 0, length);
  const checksum = transportChecksum(view, ipv4.Protocol.UDP, from.address, to.address);
  // RFC 768: zero means that there is none.
  view.setUint16(6, checksum === 0 ? 0xffff : checksum);
  return bytes;
}

function transportChecksum(view: DataView, protocol: number, source: number, destination: number): number {
  const addresses = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff);
  return checksumOf(view, 0, view.byteLength, addresses + protocol + view.byteLength);
}

/** A message; an error quotes the IP header of a packet of the host, and eight bytes behind it. */
function encodeIcmp(transport: IcmpTransport, flow: Flow): Uint8Array {
  const { type, code } = icmpTypeAndCode(transport);
  const { quote } = transport;
  const quoted = quote?.protocol === 'raw' ? new Uint8Array(quote.length) : encodeQuote(transport, flow, type);
  const bytes = new Uint8Array(icmpv4.HEADER_LENGTH + quoted.length);
  const view = new DataView(bytes.buffer);
  const rest = transport.identifier === null ? (transport.mtu ?? 0) : transport.identifier << 16;
  icmpv4.writeHeader(view, 0, type, code, rest);
  bytes.set(quoted, icmpv4.HEADER_LENGTH);
  icmpv4.setChecksum(view, 0, checksumOf(view, 0, bytes.length, 0));
  return bytes;
}

function encodeQuote({ quote }: IcmpTransport, flow: Flow, type: number): Uint8Array {
  if (!icmpv4.isError(type)) return new Uint8Array(0);
  const isUdp = quote === null ? flow.protocol === 'udp' : quote.protocol === 'udp';
  const length = quote?.protocol === 'tcp' ? quote.sequence.length : quote?.protocol === 'udp' ? quote.length : 0;
  const headerLength = isUdp ? udp.HEADER_LENGTH : tcp.MINIMUM_HEADER_LENGTH;
  const bytes = new Uint8Array(ipv4.MINIMUM_HEADER_LENGTH + icmpv4.MINIMUM_QUOTED_DATA);
  const view = new DataView(bytes.buffer);
  ipv4.write(
    view,
    0,
    0,
    Math.min(ipv4.MINIMUM_HEADER_LENGTH + headerLength + length, 0xffff),
    0,
    DONT_FRAGMENT,
    TIME_TO_LIVE,
    isUdp ? ipv4.Protocol.UDP : ipv4.Protocol.TCP,
    flow.local.address,
    flow.remote.address,
  );
  const at = ipv4.MINIMUM_HEADER_LENGTH;
  view.setUint16(at, flow.local.port);
  view.setUint16(at + 2, flow.remote.port);
  if (isUdp) view.setUint16(at + 4, udp.HEADER_LENGTH + length);
  else
    view.setInt32(at + 4, quote?.protocol === 'tcp' ? quotedSequence(quote.sequence.start, flow) : flow.liveLocalStart);
  return bytes;
}

function quotedSequence(start: number, flow: Flow): number {
  return flow.localSequence(start, false);
}
