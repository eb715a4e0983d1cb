import type { Assembler } from './assembler.js';
import { type Kind, type ParsedRule, type PortRange, PROTOCOLS_WITH_PORTS } from './parse-steering.js';
import { Label, swapped16, unlessWords } from './steering-program.js';

/** Where a packet has what rules ask for. */
interface Layout {
  readonly header: 'r7' | 'r8';
  readonly protocol: number;
  readonly source: number;
  readonly destination: number;
  readonly transport: 'r8' | 'r2';
  readonly sourcePort: number;
  readonly destinationPort: number;
}
const layouts: Readonly<Record<'ipv4' | 'ipv6', Layout>> = {
  ipv4: { header: 'r7', protocol: 9, source: 12, destination: 16, transport: 'r8', sourcePort: 0, destinationPort: 2 },
  ipv6: { header: 'r7', protocol: 6, source: 8, destination: 24, transport: 'r8', sourcePort: 0, destinationPort: 2 },
};
/** From r7, whether there is a tag or not. */
const ETHER_TYPE = -2;

const labels = { redirect: Label.REDIRECT, pass: Label.PASS, drop: Label.DROP } as const;

/**
 * How the packets of a kind come: `ports` with ports, `whole` without or with ports out of reach, `errors` as an ICMP error
 * that quotes a packet with ports.
 */
export type Variant = 'ports' | 'whole' | 'errors';

/**
 * The rules for one kind of packet, one after the other; those that ask for ports only where the packet has them. Ends in
 * a rule that always matches, or in a jump to OTHERWISE.
 */
export function compileRules(assembler: Assembler, rules: readonly ParsedRule[], kind: Kind, variant: Variant): void {
  for (const [index, rule] of rules.entries()) {
    if (!rule.kinds.has(kind)) continue;
    const unless = `${kind} rule ${index}, ${variant}: no`;
    if (variant === 'ports' || !asksForPorts(rule)) {
      if (kind === 'other') compileEtherType(assembler, rule, unless);
      else compileIpConditions(assembler, rule, kind, layouts[kind], unless);
      if (!act(assembler, rule, index, unless)) return;
    }
    if (variant === 'errors' && kind !== 'other' && concernsTransport(rule)) {
      const unlessQuoted = `${unless}, quoted`;
      compileIpConditions(assembler, rule, kind, quoted(layouts[kind]), unlessQuoted);
      if (!act(assembler, rule, index, unlessQuoted)) return;
    }
  }
  assembler.jump(Label.OTHERWISE);
}

export function asksForPorts(rule: ParsedRule): boolean {
  return rule.destinationPort !== undefined || rule.sourcePort !== undefined;
}

/** Whether the rule is about flows of a protocol with ports, whose ICMP errors it then matches too. */
export function concernsTransport(rule: ParsedRule): boolean {
  return asksForPorts(rule) || (rule.protocol !== undefined && PROTOCOLS_WITH_PORTS.includes(rule.protocol.ipv4));
}

/** The packet that would answer the quoted one: what Prism sent is quoted, and what comes to it is meant. */
function quoted(layout: Layout): Layout {
  return {
    header: 'r8',
    protocol: layout.protocol,
    source: layout.destination,
    destination: layout.source,
    transport: 'r2',
    sourcePort: layout.destinationPort,
    destinationPort: layout.sourcePort,
  };
}

/** The rule has matched. Returns false if it always does: code that nothing leads to is refused by the verifier. */
function act(assembler: Assembler, rule: ParsedRule, index: number, unless: string): boolean {
  // Last, because r9 stays: what the verifier learnt about it ends with the rule.
  if (rule.vlan !== undefined) assembler.jumpIf32('r9', '!=', rule.vlan, unless);
  assembler.move('r7', index).jump(labels[rule.action]);
  if (!assembler.isAwaited(unless)) return false;
  assembler.label(unless);
  return true;
}

function compileEtherType(assembler: Assembler, rule: ParsedRule, unless: string): void {
  if (rule.etherType === undefined) return;
  assembler.load(16, 'r1', 'r7', ETHER_TYPE).jumpIf32('r1', '!=', swapped16(rule.etherType), unless);
}

function compileIpConditions(
  assembler: Assembler,
  rule: ParsedRule,
  kind: 'ipv4' | 'ipv6',
  layout: Layout,
  unless: string,
): void {
  const { destination, source, protocol, destinationPort, sourcePort } = rule;
  const { header } = layout;
  if (destination !== undefined) {
    unlessWords(assembler, header, layout.destination, destination.words, destination.masks, unless);
  }
  if (protocol !== undefined) {
    assembler.load(8, 'r1', header, layout.protocol).jumpIf32('r1', '!=', protocol[kind], unless);
  }
  if (source !== undefined) unlessWords(assembler, header, layout.source, source.words, source.masks, unless);
  if (destinationPort !== undefined) unlessPort(assembler, layout, layout.destinationPort, destinationPort, unless);
  if (sourcePort !== undefined) unlessPort(assembler, layout, layout.sourcePort, sourcePort, unless);
}

function unlessPort(
  assembler: Assembler,
  { transport }: Layout,
  offset: number,
  { from, to }: PortRange,
  unless: string,
): void {
  if (from === 0 && to === 0xffff) return;
  assembler.load(16, 'r1', transport, offset);
  if (from === to) {
    assembler.jumpIf32('r1', '!=', swapped16(from), unless);
    return;
  }
  assembler.toBigEndian('r1', 16);
  if (from > 0) assembler.jumpIf32('r1', '<', from, unless);
  if (to < 0xffff) assembler.jumpIf32('r1', '>', to, unless);
}
