import { Errno, posixError, requireWholeNumber } from '@prism-net/errors';
import type { MacAddress } from '@prism-net/wire';

/** Ethernet header and one VLAN tag: what a frame may have beyond the MTU. */
export const FRAME_OVERHEAD = 18;

/** Checks a user's option, a fraction from 0 to 1. @throws EINVAL */
export function requireProbability(where: string, option: string, value: number): number {
  if (value >= 0 && value <= 1) return value;
  throw posixError(Errno.EINVAL, where, `${option} must be a number from 0 to 1, not ${String(value)}`);
}

/** MTU and capacity in packets, as all in-memory links take them. */
export function requireSizes(where: string, mtu: number, capacity: number): void {
  requireWholeNumber(where, 'mtu', mtu, 68, 65_535); // RFC 791 §3.2: every link carries 68 bytes
  requireWholeNumber(where, 'capacity', capacity, 1, 1 << 20);
}

/** Largest virtual segment a link takes whole, in bytes of IP datagram. */
export function requireSegmentation(where: string, segmentation: number): void {
  requireWholeNumber(where, 'segmentation', segmentation, 0, 65_535);
}

/** A locally administered unicast address (IEEE 802 §8.2: the second bit of the first byte is set): 02:00:00:00:00:00 and up. */
export function localMacAddress(number: number): MacAddress {
  return { high: 0x0200, low: number | 0 };
}
