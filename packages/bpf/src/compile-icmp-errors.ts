import type { Assembler } from './assembler.js';
import { PROTOCOLS_WITH_PORTS } from './parse-steering.js';
import { Label, swapped16 } from './steering-program.js';

/** Type, code, checksum and four bytes more; then the quoted packet (RFC 792, RFC 4443 §2.1). */
const ICMP_LENGTH = 8;
const PORTS_LENGTH = 4;
/** Destination unreachable, source quench, time exceeded, parameter problem (RFC 792). */
const IPV4_ERRORS = [3, 4, 11, 12];
/** Destination unreachable, packet too big, time exceeded, parameter problem (RFC 4443 §3). */
const IPV6_ERRORS = [1, 2, 3, 4];

/**
 * For an ICMP packet whose header r8 points to: if it is an error that quotes the ports of a packet, goes to the rules for
 * errors; anything else, what is cut off included, to the rules without ports.
 */
export function compileIpv4Error(assembler: Assembler): void {
  const plain = Label.IPV4_ADDRESSES;
  startOfQuoted(assembler, 20, IPV4_ERRORS, 'ipv4 quoted', plain);
  assembler
    .load(8, 'r1', 'r8', 0)
    .move('r2', 'r1')
    .alu('&=', 'r2', 0xf0)
    .jumpIf32('r2', '!=', 0x40, plain)
    .alu('&=', 'r1', 0x0f)
    .jumpIf32('r1', '<', 5, plain)
    .alu('<<=', 'r1', 2)
    .move('r2', 'r8')
    .alu('+=', 'r2', 'r1')
    .load(16, 'r1', 'r8', 6)
    // A later fragment has no ports.
    .alu('&=', 'r1', swapped16(0x1fff))
    .jumpIf32('r1', '!=', 0, plain);
  endOfQuoted(assembler, 9, Label.IPV4_ERRORS, plain);
}

export function compileIpv6Error(assembler: Assembler): void {
  const plain = Label.IPV6_ADDRESSES;
  startOfQuoted(assembler, 40, IPV6_ERRORS, 'ipv6 quoted', plain);
  assembler
    .load(8, 'r1', 'r8', 0)
    .alu('&=', 'r1', 0xf0)
    .jumpIf32('r1', '!=', 0x60, plain)
    .move('r2', 'r8')
    .alu('+=', 'r2', 40);
  endOfQuoted(assembler, 6, Label.IPV6_ERRORS, plain);
}

/** Moves r8 to the quoted header, of which `length` bytes are there. */
function startOfQuoted(
  assembler: Assembler,
  length: number,
  types: readonly number[],
  found: string,
  plain: string,
): void {
  assembler
    .move('r1', 'r8')
    .alu('+=', 'r1', ICMP_LENGTH + length)
    .jumpIf('r1', '>', 'r3', plain)
    .load(8, 'r1', 'r8', 0);
  for (const type of types) assembler.jumpIf32('r1', '==', type, found);
  assembler.jump(plain).label(found).alu('+=', 'r8', ICMP_LENGTH);
}

/** r2 is the quoted transport header. */
function endOfQuoted(assembler: Assembler, protocolAt: number, errors: string, plain: string): void {
  const found = `${errors}: ports`;
  assembler
    .move('r1', 'r2')
    .alu('+=', 'r1', PORTS_LENGTH)
    .jumpIf('r1', '>', 'r3', plain)
    .load(8, 'r1', 'r8', protocolAt);
  for (const protocol of PROTOCOLS_WITH_PORTS) assembler.jumpIf32('r1', '==', protocol, found);
  assembler.jump(plain).label(found).jump(errors);
}
