/**
 * The Internet Control Message Protocol (RFC 792, RFC 1122 §3.2.2, RFC 1191 §4).
 *
 *     0       1       2              4                       8
 *     +-------+-------+--------------+-----------------------+------------------------------------------
 *     | type  | code  |   checksum   | rest: by type         | echo: data; error: header and data quoted
 *     +-------+-------+--------------+-----------------------+------------------------------------------
 *
 *     rest of an echo:                 identifier (2), sequence number (2)
 *     rest of fragmentation needed:    unused (2), MTU of the next hop (2)
 *     rest of a parameter problem:     pointer (1), unused (3)
 */
import { DropReason } from './drop-reason.js';
import * as ipv4 from './ipv4.js';
import type { Parsed } from './parsed.js';

export const HEADER_LENGTH = 8;

/** IANA "ICMP Type Numbers". */
export const Type = {
  ECHO_REPLY: 0,
  DESTINATION_UNREACHABLE: 3,
  SOURCE_QUENCH: 4,
  REDIRECT: 5,
  ECHO_REQUEST: 8,
  TIME_EXCEEDED: 11,
  PARAMETER_PROBLEM: 12,
  TIMESTAMP_REQUEST: 13,
  TIMESTAMP_REPLY: 14,
} as const;

/** Codes; which of them apply depends on the type. */
export const Code = {
  // Destination unreachable
  NETWORK_UNREACHABLE: 0,
  HOST_UNREACHABLE: 1,
  PROTOCOL_UNREACHABLE: 2,
  PORT_UNREACHABLE: 3,
  FRAGMENTATION_NEEDED: 4,
  SOURCE_ROUTE_FAILED: 5,
  DESTINATION_NETWORK_UNKNOWN: 6,
  DESTINATION_HOST_UNKNOWN: 7,
  NETWORK_PROHIBITED: 9,
  HOST_PROHIBITED: 10,
  COMMUNICATION_PROHIBITED: 13,
  // Redirect
  REDIRECT_NETWORK: 0,
  REDIRECT_HOST: 1,
  // Time exceeded
  TIME_TO_LIVE_EXCEEDED: 0,
  REASSEMBLY_TIME_EXCEEDED: 1,
  // Parameter problem
  POINTER_INDICATES_ERROR: 0,
  REQUIRED_OPTION_MISSING: 1,
} as const;

/** What an error must quote of the datagram it is about, after its IPv4 header (RFC 792: "64 bits of data"). */
export const MINIMUM_QUOTED_DATA = 8;

/** Judges the length only: `ICMP_TRUNCATED`, or `NONE`. The checksum covers the whole message and is the caller's to judge. */
export function check(_view: DataView, _at: number, length: number): DropReason {
  return length < HEADER_LENGTH ? DropReason.ICMP_TRUNCATED : DropReason.NONE;
}

/** One of {@link Type}, or a number this stack does not know. */
export function type(view: DataView, at: number): number {
  return view.getUint8(at);
}

/** One of {@link Code}, or a number this stack does not know. */
export function code(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function setChecksum(view: DataView, at: number, checksum: number): void {
  view.setUint16(at + 2, checksum);
}

/** Bytes 4 to 7, whose meaning depends on the type, as an int32. */
export function rest(view: DataView, at: number): number {
  return view.getInt32(at + 4);
}

/** Of an echo or a timestamp. */
export function identifier(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** Of an echo or a timestamp. */
export function sequenceNumber(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** Of "fragmentation needed"; 0 from a router older than RFC 1191. */
export function nextHopMtu(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** Of a parameter problem: the byte of the quoted datagram at which it was found. */
export function pointer(view: DataView, at: number): number {
  return view.getUint8(at + 4);
}

/** True for the types that report an error; no error may be sent about one of them (RFC 1122 §3.2.2). */
export function isError(type: number): boolean {
  switch (type) {
    case Type.DESTINATION_UNREACHABLE:
    case Type.SOURCE_QUENCH:
    case Type.REDIRECT:
    case Type.TIME_EXCEEDED:
    case Type.PARAMETER_PROBLEM:
      return true;
    default:
      return false;
  }
}

/** Where an error that begins at `at` quotes the IPv4 header of the datagram it is about. */
export function quoteOffset(at: number): number {
  return at + HEADER_LENGTH;
}

/**
 * Judges the quote of an error; `at` and `length` are those of the whole ICMP message, as for {@link check}. After `NONE`
 * the quoted IPv4 header, its options and 8 bytes behind them can be read. `ICMP_ERROR_MALFORMED` when they are not all
 * there, when the quote is not IPv4, or when it is itself an ICMP error, about which no host would send one.
 *
 * The quoted total length is that of the datagram as it was sent, mostly more than is quoted. The quoted checksum proves
 * nothing and is not judged. Of a fragment other than the first the 8 bytes are not a transport header: see
 * `ipv4.fragmentOffset`.
 */
export function checkQuote(view: DataView, at: number, length: number): DropReason {
  const quoted = (length - HEADER_LENGTH) | 0;
  if (quoted < ipv4.MINIMUM_HEADER_LENGTH + MINIMUM_QUOTED_DATA) return DropReason.ICMP_ERROR_MALFORMED;
  const quote = quoteOffset(at);
  const header = ipv4.headerLength(view, quote);
  if (
    ipv4.version(view, quote) !== 4 ||
    header < ipv4.MINIMUM_HEADER_LENGTH ||
    header + MINIMUM_QUOTED_DATA > quoted ||
    ipv4.totalLength(view, quote) < header
  ) {
    return DropReason.ICMP_ERROR_MALFORMED;
  }
  const isMessage = ipv4.protocol(view, quote) === ipv4.Protocol.ICMP && ipv4.fragmentOffset(view, quote) === 0;
  if (isMessage && isError(type(view, quote + header))) return DropReason.ICMP_ERROR_MALFORMED;
  return DropReason.NONE;
}

/**
 * Writes the 8 bytes of a header. `rest` is bytes 4 to 7 as an int32. The checksum field is left zero, ready for the
 * sum over the whole message that the caller makes once the data is there.
 */
export function writeHeader(view: DataView, at: number, type: number, code: number, rest: number): void {
  view.setInt32(at, (type << 24) | ((code & 0xff) << 16));
  view.setInt32(at + 4, rest);
}

export interface Icmpv4Header {
  readonly type: number;
  readonly code: number;
  /** As it is on the wire: it covers the whole message, so it does not follow from the header. */
  readonly checksum: number;
  /** Bytes 4 to 7, as an int32. */
  readonly rest: number;
}

/** The header as a value, or why it was refused. */
export function parse(view: DataView, at: number, length: number): Parsed<Icmpv4Header> {
  const reason = check(view, at, length);
  if (reason !== DropReason.NONE) return reason;
  return { type: type(view, at), code: code(view, at), checksum: checksum(view, at), rest: rest(view, at) };
}

/** Writes a value and returns the number of bytes written, {@link encodedLength}. */
export function emit(view: DataView, at: number, header: Icmpv4Header): number {
  writeHeader(view, at, header.type, header.code, header.rest);
  setChecksum(view, at, header.checksum);
  return HEADER_LENGTH;
}

/** The bytes `emit` writes. */
export function encodedLength(_header: Icmpv4Header): number {
  return HEADER_LENGTH;
}
