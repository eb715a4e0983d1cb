/**
 * The Transmission Control Protocol header (RFC 9293 §3.1).
 *
 *     0         1         2                  4
 *     +-------------------+------------------+
 *     |    source port    | destination port |   0
 *     +-------------------+------------------+
 *     |           sequence number            |   4
 *     +--------------------------------------+
 *     |        acknowledgement number        |   8
 *     +----+----+---------+------------------+
 *     |len.|res.|  flags  |      window      |  12
 *     +----+----+---------+------------------+
 *     |     checksum      |  urgent pointer  |  16
 *     +-------------------+------------------+
 *     |        options, 0 to 40 bytes        |  20
 *     +--------------------------------------+
 */
import { DropReason } from './drop-reason.js';
import { pseudoHeaderSum as ipv4PseudoHeaderSum, Protocol } from './ipv4.js';
import type { Parsed } from './parsed.js';
import {
  emit as emitOptions,
  encodedLength as encodedOptionsLength,
  parse as parseOptions,
  type TcpOptionValue,
} from './tcp-option-values.js';

export const MINIMUM_HEADER_LENGTH = 20;
export const MAXIMUM_HEADER_LENGTH = 60;

/** The control bits (RFC 9293 §3.1, RFC 3168 §6.1). */
export const Flag = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ECE: 64, CWR: 128 } as const;

/**
 * In this order: fewer than 20 bytes `TCP_TRUNCATED`; a header length below 20 or above `available`
 * `TCP_HEADER_LENGTH`; source or destination port 0 `TCP_PORT_ZERO`; else `NONE`. `available` is the length of the IP
 * payload. Checksum, flags and options are judged elsewhere.
 */
export function check(view: DataView, at: number, available: number): DropReason {
  if (available < MINIMUM_HEADER_LENGTH) return DropReason.TCP_TRUNCATED;
  const header = (view.getUint8(at + 12) >>> 2) & 0x3c;
  if (header < MINIMUM_HEADER_LENGTH || header > available) return DropReason.TCP_HEADER_LENGTH;
  const ports = view.getInt32(at);
  // Neither names anybody (RFC 6335 §6: port 0 is reserved).
  if (ports >>> 16 === 0 || (ports & 0xffff) === 0) return DropReason.TCP_PORT_ZERO;
  return DropReason.NONE;
}

export function sourcePort(view: DataView, at: number): number {
  return view.getUint16(at);
}

export function destinationPort(view: DataView, at: number): number {
  return view.getUint16(at + 2);
}

/** The sequence number of the first byte of data, or of SYN, as an int32; compare with `seq`. */
export function sequence(view: DataView, at: number): number {
  return view.getInt32(at + 4);
}

/** The sequence number its sender expects next, as an int32; means something only with `Flag.ACK`. */
export function acknowledgement(view: DataView, at: number): number {
  return view.getInt32(at + 8);
}

/** Bytes of header, options included: 20 to 60. */
export function headerLength(view: DataView, at: number): number {
  return (view.getUint8(at + 12) >>> 2) & 0x3c;
}

/** The eight bits of {@link Flag}; the four reserved bits before them are ignored (RFC 9293 §3.1). */
export function flags(view: DataView, at: number): number {
  return view.getUint8(at + 13);
}

/** As sent, not scaled; unsigned (RFC 9293 §3.1, MUST-1). */
export function window(view: DataView, at: number): number {
  return view.getUint16(at + 14);
}

export function checksum(view: DataView, at: number): number {
  return view.getUint16(at + 16);
}

/** Where urgent data ends, counted from the sequence number; may lie outside of the data, so never an index into it. */
export function urgentPointer(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

// The setters leave the checksum as it is.

export function setSequence(view: DataView, at: number, value: number): void {
  view.setInt32(at + 4, value);
}

export function setAcknowledgement(view: DataView, at: number, value: number): void {
  view.setInt32(at + 8, value);
}

export function setFlags(view: DataView, at: number, value: number): void {
  view.setUint8(at + 13, value);
}

export function setWindow(view: DataView, at: number, value: number): void {
  view.setUint16(at + 14, value);
}

/** The complement of the sum over pseudo-header, header (its checksum field zero) and data: `finishSum`. */
export function setChecksum(view: DataView, at: number, value: number): void {
  view.setUint16(at + 16, value);
}

export function setUrgentPointer(view: DataView, at: number, value: number): void {
  view.setUint16(at + 18, value);
}

/**
 * Writes the first 20 bytes of a header, checksum and urgent pointer zero. `headerLength` counts the options, which the
 * caller writes behind: 20 to 60, a multiple of 4. Values are cut to the width of their fields.
 */
export function write(
  view: DataView,
  at: number,
  sourcePort: number,
  destinationPort: number,
  sequence: number,
  acknowledgement: number,
  headerLength: number,
  flags: number,
  window: number,
): void {
  view.setInt32(at, (sourcePort << 16) | (destinationPort & 0xffff));
  view.setInt32(at + 4, sequence);
  view.setInt32(at + 8, acknowledgement);
  view.setInt32(at + 12, ((headerLength & 0x3c) << 26) | ((flags & 0xff) << 16) | (window & 0xffff));
  view.setInt32(at + 16, 0);
}

/** The sum of the IPv4 pseudo-header: where the checksum of a segment of `length` bytes, header included, begins. */
export function pseudoHeaderSum(source: number, destination: number, length: number): number {
  return ipv4PseudoHeaderSum(source, destination, Protocol.TCP, length);
}

/** A header as a value. The header length follows from the options; the reserved bits are no part of it. */
export interface TcpHeader {
  readonly sourcePort: number;
  readonly destinationPort: number;
  /** int32. */
  readonly sequence: number;
  /** int32. */
  readonly acknowledgement: number;
  readonly flags: number;
  /** As sent, not scaled. */
  readonly window: number;
  readonly checksum: number;
  readonly urgentPointer: number;
  /** Those before "end", and before the first whose length is impossible; see `tcpOptions`. `emit` pads them with zeros. */
  readonly options: readonly TcpOptionValue[];
}

/** The header as a value, or why it was refused. `available` is the length of the IP payload. */
export function parse(view: DataView, at: number, available: number): Parsed<TcpHeader> {
  const reason = check(view, at, available);
  if (reason !== DropReason.NONE) return reason;
  return {
    sourcePort: sourcePort(view, at),
    destinationPort: destinationPort(view, at),
    sequence: sequence(view, at),
    acknowledgement: acknowledgement(view, at),
    flags: flags(view, at),
    window: window(view, at),
    checksum: checksum(view, at),
    urgentPointer: urgentPointer(view, at),
    options: parseOptions(view, at + MINIMUM_HEADER_LENGTH, headerLength(view, at) - MINIMUM_HEADER_LENGTH),
  };
}

/**
 * Writes a value, its checksum as it is, and returns the number of bytes written, {@link encodedLength}. Throws `EINVAL`
 * for options that do not fit.
 */
export function emit(view: DataView, at: number, header: TcpHeader): number {
  const length = encodedLength(header);
  write(
    view,
    at,
    header.sourcePort,
    header.destinationPort,
    header.sequence,
    header.acknowledgement,
    length,
    header.flags,
    header.window,
  );
  setChecksum(view, at, header.checksum);
  setUrgentPointer(view, at, header.urgentPointer);
  emitOptions(view, at + MINIMUM_HEADER_LENGTH, header.options);
  return length;
}

/** The bytes `emit` writes: 20, and the options padded to a multiple of 4. Throws `EINVAL` for more than 40 bytes of them. */
export function encodedLength(header: TcpHeader): number {
  return MINIMUM_HEADER_LENGTH + encodedOptionsLength(header.options);
}
