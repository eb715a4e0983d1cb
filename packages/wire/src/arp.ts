/**
 * The Address Resolution Protocol for IPv4 over Ethernet (RFC 826, "Packet format").
 *
 *     0     2     4   5   6     8           14          18          24          28
 *     +-----+-----+---+---+-----+-----------+-----------+-----------+-----------+
 *     |  1  |0800 | 6 | 4 | op  |sender hw  |sender prot|target hw  |target prot|
 *     +-----+-----+---+---+-----+-----------+-----------+-----------+-----------+
 */
import { DropReason } from './drop-reason.js';
import type { MacAddress } from './mac-address.js';
import type { Parsed } from './parsed.js';

export const PACKET_LENGTH = 28;

export const Operation = { REQUEST: 1, REPLY: 2 } as const;

// Hardware type Ethernet and protocol type IPv4; then their address lengths.
const ETHERNET_IPV4 = 0x0001_0800;
const ADDRESS_LENGTHS = 0x0604;

/**
 * `ARP_MALFORMED` unless 28 bytes are there and speak of IPv4 over Ethernet, or `NONE`. The operation and the
 * addresses are the receiver's to judge.
 */
export function check(view: DataView, at: number, length: number): DropReason {
  if (length < PACKET_LENGTH || view.getInt32(at) !== ETHERNET_IPV4 || view.getUint16(at + 4) !== ADDRESS_LENGTHS) {
    return DropReason.ARP_MALFORMED;
  }
  return DropReason.NONE;
}

/** One of {@link Operation}, or a number from RFC 5494 that this stack ignores. */
export function operation(view: DataView, at: number): number {
  return view.getUint16(at + 6);
}

export function senderHardwareHigh(view: DataView, at: number): number {
  return view.getUint16(at + 8);
}

export function senderHardwareLow(view: DataView, at: number): number {
  return view.getInt32(at + 10);
}

/** The sender's IPv4 address; 0 in a probe (RFC 5227 §1.1). */
export function senderProtocol(view: DataView, at: number): number {
  return view.getInt32(at + 14);
}

export function targetHardwareHigh(view: DataView, at: number): number {
  return view.getUint16(at + 18);
}

export function targetHardwareLow(view: DataView, at: number): number {
  return view.getInt32(at + 20);
}

/** The IPv4 address asked for, or that of the host answered. */
export function targetProtocol(view: DataView, at: number): number {
  return view.getInt32(at + 24);
}

/** Writes the 28 bytes of a packet. */
export function write(
  view: DataView,
  at: number,
  operation: number,
  senderHigh: number,
  senderLow: number,
  senderProtocol: number,
  targetHigh: number,
  targetLow: number,
  targetProtocol: number,
): void {
  view.setInt32(at, ETHERNET_IPV4);
  view.setInt32(at + 4, (ADDRESS_LENGTHS << 16) | (operation & 0xffff));
  view.setUint16(at + 8, senderHigh);
  view.setInt32(at + 10, senderLow);
  view.setInt32(at + 14, senderProtocol);
  view.setUint16(at + 18, targetHigh);
  view.setInt32(at + 20, targetLow);
  view.setInt32(at + 24, targetProtocol);
}

export interface ArpPacket {
  readonly operation: number;
  readonly senderHardware: MacAddress;
  readonly senderProtocol: number;
  readonly targetHardware: MacAddress;
  readonly targetProtocol: number;
}

/** The packet as a value, or why it was refused. */
export function parse(view: DataView, at: number, length: number): Parsed<ArpPacket> {
  const reason = check(view, at, length);
  if (reason !== DropReason.NONE) return reason;
  return {
    operation: operation(view, at),
    senderHardware: { high: senderHardwareHigh(view, at), low: senderHardwareLow(view, at) },
    senderProtocol: senderProtocol(view, at),
    targetHardware: { high: targetHardwareHigh(view, at), low: targetHardwareLow(view, at) },
    targetProtocol: targetProtocol(view, at),
  };
}

/** Writes a value and returns the number of bytes written, {@link encodedLength}. */
export function emit(view: DataView, at: number, packet: ArpPacket): number {
  const { senderHardware: sender, targetHardware: target } = packet;
  write(
    view,
    at,
    packet.operation,
    sender.high,
    sender.low,
    packet.senderProtocol,
    target.high,
    target.low,
    packet.targetProtocol,
  );
  return PACKET_LENGTH;
}

/** The bytes `emit` writes. */
export function encodedLength(_packet: ArpPacket): number {
  return PACKET_LENGTH;
}
