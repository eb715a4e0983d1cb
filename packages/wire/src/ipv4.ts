/**
 * The IPv4 header (RFC 791 §3.1).
 *
 *     0       1         2              4
 *     +---+---+---------+--------------+
 *     | 4 |IHL| traffic | total length |   0
 *     +---+---+---------+---+----------+
 *     | identification  |flg|frag. off.|   4
 *     +-------+---------+---+----------+
 *     |  TTL  |protocol |   checksum   |   8
 *     +-------+---------+--------------+
 *     |             source             |  12
 *     +--------------------------------+
 *     |          destination           |  16
 *     +--------------------------------+
 *     |      options, 0 to 40 bytes    |  20
 *     +--------------------------------+
 */
import { addWord32, finishSum, sum20, sumBytes, updateChecksum16 } from '@prism-net/buffers';
import { invalidArgument } from '@prism-net/errors';
import { DropReason } from './drop-reason.js';
import type { Parsed } from './parsed.js';

export const MINIMUM_HEADER_LENGTH = 20;
export const MAXIMUM_HEADER_LENGTH = 60;

/** IANA "Assigned Internet Protocol Numbers": those this stack speaks of. */
export const Protocol = { ICMP: 1, IGMP: 2, IPIP: 4, TCP: 6, UDP: 17, IPV6: 41 } as const;

/** Bits of the 16-bit word that holds the flags and the fragment offset (in units of 8 bytes). */
export const DONT_FRAGMENT = 0x4000;
export const MORE_FRAGMENTS = 0x2000;
const OFFSET_MASK = 0x1fff;

/**
 * In this order: fewer than 20 bytes `IPV4_TRUNCATED`; `IPV4_VERSION`; a header length below 20 or above `length`
 * `IPV4_HEADER_LENGTH`; a total length below the header's or above `length` `IPV4_TOTAL_LENGTH`; `IPV4_CHECKSUM`;
 * else `NONE`. The total length may be smaller than `length` (an Ethernet frame is padded): the caller trims to it.
 * Options, addresses and fragments are judged elsewhere.
 */
export function check(view: DataView, at: number, length: number): DropReason {
  if (length < MINIMUM_HEADER_LENGTH) return DropReason.IPV4_TRUNCATED;
  const first = view.getInt32(at);
  if (first >>> 24 !== 0x45) return checkUncommon(view, at, length, first);
  const total = first & 0xffff;
  if (total < MINIMUM_HEADER_LENGTH || total > length) return DropReason.IPV4_TOTAL_LENGTH;
  return sum20(view, at) === 0xffff ? DropReason.NONE : DropReason.IPV4_CHECKSUM;
}

/** {@link check} for a header that has options, or is wrong: apart, so that the common case stays small and is inlined. */
function checkUncommon(view: DataView, at: number, length: number, first: number): DropReason {
  if (first >>> 28 !== 4) return DropReason.IPV4_VERSION;
  const header = (first >>> 22) & 0x3c;
  if (header < MINIMUM_HEADER_LENGTH || header > length) return DropReason.IPV4_HEADER_LENGTH;
  const total = first & 0xffff;
  if (total < header || total > length) return DropReason.IPV4_TOTAL_LENGTH;
  return sumBytes(view, at, header, 0) === 0xffff ? DropReason.NONE : DropReason.IPV4_CHECKSUM;
}

export function version(view: DataView, at: number): number {
  return view.getUint8(at) >>> 4;
}

/** Bytes of header, options included: 20 to 60. */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at) & 0xf) << 2;
}

/** The whole byte: {@link differentiatedServices} in its upper six bits, {@link congestionNotification} in its lower two. */
export function trafficClass(view: DataView, at: number): number {
  return view.getUint8(at + 1);
}

/** The differentiated services code point, 0 to 63 (RFC 2474 §3). */
export function differentiatedServices(view: DataView, at: number): number {
  return view.getUint8(at + 1) >>> 2;
}

/** The explicit congestion notification field, 0 to 3 (RFC 3168 §5). */
export function congestionNotification(view: DataView, at: number): number {
  return view.getUint8(at + 1) & 3;
}

/** Bytes of header and payload. */
export function totalLength(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

export function identification(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

export function dontFragment(view: DataView, at: number): boolean {
  return (view.getUint8(at + 6) & 0x40) !== 0;
}

export function moreFragments(view: DataView, at: number): boolean {
  return (view.getUint8(at + 6) & 0x20) !== 0;
}

/** Where the payload belongs in the whole datagram, in bytes: a multiple of 8, 0 to 65,528. */
export function fragmentOffset(view: DataView, at: number): number {
  return (view.getUint16(at + 6) & OFFSET_MASK) << 3;
}

/** True for any fragment of a larger datagram, the first and the last included. */
export function isFragment(view: DataView, at: number): boolean {
  return (view.getUint16(at + 6) & (MORE_FRAGMENTS | OFFSET_MASK)) !== 0;
}

export function timeToLive(view: DataView, at: number): number {
  return view.getUint8(at + 8);
}

/** One of {@link Protocol}, or a number this stack does not know. */
export function protocol(view: DataView, at: number): number {
  return view.getUint8(at + 9);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 10);
}

/** The source address, as an int32. */
export function source(view: DataView, at: number): number {
  return view.getInt32(at + 12);
}

/** The destination address, as an int32. */
export function destination(view: DataView, at: number): number {
  return view.getInt32(at + 16);
}

// The setters leave the checksum as it is: `updateChecksum` comes after the last of them.

export function setTrafficClass(view: DataView, at: number, value: number): void {
  view.setUint8(at + 1, value);
}

export function setTotalLength(view: DataView, at: number, value: number): void {
  view.setUint16(at + 2, value);
}

export function setIdentification(view: DataView, at: number, value: number): void {
  view.setUint16(at + 4, value);
}

/** `value` is {@link DONT_FRAGMENT} and {@link MORE_FRAGMENTS} as wanted, or'ed with the offset in units of 8 bytes. */
export function setFlagsAndOffset(view: DataView, at: number, value: number): void {
  view.setUint16(at + 6, value);
}

export function setTimeToLive(view: DataView, at: number, value: number): void {
  view.setUint8(at + 8, value);
}

export function setProtocol(view: DataView, at: number, value: number): void {
  view.setUint8(at + 9, value);
}

export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 10, value);
}

export function setSource(view: DataView, at: number, value: number): void {
  view.setInt32(at + 12, value);
}

export function setDestination(view: DataView, at: number, value: number): void {
  view.setInt32(at + 16, value);
}

/** Computes the checksum over the whole header, options included, and stores it. */
export function updateChecksum(view: DataView, at: number): void {
  view.setUint16(at + 10, 0);
  view.setUint16(at + 10, finishSum(sumBytes(view, at, headerLength(view, at), 0)));
}

/**
 * Takes one from the time to live, updates the checksum from the difference (RFC 1624 §3) and returns what is left. A
 * time to live of 0 stays 0. When 0 is left the datagram must not be forwarded (RFC 1812 §5.3.1).
 */
export function decrementTimeToLive(view: DataView, at: number): number {
  const before = view.getUint16(at + 8); // with the protocol: checksums are made of 16-bit words
  if (before < 0x100) return 0;
  const after = before - 0x100;
  view.setInt32(at + 8, (after << 16) | updateChecksum16(view.getUint16(at + 10), before, after));
  return after >>> 8;
}

/**
 * Writes a header of 20 bytes with its checksum. `flagsAndOffset` is {@link DONT_FRAGMENT} and {@link MORE_FRAGMENTS} as
 * wanted, or'ed with the fragment offset in units of 8 bytes. Values are cut to the width of their fields.
 */
export function write(
  view: DataView,
  at: number,
  trafficClass: number,
  totalLength: number,
  identification: number,
  flagsAndOffset: number,
  timeToLive: number,
  protocol: number,
  source: number,
  destination: number,
): void {
  const first = 0x4500_0000 | ((trafficClass & 0xff) << 16) | (totalLength & 0xffff);
  const second = (identification << 16) | (flagsAndOffset & 0xffff);
  const third = (timeToLive << 24) | ((protocol & 0xff) << 16);
  let sum = addWord32(third >>> 16, first);
  sum = addWord32(sum, second);
  sum = addWord32(sum, source);
  sum = addWord32(sum, destination);
  view.setInt32(at, first);
  view.setInt32(at + 4, second);
  view.setInt32(at + 8, third | finishSum(sum));
  view.setInt32(at + 12, source);
  view.setInt32(at + 16, destination);
}

/**
 * The sum, not yet folded, of the pseudo-header with which transports begin their checksum (RFC 9293 §3.1, RFC 768).
 * `length` is that of the transport's header and data.
 */
export function pseudoHeaderSum(source: number, destination: number, protocol: number, length: number): number {
  return addWord32(addWord32((protocol + length) | 0, source), destination);
}

/**
 * A header as a value. The reserved flag (RFC 791: "must be zero") is not part of it, the version is 4, and header
 * length and checksum follow from the rest.
 */
export interface Ipv4Header {
  readonly trafficClass: number;
  /** Bytes of header and payload. */
  readonly totalLength: number;
  readonly identification: number;
  readonly dontFragment: boolean;
  readonly moreFragments: boolean;
  /** In bytes, a multiple of 8. */
  readonly fragmentOffset: number;
  readonly timeToLive: number;
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  /** The options as they are on the wire, at most 40 bytes; see `ipv4Options`. `emit` pads them with zeros to a multiple of 4. */
  readonly options: Uint8Array;
}

/** The header as a value, or why it was refused. The options are copied, not judged. */
export function parse(view: DataView, at: number, length: number): Parsed<Ipv4Header> {
  const reason = check(view, at, length);
  if (reason !== DropReason.NONE) return reason;
  const options = new Uint8Array(headerLength(view, at) - MINIMUM_HEADER_LENGTH);
  for (let index = 0; index < options.length; index++) {
    options[index] = view.getUint8(at + MINIMUM_HEADER_LENGTH + index);
  }
  return {
    trafficClass: trafficClass(view, at),
    totalLength: totalLength(view, at),
    identification: identification(view, at),
    dontFragment: dontFragment(view, at),
    moreFragments: moreFragments(view, at),
    fragmentOffset: fragmentOffset(view, at),
    timeToLive: timeToLive(view, at),
    protocol: protocol(view, at),
    source: source(view, at),
    destination: destination(view, at),
    options,
  };
}

/**
 * Writes a value with its checksum and returns the number of bytes written, {@link encodedLength}. Throws `EINVAL` for
 * more than 40 bytes of options.
 */
export function emit(view: DataView, at: number, header: Ipv4Header): number {
  const length = encodedLength(header);
  const flags = (header.dontFragment ? DONT_FRAGMENT : 0) | (header.moreFragments ? MORE_FRAGMENTS : 0);
  write(
    view,
    at,
    header.trafficClass,
    header.totalLength,
    header.identification,
    flags | ((header.fragmentOffset >>> 3) & OFFSET_MASK),
    header.timeToLive,
    header.protocol,
    header.source,
    header.destination,
  );
  if (length === MINIMUM_HEADER_LENGTH) return length;
  for (let index = MINIMUM_HEADER_LENGTH; index < length; index++) {
    view.setUint8(at + index, header.options[index - MINIMUM_HEADER_LENGTH] ?? 0);
  }
  view.setUint8(at, 0x40 | (length >>> 2));
  updateChecksum(view, at);
  return length;
}

/** The bytes `emit` writes: 20, and the options padded to a multiple of 4. Throws `EINVAL` for more than 40 bytes of them. */
export function encodedLength(header: Ipv4Header): number {
  const length = MINIMUM_HEADER_LENGTH + ((header.options.length + 3) & ~3);
  if (length > MAXIMUM_HEADER_LENGTH) {
    throw invalidArgument('ipv4.emit', `${header.options.length} bytes of IPv4 options: at most 40 fit into a header`);
  }
  return length;
}
