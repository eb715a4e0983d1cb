import { ethernet } from '@prism-net/wire';
import { Assembler, type ProgramCode } from './assembler.js';
import { compileIpv4, compileIpv6, compileRemembering, type Needs } from './compile-ip.js';
import { compileArp } from './compile-neighbours.js';
import { asksForPorts, compileRules, concernsTransport } from './compile-rules.js';
import { XdpAction, XdpContext } from './instruction-set.js';
import { type Kind, type ParsedSteering, parseSteering, UNTAGGED } from './parse-steering.js';
import type { Steering, SteeringAction } from './steering.js';
import { COUNTERS_AFTER_RULES, Counter, Label, MapName, Stack, swapped16 } from './steering-program.js';

const ETHERNET_LENGTH = 14;
const TAG_LENGTH = 4;
/** Offset of the EtherType. */
const ETHER_TYPE = 12;

const answers: Readonly<Record<SteeringAction, XdpAction>> = {
  redirect: XdpAction.REDIRECT,
  pass: XdpAction.PASS,
  drop: XdpAction.DROP,
};

/** A steering specification as a program, and what its maps must be. */
export interface CompiledSteering extends ProgramCode {
  readonly rules: number;
  /** Entries of the map 'counters': one for each rule, then those of {@link Counter}. */
  readonly counters: number;
  /** Whether there is a map 'fragments'. */
  readonly remembersFragments: boolean;
}

/**
 * Compiles a steering specification. Needs no rights and no Linux.
 *
 * @throws PosixError EINVAL.
 */
export function compileSteering(steering: Steering): CompiledSteering {
  const parsed = parseSteering(steering);
  const { rules, addresses } = parsed;
  const needs = (kind: Kind): Needs => {
    const concerned = rules.filter((rule) => rule.kinds.has(kind));
    return { ports: concerned.some(asksForPorts), errors: concerned.some(concernsTransport) };
  };
  const remembersFragments = needs('ipv4').ports;
  const assembler = new Assembler().move('r6', 'r1');
  if (rules.length === 0 && addresses === undefined) assembler.jump(Label.OTHERWISE);
  else compileMatching(assembler, parsed, needs);
  compileVerdicts(assembler, parsed, remembersFragments);
  return {
    ...assembler.assemble(),
    rules: rules.length,
    counters: rules.length + COUNTERS_AFTER_RULES,
    remembersFragments,
  };
}

function compileMatching(assembler: Assembler, steering: ParsedSteering, needs: (kind: Kind) => Needs): void {
  const { rules, addresses } = steering;
  const type = (value: number, label: string) => assembler.jumpIf32('r4', '==', swapped16(value), label);
  assembler
    .store(32, 'r10', Stack.FIRST_FRAGMENT, 0)
    .store(32, 'r10', Stack.FOREIGN_NEIGHBOUR, 0)
    .load(32, 'r7', 'r6', XdpContext.DATA)
    .load(32, 'r3', 'r6', XdpContext.DATA_END)
    .move('r9', UNTAGGED)
    .move('r1', 'r7')
    .alu('+=', 'r1', ETHERNET_LENGTH)
    .jumpIf('r1', '>', 'r3', Label.MALFORMED)
    .load(16, 'r4', 'r7', ETHER_TYPE)
    .alu('+=', 'r7', ETHERNET_LENGTH)
    .jumpIf32('r4', '!=', swapped16(ethernet.EtherType.VLAN), 'typed')
    .move('r1', 'r7')
    .alu('+=', 'r1', TAG_LENGTH)
    .jumpIf('r1', '>', 'r3', Label.MALFORMED)
    .load(16, 'r9', 'r7', 0)
    .toBigEndian('r9', 16)
    .alu('&=', 'r9', 0xfff)
    .load(16, 'r4', 'r7', 2)
    .alu('+=', 'r7', TAG_LENGTH)
    .label('typed');
  type(ethernet.EtherType.IPV4, Label.IPV4);
  type(ethernet.EtherType.IPV6, Label.IPV6);
  if (addresses !== undefined) type(ethernet.EtherType.ARP, Label.ARP);
  assembler.label(Label.OTHER);
  compileRules(assembler, rules, 'other', 'whole');
  if (addresses !== undefined) compileArp(assembler, addresses);
  compileIpv4(assembler, needs('ipv4'));
  compileIpv6(assembler, needs('ipv6'), addresses);
  const chains = [
    [Label.IPV4_PORTS, 'ipv4', 'ports'],
    [Label.IPV4_ADDRESSES, 'ipv4', 'whole'],
    [Label.IPV4_ERRORS, 'ipv4', 'errors'],
    [Label.IPV6_PORTS, 'ipv6', 'ports'],
    [Label.IPV6_ADDRESSES, 'ipv6', 'whole'],
    [Label.IPV6_ERRORS, 'ipv6', 'errors'],
  ] as const;
  for (const [label, kind, variant] of chains) {
    if (!assembler.isAwaited(label)) continue;
    assembler.label(label);
    compileRules(assembler, rules, kind, variant);
  }
}

/** How the program ends; the parts that nothing leads to are left out, because the verifier refuses them. */
function compileVerdicts(assembler: Assembler, steering: ParsedSteering, remembersFragments: boolean): void {
  const { rules, otherwise, addresses, sharedAddress } = steering;
  const end = (label: string, counter: number, action: SteeringAction, before = () => {}) => {
    if (!assembler.isAwaited(label)) return;
    assembler.label(label);
    before();
    assembler.move('r7', rules.length + counter).jump(action);
  };
  end(Label.OTHERWISE, Counter.OTHERWISE, otherwise, () => {
    if (addresses === undefined) return;
    assembler.load(32, 'r1', 'r10', Stack.FOREIGN_NEIGHBOUR).jumpIf32('r1', '!=', 0, Label.FOREIGN_NEIGHBOUR);
  });
  end(Label.FOREIGN_NEIGHBOUR, Counter.FOREIGN_NEIGHBOURS, 'pass');
  end(Label.OWN_NEIGHBOUR, Counter.OWN_NEIGHBOURS, sharedAddress ? 'pass' : 'redirect');
  if (assembler.isAwaited(Label.MALFORMED)) {
    // Not by VERDICT: a first fragment without its ports decides nothing about the others.
    const counter = rules.length + Counter.MALFORMED;
    assembler.label(Label.MALFORMED).move('r7', counter).move('r8', XdpAction.PASS).jump(Label.COUNT);
  }
  for (const action of ['redirect', 'pass', 'drop'] as const) {
    if (assembler.isAwaited(action)) assembler.label(action).move('r8', answers[action]).jump(Label.VERDICT);
  }
  assembler.label(Label.VERDICT);
  if (remembersFragments) compileRemembering(assembler);
  assembler.label(Label.COUNT);
  count(assembler, 'counted');
  assembler
    .jumpIf32('r8', '==', XdpAction.REDIRECT, 'to the socket')
    .move('r0', 'r8')
    .exit()
    .label('to the socket')
    .load(32, 'r2', 'r6', XdpContext.RECEIVE_QUEUE)
    .loadMap('r1', MapName.SOCKETS)
    // The answer when the queue has no socket.
    .move('r3', XdpAction.PASS)
    .call('redirect_map')
    .jumpIf32('r0', '==', XdpAction.PASS, 'without socket')
    .exit()
    .label('without socket')
    .move('r7', rules.length + Counter.WITHOUT_SOCKET);
  count(assembler, 'counted again');
  assembler.move('r0', XdpAction.PASS).exit();
}

/** Adds one to the counter r7 of this processor. Keeps r6 to r9. */
function count(assembler: Assembler, done: string): void {
  assembler
    .store(32, 'r10', Stack.COUNTER, 'r7')
    .loadMap('r1', MapName.COUNTERS)
    .move('r2', 'r10')
    .alu('+=', 'r2', Stack.COUNTER)
    .call('map_lookup_elem')
    .jumpIf('r0', '==', 0, done)
    .load(64, 'r1', 'r0', 0)
    .alu('+=', 'r1', 1)
    .store(64, 'r0', 0, 'r1')
    .label(done);
}
