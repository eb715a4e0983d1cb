/**
 * The User Datagram Protocol header (RFC 768).
 *
 *     0           2                4        6          8
 *     +-----------+----------------+--------+----------+------
 *     |source port|destination port| length | checksum | data
 *     +-----------+----------------+--------+----------+------
 */
import { finishSum } from '@prism-net/buffers';
import { DropReason } from './drop-reason.js';
import { pseudoHeaderSum as ipv4PseudoHeaderSum, Protocol } from './ipv4.js';
import type { Parsed } from './parsed.js';

export const HEADER_LENGTH = 8;

/** The checksum field of a sender that made no checksum. IPv4 allows it; IPv6 does not (RFC 8200 §8.1). */
export const NO_CHECKSUM = 0;

/**
 * In this order: fewer than 8 bytes `UDP_TRUNCATED`; a length field below 8 or above `available` `UDP_LENGTH`;
 * destination port 0 `UDP_PORT_ZERO`; else `NONE`. `available` is the length of the IP payload; the length field may
 * be smaller, and then the caller trims to it. The checksum is the caller's to judge.
 */
export function check(view: DataView, at: number, available: number): DropReason {
  if (available < HEADER_LENGTH) return DropReason.UDP_TRUNCATED;
  const udpLength = view.getUint16(at + 4);
  if (udpLength < HEADER_LENGTH || udpLength > available) return DropReason.UDP_LENGTH;
  // Zero as a source means "no reply wanted" (RFC 768); as a destination it names nobody.
  if (view.getUint16(at + 2) === 0) return DropReason.UDP_PORT_ZERO;
  return DropReason.NONE;
}

/** 0 when the sender wants no reply. */
export function sourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function destinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** Bytes of header and data. */
export function length(view: DataView, at: number): number {
  return view.getUint16(at + 4);
}

/** The checksum field; {@link NO_CHECKSUM} when the sender made none. */
export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** Sets the checksum field, as it is; see {@link finishChecksum}. */
export function setChecksum(view: DataView, at: number, checksum: number): void {
  view.setUint16(at + 6, checksum);
}

/** Writes the 8 bytes of a header. `length` counts header and data. */
export function write(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  length: number,
  checksum: number,
): void {
  view.setInt32(at, (sourcePort << 16) | (destinationPort & 0xffff));
  view.setInt32(at + 4, (length << 16) | (checksum & 0xffff));
}

/** The sum of the IPv4 pseudo-header: where the checksum of a datagram of `length` bytes begins. */
export function pseudoHeaderSum(source: number, destination: number, length: number): number {
  return ipv4PseudoHeaderSum(source, destination, Protocol.UDP, length);
}

/**
 * The checksum field for a sum over pseudo-header, header (its checksum field zero) and data. A checksum that comes
 * out as zero is sent as 0xffff, because zero means none was made (RFC 768).
 */
export function finishChecksum(sum: number): number {
  const checksum = finishSum(sum);
  return checksum === 0 ? 0xffff : checksum;
}

export interface UdpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** Bytes of header and data. */
  readonly length: number;
  readonly checksum: number;
}

/** The header as a value, or why it was refused. `available` is the length of the IP payload. */
export function parse(view: DataView, at: number, available: number): Parsed<UdpHeader> {
  const reason = check(view, at, available);
  if (reason !== DropReason.NONE) return reason;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    length: length(view, at),
    checksum: checksum(view, at),
  };
}

/** Writes a value and returns the number of bytes written, {@link encodedLength}. */
export function emit(view: DataView, at: number, header: UdpHeader): number {
  write(view, at, header.sourcePort, header.destinationPort, header.length, header.checksum);
  return HEADER_LENGTH;
}

/** The bytes `emit` writes. */
export function encodedLength(_header: UdpHeader): number {
  return HEADER_LENGTH;
}
