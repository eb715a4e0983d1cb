import { DropReason, ethernet, icmpv4, ipv4, tcp, udp } from '@prism-net/wire';
import type { Ports, TcpOption } from '../language/syntax.js';
import { decodeOptions } from './tcp-option-bytes.js';

/** A frame the host sent, read. Numbers are those of the wire. */
export interface ObservedPacket {
  /** Microseconds of the script's time. */
  readonly time: number;
  readonly source: number;
  readonly destination: number;
  readonly trafficClass: number;
  readonly timeToLive: number;
  readonly headerLength: number;
  readonly content: ObservedTcp | ObservedUdp | ObservedIcmp | ObservedOther;
}

export interface ObservedTcp extends Ports {
  readonly protocol: 'tcp';
  /** Eight bits of `tcp.Flag`, and AE (RFC 9768) as bit 8. */
  readonly flags: number;
  readonly sequence: number;
  readonly acknowledgement: number;
  readonly window: number;
  readonly urgentPointer: number;
  readonly options: readonly TcpOption[];
  readonly payload: Uint8Array;
}

export interface ObservedUdp extends Ports {
  readonly protocol: 'udp';
  readonly payload: Uint8Array;
}

export interface ObservedIcmp {
  readonly protocol: 'icmp';
  readonly type: number;
  readonly code: number;
}

export interface ObservedOther {
  readonly protocol: 'other';
  readonly number: number;
}

/** What is wrong with a frame the host sent: no script expects that. */
export class BadFrame extends Error {}

/** Reads an Ethernet frame; null for what is not IPv4. @throws BadFrame when a length or a checksum is wrong */
export function readFrame(frame: Uint8Array, time: number): ObservedPacket | null {
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  if (ethernet.etherType(view, 0) !== ethernet.EtherType.IPV4) return null;
  const at = ethernet.HEADER_LENGTH;
  const reason = ipv4.check(view, at, frame.length - at);
  if (reason !== DropReason.NONE) throw new BadFrame('sent a datagram whose IPv4 header is wrong');
  const headerLength = ipv4.headerLength(view, at);
  const start = at + headerLength;
  const length = ipv4.totalLength(view, at) - headerLength;
  return {
    time,
    source: ipv4.source(view, at),
    destination: ipv4.destination(view, at),
    trafficClass: ipv4.trafficClass(view, at),
    timeToLive: ipv4.timeToLive(view, at),
    headerLength,
    content: readContent(view, at, start, length),
  };
}

function readContent(view: DataView, ip: number, at: number, length: number): ObservedPacket['content'] {
  const protocol = ipv4.protocol(view, ip);
  // Fragments are not put together.
  if (ipv4.isFragment(view, ip)) return { protocol: 'other', number: protocol };
  const pseudoHeader =
    sumWords([view.getUint16(ip + 12), view.getUint16(ip + 14), view.getUint16(ip + 16)]) +
    view.getUint16(ip + 18) +
    protocol +
    length;
  const payloadOf = (headerLength: number): Uint8Array =>
    new Uint8Array(view.buffer, view.byteOffset + at + headerLength, length - headerLength);
  if (protocol === ipv4.Protocol.TCP) {
    if (tcp.check(view, at, length) !== DropReason.NONE) throw new BadFrame('sent a segment whose TCP header is wrong');
    if (checksumOf(view, at, length, pseudoHeader) !== 0)
      throw new BadFrame('sent a segment with a wrong TCP checksum');
    const headerLength = tcp.headerLength(view, at);
    const options = new Uint8Array(view.buffer, view.byteOffset + at + 20, headerLength - 20);
    return {
      protocol: 'tcp',
      source: tcp.sourcePort(view, at),
      destination: tcp.destinationPort(view, at),
      flags: tcp.flags(view, at) | ((view.getUint8(at + 12) & 1) << 8),
      sequence: tcp.sequence(view, at),
      acknowledgement: tcp.acknowledgement(view, at),
      window: tcp.window(view, at),
      urgentPointer: tcp.urgentPointer(view, at),
      options: decodeOptions(options),
      payload: payloadOf(headerLength),
    };
  }
  if (protocol === ipv4.Protocol.UDP && length >= udp.HEADER_LENGTH) {
    if (view.getUint16(at + 6) !== 0 && checksumOf(view, at, length, pseudoHeader) !== 0) {
      throw new BadFrame('sent a datagram with a wrong UDP checksum');
    }
    return {
      protocol: 'udp',
      source: udp.sourcePort(view, at),
      destination: udp.destinationPort(view, at),
      payload: payloadOf(udp.HEADER_LENGTH),
    };
  }
  if (protocol === ipv4.Protocol.ICMP && length >= icmpv4.HEADER_LENGTH) {
    if (checksumOf(view, at, length, 0) !== 0) throw new BadFrame('sent a message with a wrong ICMP checksum');
    return { protocol: 'icmp', type: icmpv4.type(view, at), code: icmpv4.code(view, at) };
  }
  return { protocol: 'other', number: protocol };
}

function sumWords(words: readonly number[]): number {
  return words.reduce((sum, word) => sum + word, 0);
}

/** The complement of the one's complement sum (RFC 1071); 0 over data that contains its own right checksum. */
export function checksumOf(view: DataView, at: number, length: number, initial: number): number {
  let sum = initial;
  for (let i = 0; i + 1 < length; i += 2) sum += view.getUint16(at + i);
  if (length % 2 === 1) sum += view.getUint8(at + length - 1) << 8;
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return ~sum & 0xffff;
}
