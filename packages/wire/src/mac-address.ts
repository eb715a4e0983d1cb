import { invalidArgument } from '@prism-net/errors';

/**
 * A 48-bit Ethernet address as the two numbers in which the hot path carries it: `high` is the first 16 bits
 * (0 to 65,535), `low` the last 32 bits (int32).
 */
export interface MacAddress {
  readonly high: number;
  readonly low: number;
}

/** ff:ff:ff:ff:ff:ff. */
export const BROADCAST_MAC: MacAddress = { high: 0xffff, low: -1 };

const pattern = /^[0-9a-f]{2}(?::[0-9a-f]{2}){5}$/i;

/** Reads `aa:bb:cc:dd:ee:ff`. Throws `EINVAL` for anything else. */
export function parseMacAddress(text: string): MacAddress {
  if (!pattern.test(text)) {
    throw invalidArgument(
      'parseMacAddress',
      `"${text}" is not a MAC address: expected six hexadecimal bytes such as 02:00:00:00:00:01`,
    );
  }
  const digits = text.replaceAll(':', '');
  return { high: Number.parseInt(digits.slice(0, 4), 16), low: Number.parseInt(digits.slice(4), 16) | 0 };
}

/** Writes `aa:bb:cc:dd:ee:ff`, in lower case. */
export function formatMacAddress(address: MacAddress): string {
  const digits =
    (address.high & 0xffff).toString(16).padStart(4, '0') + (address.low >>> 0).toString(16).padStart(8, '0');
  return digits.replace(/..(?!$)/g, '$&:');
}
