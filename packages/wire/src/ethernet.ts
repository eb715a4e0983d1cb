/**
 * The Ethernet II header (IEEE 802.3 §3.1.1, RFC 894). The frame check sequence is the card's business: no frame here
 * carries it.
 *
 *     0           6           12    14
 *     +-----------+-----------+-----+---------
 *     |destination|  source   |type | payload
 *     +-----------+-----------+-----+---------
 */
import { DropReason } from './drop-reason.js';
import type { MacAddress } from './mac-address.js';
import type { Parsed } from './parsed.js';

export const HEADER_LENGTH = 14;

/** IEEE registration authority, "EtherType". Values below 0x0600 are IEEE 802.3 lengths, not types. */
export const EtherType = {
  IPV4: 0x0800,
  ARP: 0x0806,
  VLAN: 0x8100,
  IPV6: 0x86dd,
  QINQ: 0x88a8,
} as const;

/** Judges the length only: `FRAME_TOO_SHORT`, or `NONE`. Bytes after the header may be padding. */
export function check(_view: DataView, _at: number, length: number): DropReason {
  return length < HEADER_LENGTH ? DropReason.FRAME_TOO_SHORT : DropReason.NONE;
}

/** The first 16 bits of the destination address. */
export function destinationHigh(view: DataView, at: number): number {
  return view.getUint16(at);
}

/** The last 32 bits of the destination address, as an int32. */
export function destinationLow(view: DataView, at: number): number {
  return view.getInt32(at + 2);
}

/** The first 16 bits of the source address. */
export function sourceHigh(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

/** The last 32 bits of the source address, as an int32. */
export function sourceLow(view: DataView, at: number): number {
  return view.getInt32(at + 8);
}

/** What the payload is: one of {@link EtherType}, or a number this stack does not know. */
export function etherType(view: DataView, at: number): number {
  return view.getUint16(at + 12);
}

/** Writes the 14 bytes of a header. */
export function write(
  view: DataView,
  at: number,
  destinationHigh: number,
  destinationLow: number,
  sourceHigh: number,
  sourceLow: number,
  etherType: number,
): void {
  view.setUint16(at, destinationHigh);
  view.setInt32(at + 2, destinationLow);
  view.setUint16(at + 6, sourceHigh);
  view.setInt32(at + 8, sourceLow);
  view.setUint16(at + 12, etherType);
}

/** True for a group address, broadcast included: the lowest bit of the first byte, of which `high` is the first 16 bits. */
export function isMulticast(high: number): boolean {
  return (high & 0x0100) !== 0;
}

/** True for ff:ff:ff:ff:ff:ff. */
export function isBroadcast(high: number, low: number): boolean {
  return low === -1 && high === 0xffff;
}

export interface EthernetHeader {
  readonly destination: MacAddress;
  readonly source: MacAddress;
  readonly etherType: number;
}

/** The header as a value, or why it was refused. */
export function parse(view: DataView, at: number, length: number): Parsed<EthernetHeader> {
  const reason = check(view, at, length);
  if (reason !== DropReason.NONE) return reason;
  return {
    destination: { high: destinationHigh(view, at), low: destinationLow(view, at) },
    source: { high: sourceHigh(view, at), low: sourceLow(view, at) },
    etherType: etherType(view, at),
  };
}

/** Writes a value and returns the number of bytes written, {@link encodedLength}. */
export function emit(view: DataView, at: number, header: EthernetHeader): number {
  const { destination, source } = header;
  write(view, at, destination.high, destination.low, source.high, source.low, header.etherType);
  return HEADER_LENGTH;
}

/** The bytes `emit` writes. */
export function encodedLength(_header: EthernetHeader): number {
  return HEADER_LENGTH;
}
