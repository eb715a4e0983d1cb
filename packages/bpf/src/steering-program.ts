/**
 * What the parts of a compiled steering program agree on.
 *
 *     r6  context                  r9  VLAN identifier, or UNTAGGED
 *     r7  network header           later: number of the counter
 *     r8  transport header         later: the XDP action
 *     r3  end of the frame, until a helper is called
 *
 * In the rules for ICMP errors r8 is the network header of the packet they quote, and r2 its transport header.
 *
 * Rules read what they compare from the frame, each time anew, and keep nothing of it in registers: whatever rules came
 * before, the verifier then finds a rule in a state it knows, and its work grows with the rules and not with their square.
 */
import type { Assembler } from './assembler.js';

/** Places on the stack, from the frame pointer. */
export const Stack = {
  COUNTER: -4,
  /** 1 while the packet is a first fragment, whose verdict the others will follow. */
  FIRST_FRAGMENT: -8,
  /** 1 for neighbour resolution that is not about Prism's addresses. */
  FOREIGN_NEIGHBOUR: -12,
  FRAGMENT_VALUE: -16,
  /** FRAGMENT_KEY_LENGTH bytes: source, destination, identification, protocol, VLAN. */
  FRAGMENT_KEY: -32,
} as const;

export const FRAGMENT_KEY_LENGTH = 16;
/** Datagrams whose first fragment is remembered; the least recently seen one makes room. */
export const REMEMBERED_DATAGRAMS = 4096;

export const Label = {
  REDIRECT: 'redirect',
  PASS: 'pass',
  DROP: 'drop',
  VERDICT: 'verdict',
  COUNT: 'count',
  OTHERWISE: 'otherwise',
  MALFORMED: 'malformed',
  OWN_NEIGHBOUR: 'own neighbour',
  FOREIGN_NEIGHBOUR: 'foreign neighbour',
  IPV4: 'ipv4',
  IPV6: 'ipv6',
  ARP: 'arp',
  /** The rules for one kind of packet. */
  IPV4_PORTS: 'ipv4 rules with ports',
  IPV4_ADDRESSES: 'ipv4 rules without ports',
  IPV6_PORTS: 'ipv6 rules with ports',
  IPV6_ADDRESSES: 'ipv6 rules without ports',
  IPV4_ERRORS: 'ipv4 rules for errors',
  IPV6_ERRORS: 'ipv6 rules for errors',
  OTHER: 'other rules',
} as const;

/** The maps of the program, by the names in its code. */
export const MapName = { SOCKETS: 'sockets', COUNTERS: 'counters', FRAGMENTS: 'fragments' } as const;

/** Counters after those of the rules. */
export const Counter = {
  OTHERWISE: 0,
  OWN_NEIGHBOURS: 1,
  FOREIGN_NEIGHBOURS: 2,
  MALFORMED: 3,
  WITHOUT_SOCKET: 4,
} as const;
export const COUNTERS_AFTER_RULES = 5;

/** A number as a load finds it that reads network order into a little-endian register. */
export function swapped16(value: number): number {
  return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
}

export function swapped32(value: number): number {
  return (swapped16(value) << 16) | swapped16(value >>> 16);
}

/** Jumps to `label` unless the big-endian words at base + offset are `words` under `masks`. Uses r1. */
export function unlessWords(
  assembler: Assembler,
  base: 'r7' | 'r8',
  offset: number,
  words: readonly number[],
  masks: readonly number[],
  label: string,
): void {
  words.forEach((word, index) => {
    const mask = masks[index]!;
    if (mask === 0) return;
    assembler.load(32, 'r1', base, offset + 4 * index);
    if (mask !== -1) assembler.alu32('&=', 'r1', swapped32(mask));
    assembler.jumpIf32('r1', '!=', swapped32(word), label);
  });
}
