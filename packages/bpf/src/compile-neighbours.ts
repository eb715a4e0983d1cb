import type { IpAddress } from '@prism-net/wire';
import type { Assembler } from './assembler.js';
import { Label, Stack, swapped16, swapped32, unlessWords } from './steering-program.js';

/** Ethernet and IPv4, the addresses' lengths 6 and 4 (RFC 826). */
const ARP_HARDWARE_AND_PROTOCOL = 0x0001_0800;
const ARP_LENGTHS = 0x0604;
const ARP_LENGTH = 28;
const ARP_TARGET_ADDRESS = 24;

const IPV6_DESTINATION = 24;
const ICMPV6 = 40;
/** Type, code, checksum, flags, target address (RFC 4861 §4.3, §4.4). */
const NEIGHBOUR_LENGTH = 24;
const NEIGHBOUR_TARGET = ICMPV6 + 8;
const NEIGHBOUR_SOLICITATION = 135;
const NEIGHBOUR_ADVERTISEMENT = 136;
const WHOLE = [-1, -1, -1, -1];

/** ARP (RFC 826), after the label ARP: requests for Prism's addresses, and the answers to Prism's own. */
export function compileArp(assembler: Assembler, addresses: readonly IpAddress[]): void {
  assembler
    .label(Label.ARP)
    .move('r1', 'r7')
    .alu('+=', 'r1', ARP_LENGTH)
    .jumpIf('r1', '>', 'r3', Label.MALFORMED)
    .store(32, 'r10', Stack.FOREIGN_NEIGHBOUR, 1)
    .load(32, 'r1', 'r7', 0)
    .jumpIf32('r1', '!=', swapped32(ARP_HARDWARE_AND_PROTOCOL), Label.OTHER)
    .load(16, 'r1', 'r7', 4)
    .jumpIf32('r1', '!=', swapped16(ARP_LENGTHS), Label.OTHER)
    .load(32, 'r1', 'r7', ARP_TARGET_ADDRESS);
  for (const address of addresses) {
    if (address.family === 4) assembler.jumpIf32('r1', '==', swapped32(address.d), Label.OWN_NEIGHBOUR);
  }
  assembler.jump(Label.OTHER);
}

/**
 * Neighbour discovery (RFC 4861), for a packet whose next header is ICMPv6: solicitations for Prism's addresses;
 * advertisements to them, which answer Prism, and for them, which show that somebody else claims one (RFC 4862 §5.4.4).
 * Other ICMPv6 goes on at `other`.
 */
export function compileNeighbourDiscovery(assembler: Assembler, addresses: readonly IpAddress[], other: string): void {
  const own = addresses.filter((address) => address.family === 6);
  const unlessAddress = (offset: number, address: IpAddress, next: string) =>
    unlessWords(assembler, 'r7', offset, [address.a, address.b, address.c, address.d], WHOLE, next);
  assembler
    .move('r1', 'r7')
    .alu('+=', 'r1', ICMPV6 + NEIGHBOUR_LENGTH)
    .jumpIf('r1', '>', 'r3', other)
    .load(8, 'r1', 'r7', ICMPV6)
    .jumpIf32('r1', '==', NEIGHBOUR_SOLICITATION, 'neighbour target')
    .jumpIf32('r1', '!=', NEIGHBOUR_ADVERTISEMENT, other);
  for (const [index, address] of own.entries()) {
    const next = `neighbour destination ${index}: no`;
    unlessAddress(IPV6_DESTINATION, address, next);
    assembler.jump(Label.OWN_NEIGHBOUR).label(next);
  }
  assembler.label('neighbour target').store(32, 'r10', Stack.FOREIGN_NEIGHBOUR, 1);
  for (const [index, address] of own.entries()) {
    const next = `neighbour target ${index}: no`;
    unlessAddress(NEIGHBOUR_TARGET, address, next);
    assembler.jump(Label.OWN_NEIGHBOUR).label(next);
  }
  assembler.jump(Label.IPV6_ADDRESSES);
}
