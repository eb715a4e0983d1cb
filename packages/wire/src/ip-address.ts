import { invalidArgument } from '@prism-net/errors';
import { readDottedQuad } from './dotted-quad.js';
import { formatIpv4Address } from './ipv4-address.js';

/** Between the 80 zero bits and the address in an IPv4-mapped IPv6 address (RFC 4291 §2.5.5.2). */
const MAPPED = 0xffff;

/**
 * An address of either family: immutable, four int32 words of which `a` holds the first 32 bits. An IPv4 address is held as
 * ::ffff:a.b.c.d, so it is `d`; the family tells it from an IPv6 address with the same words.
 */
export class IpAddress {
  /** 0.0.0.0: any address of this host (RFC 1122 §3.2.1.3 a). */
  static readonly ANY_IPV4 = new IpAddress(4, 0, 0, MAPPED, 0);
  /** ::, the unspecified address (RFC 4291 §2.5.2). */
  static readonly ANY_IPV6 = new IpAddress(6, 0, 0, 0, 0);

  readonly family: 4 | 6;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  readonly d: number;
  /** 0.0.0.0 or ::. */
  readonly isAny: boolean;

  private constructor(family: 4 | 6, a: number, b: number, c: number, d: number) {
    this.family = family;
    this.a = a | 0;
    this.b = b | 0;
    this.c = c | 0;
    this.d = d | 0;
    this.isAny = this.d === 0 && (family === 4 || (this.a | this.b | this.c) === 0);
  }

  /** From an int32 in host order: 10.0.0.1 is 0x0a000001. */
  static fromIpv4(address: number): IpAddress {
    return new IpAddress(4, 0, 0, MAPPED, address);
  }

  /** From four int32 words, big-endian: what `view.getInt32` reads at 0, 4, 8 and 12. */
  static fromIpv6(a: number, b: number, c: number, d: number): IpAddress {
    return new IpAddress(6, a, b, c, d);
  }

  /**
   * Reads a dotted quad as IPv4, and the text forms of RFC 4291 §2.2 as IPv6: `2001:db8::1`, `::ffff:10.0.0.1`. Zones
   * (`%eth0`) and prefix lengths are no part of an address. Throws `EINVAL` for anything else.
   */
  static parse(text: string): IpAddress {
    const ipv4 = readDottedQuad(text);
    if (ipv4 !== undefined) return IpAddress.fromIpv4(ipv4);
    const groups = readGroups(String(text));
    if (groups === undefined) {
      throw invalidArgument(
        'IpAddress.parse',
        `"${text}" is not an IP address: expected IPv4 such as 10.0.0.1, or IPv6 such as 2001:db8::1 without a zone`,
      );
    }
    const word = (index: number) => (groups[index]! << 16) | groups[index + 1]!;
    return IpAddress.fromIpv6(word(0), word(2), word(4), word(6));
  }

  /** The same family and the same words: 10.0.0.1 is not ::ffff:10.0.0.1. */
  equals(other: IpAddress): boolean {
    return (
      this.d === other.d &&
      this.c === other.c &&
      this.b === other.b &&
      this.a === other.a &&
      this.family === other.family
    );
  }

  /** A dotted quad, or the one form of RFC 5952 §4; IPv4-mapped addresses end in a dotted quad (§5). */
  toString(): string {
    if (this.family === 4) return formatIpv4Address(this.d);
    if ((this.a | this.b) === 0 && this.c === MAPPED) return `::ffff:${formatIpv4Address(this.d)}`;
    const groups: number[] = [];
    for (const word of [this.a, this.b, this.c, this.d]) groups.push(word >>> 16, word & 0xffff);
    const { start, length } = longestZeros(groups);
    // One group of zeros is not shortened (RFC 5952 §4.2.2).
    if (length < 2) return hexadecimal(groups);
    return `${hexadecimal(groups.slice(0, start))}::${hexadecimal(groups.slice(start + length))}`;
  }
}

/** The first of the longest runs of zeros (RFC 5952 §4.2.3). */
function longestZeros(groups: readonly number[]): { start: number; length: number } {
  let start = 0;
  let length = 0;
  for (let first = 0; first < groups.length; first++) {
    let end = first;
    while (groups[end] === 0) end++;
    if (end - first > length) {
      start = first;
      length = end - first;
    }
  }
  return { start, length };
}

function hexadecimal(groups: readonly number[]): string {
  return groups.map((group) => group.toString(16)).join(':');
}

/** The eight groups of an IPv6 address, or undefined when the text is none. */
function readGroups(text: string): number[] | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [first = '', second] = halves;
  const head = readGroupList(first, second === undefined);
  if (head === undefined) return undefined;
  if (second === undefined) return head.length === 8 ? head : undefined;
  const tail = readGroupList(second, true);
  // "::" stands for one group of zeros or more (RFC 4291 §2.2).
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...new Array<number>(8 - head.length - tail.length).fill(0), ...tail];
}

/** Groups between colons; the last of an address may be a dotted quad, which makes two. */
function readGroupList(text: string, isLast: boolean): number[] | undefined {
  if (text === '') return [];
  const parts = text.split(':');
  const quad = isLast ? readDottedQuad(parts.at(-1)!) : undefined;
  if (quad !== undefined) parts.pop();
  if (parts.some((part) => !/^[\da-f]{1,4}$/i.test(part))) return undefined;
  const groups = parts.map((part) => Number.parseInt(part, 16));
  return quad === undefined ? groups : [...groups, quad >>> 16, quad & 0xffff];
}
