import type { IpAddress } from '@prism-net/wire';
import type { Assembler } from './assembler.js';
import { compileIpv4Error, compileIpv6Error } from './compile-icmp-errors.js';
import { compileNeighbourDiscovery } from './compile-neighbours.js';
import { PROTOCOLS_WITH_PORTS } from './parse-steering.js';
import { Label, MapName, Stack, swapped16 } from './steering-program.js';

/** Offsets in the IPv4 header (RFC 791 §3.1). */
const IPV4 = { IDENTIFICATION: 4, FRAGMENT: 6, PROTOCOL: 9, SOURCE: 12, DESTINATION: 16, LENGTH: 20 } as const;
const MORE_FRAGMENTS = 0x2000;
const FRAGMENT_OFFSET = 0x1fff;
/** Offsets in the IPv6 header (RFC 8200 §3). */
const IPV6 = { NEXT_HEADER: 6, LENGTH: 40 } as const;
const ICMP = 1;
const ICMPV6 = 58;
/** The ports are the first four bytes of every transport header that has some. */
const PORTS_LENGTH = 4;

/** What the rules for a kind of packet make necessary. */
export interface Needs {
  /** A rule asks for ports. */
  readonly ports: boolean;
  /** A rule concerns flows whose ICMP errors must go along. */
  readonly errors: boolean;
}

/**
 * The IPv4 header, after the label IPV4. Leads to the rules with ports, where they are needed and the packet has some, to those for
 * ICMP errors, or to those without either. Of a fragmented datagram only the first fragment has the ports: its verdict is remembered, and the
 * others follow it.
 */
export function compileIpv4(assembler: Assembler, needs: Needs): void {
  assembler
    .label(Label.IPV4)
    .move('r1', 'r7')
    .alu('+=', 'r1', IPV4.LENGTH)
    .jumpIf('r1', '>', 'r3', Label.MALFORMED)
    .load(8, 'r1', 'r7', 0)
    .move('r2', 'r1')
    .alu('&=', 'r2', 0xf0)
    .jumpIf32('r2', '!=', 0x40, Label.MALFORMED)
    // The header's length in words of 32 bits, options included: 5 to 15.
    .alu('&=', 'r1', 0x0f)
    .jumpIf32('r1', '<', IPV4.LENGTH / 4, Label.MALFORMED)
    .alu('<<=', 'r1', 2)
    .move('r8', 'r7')
    .alu('+=', 'r8', 'r1')
    .jumpIf('r8', '>', 'r3', Label.MALFORMED);
  if (!needs.ports) {
    if (!needs.errors) {
      assembler.jump(Label.IPV4_ADDRESSES);
      return;
    }
    assembler
      .load(8, 'r1', 'r7', IPV4.PROTOCOL)
      .jumpIf32('r1', '!=', ICMP, Label.IPV4_ADDRESSES)
      .load(16, 'r1', 'r7', IPV4.FRAGMENT)
      .alu('&=', 'r1', swapped16(FRAGMENT_OFFSET))
      .jumpIf32('r1', '!=', 0, Label.IPV4_ADDRESSES);
    compileIpv4Error(assembler);
    return;
  }
  assembler
    .load(16, 'r1', 'r7', IPV4.FRAGMENT)
    .alu('&=', 'r1', swapped16(MORE_FRAGMENTS | FRAGMENT_OFFSET))
    .jumpIf32('r1', '!=', 0, 'ipv4 fragment')
    .label('ipv4 ports');
  const withoutPorts = needs.errors ? 'ipv4 icmp' : Label.IPV4_ADDRESSES;
  goToPorts(assembler, IPV4.PROTOCOL, Label.IPV4_PORTS, withoutPorts);
  if (needs.errors) {
    assembler.label('ipv4 icmp').jumpIf32('r1', '!=', ICMP, Label.IPV4_ADDRESSES);
    compileIpv4Error(assembler);
  }

  const key = Stack.FRAGMENT_KEY;
  assembler
    .label('ipv4 fragment')
    .load(32, 'r2', 'r7', IPV4.SOURCE)
    .store(32, 'r10', key, 'r2')
    .load(32, 'r2', 'r7', IPV4.DESTINATION)
    .store(32, 'r10', key + 4, 'r2')
    .load(16, 'r2', 'r7', IPV4.IDENTIFICATION)
    .store(16, 'r10', key + 8, 'r2')
    .load(8, 'r2', 'r7', IPV4.PROTOCOL)
    .store(16, 'r10', key + 10, 'r2')
    .store(32, 'r10', key + 12, 'r9')
    .alu('&=', 'r1', swapped16(FRAGMENT_OFFSET))
    .jumpIf32('r1', '!=', 0, 'ipv4 later fragment')
    .store(32, 'r10', Stack.FIRST_FRAGMENT, 1)
    .jump('ipv4 ports')
    .label('ipv4 later fragment')
    .loadMap('r1', MapName.FRAGMENTS)
    .move('r2', 'r10')
    .alu('+=', 'r2', key)
    .call('map_lookup_elem')
    // Overtaken by this fragment, or long ago: only what needs no ports can decide.
    .jumpIf('r0', '==', 0, Label.IPV4_ADDRESSES)
    .load(32, 'r7', 'r0', 0)
    .move('r8', 'r7')
    .alu('&=', 'r8', 0xff)
    .alu('>>=', 'r7', 8)
    .jump(Label.COUNT);
}

/** In the place of the verdict: remembers it, if the packet is a first fragment. The counter is r7, the action r8. */
export function compileRemembering(assembler: Assembler): void {
  assembler
    .load(32, 'r1', 'r10', Stack.FIRST_FRAGMENT)
    .jumpIf32('r1', '==', 0, Label.COUNT)
    .move('r1', 'r7')
    .alu('<<=', 'r1', 8)
    .alu('|=', 'r1', 'r8')
    .store(32, 'r10', Stack.FRAGMENT_VALUE, 'r1')
    .loadMap('r1', MapName.FRAGMENTS)
    .move('r2', 'r10')
    .alu('+=', 'r2', Stack.FRAGMENT_KEY)
    .move('r3', 'r10')
    .alu('+=', 'r3', Stack.FRAGMENT_VALUE)
    .move('r4', 0)
    .call('map_update_elem');
}

/** The IPv6 header, after the label IPV6. Its extension headers are not followed: such packets have no ports here. */
export function compileIpv6(assembler: Assembler, needs: Needs, addresses: readonly IpAddress[] | undefined): void {
  assembler
    .label(Label.IPV6)
    .move('r8', 'r7')
    .alu('+=', 'r8', IPV6.LENGTH)
    .jumpIf('r8', '>', 'r3', Label.MALFORMED)
    .load(8, 'r1', 'r7', 0)
    .alu('&=', 'r1', 0xf0)
    .jumpIf32('r1', '!=', 0x60, Label.MALFORMED);
  if (addresses !== undefined) {
    assembler.load(8, 'r1', 'r7', IPV6.NEXT_HEADER).jumpIf32('r1', '!=', ICMPV6, 'ipv6 ports');
    compileNeighbourDiscovery(assembler, addresses, 'ipv6 ports');
    assembler.label('ipv6 ports');
  }
  const withoutPorts = needs.errors ? 'ipv6 icmp' : Label.IPV6_ADDRESSES;
  if (needs.ports) goToPorts(assembler, IPV6.NEXT_HEADER, Label.IPV6_PORTS, withoutPorts);
  else if (needs.errors) assembler.load(8, 'r1', 'r7', IPV6.NEXT_HEADER);
  else assembler.jump(Label.IPV6_ADDRESSES);
  if (!needs.errors) return;
  assembler.label('ipv6 icmp').jumpIf32('r1', '!=', ICMPV6, Label.IPV6_ADDRESSES);
  compileIpv6Error(assembler);
}

/** To the rules with ports, if the protocol has some; else to `without`, with the protocol in r1. */
function goToPorts(assembler: Assembler, protocolAt: number, withPorts: string, without: string): void {
  const found = `${withPorts}: found`;
  assembler.load(8, 'r1', 'r7', protocolAt);
  for (const protocol of PROTOCOLS_WITH_PORTS) assembler.jumpIf32('r1', '==', protocol, found);
  assembler
    .jump(without)
    .label(found)
    .move('r1', 'r8')
    .alu('+=', 'r1', PORTS_LENGTH)
    .jumpIf('r1', '>', 'r3', Label.MALFORMED)
    .jump(withPorts);
}
