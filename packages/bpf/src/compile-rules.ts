import type { Assembler } from './assembler.js';
import type { Kind, ParsedRule, PortRange } from './parse-steering.js';
import { Label, swapped16, unlessWords } from './steering-program.js';

/** Where the headers have what rules ask for, from r7. */
const LAYOUT = {
  ipv4: { protocol: 9, source: 12, destination: 16 },
  ipv6: { protocol: 6, source: 8, destination: 24 },
} as const;
/** From r8: the same in all protocols that have ports. */
const SOURCE_PORT = 0;
const DESTINATION_PORT = 2;
/** From r7, whether there is a tag or not. */
const ETHER_TYPE = -2;

const labels = { redirect: Label.REDIRECT, pass: Label.PASS, drop: Label.DROP } as const;

/**
 * The rules for one kind of packet, one after the other; those that ask for ports only where the packet has them. Ends in
 * a rule that always matches, or in a jump to OTHERWISE.
 */
export function compileRules(assembler: Assembler, rules: readonly ParsedRule[], kind: Kind, hasPorts: boolean): void {
  for (const [index, rule] of rules.entries()) {
    if (!rule.kinds.has(kind)) continue;
    if (!hasPorts && asksForPorts(rule)) continue;
    const next = `${kind} rule ${index}, ${hasPorts ? 'ports' : 'no ports'}: no`;
    compileConditions(assembler, rule, kind, next);
    assembler.move('r7', index).jump(labels[rule.action]);
    // A label nobody jumps to would be followed by code nobody reaches, which the verifier refuses.
    if (!assembler.isAwaited(next)) return;
    assembler.label(next);
  }
  assembler.jump(Label.OTHERWISE);
}

export function asksForPorts(rule: ParsedRule): boolean {
  return rule.destinationPort !== undefined || rule.sourcePort !== undefined;
}

function compileConditions(assembler: Assembler, rule: ParsedRule, kind: Kind, next: string): void {
  if (kind === 'other') {
    if (rule.etherType !== undefined) {
      assembler.load(16, 'r1', 'r7', ETHER_TYPE).jumpIf32('r1', '!=', swapped16(rule.etherType), next);
    }
  } else {
    const layout = LAYOUT[kind];
    const { destination, source, protocol } = rule;
    if (destination !== undefined) {
      unlessWords(assembler, 'r7', layout.destination, destination.words, destination.masks, next);
    }
    if (protocol !== undefined) {
      assembler.load(8, 'r1', 'r7', layout.protocol).jumpIf32('r1', '!=', protocol[kind], next);
    }
    if (source !== undefined) unlessWords(assembler, 'r7', layout.source, source.words, source.masks, next);
    if (rule.destinationPort !== undefined) unlessPort(assembler, DESTINATION_PORT, rule.destinationPort, next);
    if (rule.sourcePort !== undefined) unlessPort(assembler, SOURCE_PORT, rule.sourcePort, next);
  }
  // Last, because r9 stays: what the verifier learnt about it ends with the rule.
  if (rule.vlan !== undefined) assembler.jumpIf32('r9', '!=', rule.vlan, next);
}

function unlessPort(assembler: Assembler, offset: number, { from, to }: PortRange, next: string): void {
  if (from === 0 && to === 0xffff) return;
  assembler.load(16, 'r1', 'r8', offset);
  if (from === to) {
    assembler.jumpIf32('r1', '!=', swapped16(from), next);
    return;
  }
  assembler.toBigEndian('r1', 16);
  if (from > 0) assembler.jumpIf32('r1', '<', from, next);
  if (to < 0xffff) assembler.jumpIf32('r1', '>', to, next);
}
