/**
 * IPv4 addresses are int32 in host order, what `view.getInt32(at)` reads: 10.0.0.1 is 0x0a000001, and addresses from
 * 128.0.0.0 upwards are negative.
 */
import { invalidArgument } from '@prism-net/errors';
import { readDottedQuad } from './dotted-quad.js';

export interface Ipv4Prefix {
  /** The address as written, host bits included: 10.0.0.1 in 10.0.0.1/24. */
  readonly address: number;
  /** 0 to 32. */
  readonly prefixLength: number;
}

/** The first 16 bits of every Ethernet address to which IPv4 multicast maps (RFC 1112 §6.4). */
export const MULTICAST_MAC_HIGH = 0x0100;

/** Reads a dotted quad: four decimal numbers without leading zeros, no short forms. Throws `EINVAL` for anything else. */
export function parseIpv4Address(text: string): number {
  const address = readDottedQuad(text);
  if (address === undefined) {
    throw invalidArgument(
      'parseIpv4Address',
      `"${text}" is not an IPv4 address: expected four decimal numbers from 0 to 255, without leading zeros, such as 10.0.0.1`,
    );
  }
  return address;
}

/** Writes a dotted quad. */
export function formatIpv4Address(address: number): string {
  return `${address >>> 24}.${(address >>> 16) & 0xff}.${(address >>> 8) & 0xff}.${address & 0xff}`;
}

/** Reads an address with its prefix length: `10.0.0.1/24`. Throws `EINVAL` for anything else. */
export function parseIpv4Prefix(text: string): Ipv4Prefix {
  const slash = text.indexOf('/');
  const length = slash < 0 ? '' : text.slice(slash + 1);
  if (!/^(0|[1-9]\d?)$/.test(length) || Number(length) > 32) {
    throw invalidArgument(
      'parseIpv4Prefix',
      `"${text}" is not an IPv4 prefix: expected an address and a prefix length from 0 to 32, such as 10.0.0.1/24`,
    );
  }
  return { address: parseIpv4Address(text.slice(0, slash)), prefixLength: Number(length) };
}

/** The network mask of a prefix length from 0 to 32, as an int32: 24 is 255.255.255.0. Throws `EINVAL` outside 0 to 32. */
export function prefixMask(prefixLength: number): number {
  if (!Number.isInteger(prefixLength) || prefixLength < 0 || prefixLength > 32) {
    throw invalidArgument(
      'parseIpv4Prefix',
      `${prefixLength} is not a prefix length: expected a whole number from 0 to 32`,
    );
  }
  // A shift by 32 would be a shift by 0.
  return prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
}

/** 0.0.0.0: "this host", before it has an address (RFC 1122 §3.2.1.3 a). */
export function isUnspecified(address: number): boolean {
  return address === 0;
}

/** 255.255.255.255: every host on this link, never forwarded (RFC 1122 §3.2.1.3 c). */
export function isLimitedBroadcast(address: number): boolean {
  return address === -1;
}

/** 127.0.0.0/8: never seen outside a host (RFC 1122 §3.2.1.3 g). */
export function isLoopbackAddress(address: number): boolean {
  return address >>> 24 === 127;
}

/** 224.0.0.0/4: a group of hosts (RFC 1112 §4). */
export function isMulticastAddress(address: number): boolean {
  return address >>> 28 === 14;
}

/** 240.0.0.0/4: reserved (RFC 1112 §4). The limited broadcast address is one of them. */
export function isReservedAddress(address: number): boolean {
  return address >>> 28 === 15;
}

/**
 * The last 32 bits of the Ethernet address of a multicast group, to go with {@link MULTICAST_MAC_HIGH}. Only the low
 * 23 bits of the group survive: 32 groups share each Ethernet address (RFC 1112 §6.4).
 */
export function multicastMacLow(address: number): number {
  return 0x5e000000 | (address & 0x7fffff);
}
