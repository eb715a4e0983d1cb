import { invalidArgument, requireKnownOptions, requireWholeNumber } from '@prism-net/errors';
import { ethernet, IpAddress } from '@prism-net/wire';
import { MAXIMUM_ADDRESSES, MAXIMUM_RULES, type Steering, type SteeringAction, type SteeringRule } from './steering.js';

/** What the IP header is followed by, as far as it has ports in its first four bytes. */
export const PROTOCOLS_WITH_PORTS: readonly number[] = [6, 17, 33, 132, 136];
/** Beyond the identifiers of 802.1Q, which have twelve bits. */
export const UNTAGGED = 0x1000;

/** Which packets a rule can match at all; each kind has its own part of the program. */
export type Kind = 'ipv4' | 'ipv6' | 'other';

export interface ParsedPrefix {
  readonly family: 4 | 6;
  /** One int32 or four, big-endian: the first is the most significant. */
  readonly words: readonly number[];
  readonly masks: readonly number[];
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

export interface ParsedRule {
  readonly kinds: ReadonlySet<Kind>;
  /** Numbers of the protocol by kind. */
  readonly protocol: { readonly ipv4: number; readonly ipv6: number } | undefined;
  readonly destination: ParsedPrefix | undefined;
  readonly source: ParsedPrefix | undefined;
  readonly destinationPort: PortRange | undefined;
  readonly sourcePort: PortRange | undefined;
  /** An identifier, or UNTAGGED. */
  readonly vlan: number | undefined;
  readonly etherType: number | undefined;
  readonly action: SteeringAction;
}

export interface ParsedSteering {
  readonly rules: readonly ParsedRule[];
  readonly otherwise: SteeringAction;
  readonly addresses: readonly IpAddress[] | undefined;
  readonly sharedAddress: boolean;
}

const ACTIONS: readonly SteeringAction[] = ['redirect', 'pass', 'drop'];
const PROTOCOLS: Readonly<Record<string, { readonly ipv4: number; readonly ipv6: number }>> = {
  icmp: { ipv4: 1, ipv6: 58 },
  tcp: { ipv4: 6, ipv6: 6 },
  udp: { ipv4: 17, ipv6: 17 },
};
const RULE_FIELDS = [
  'protocol',
  'address',
  'port',
  'sourceAddress',
  'sourcePort',
  'vlan',
  'etherType',
  'action',
] satisfies (keyof SteeringRule)[];

/** Checks a specification. @throws PosixError EINVAL that names the rule and what is wrong with it. */
export function parseSteering(steering: Steering): ParsedSteering {
  requireKnownOptions('steering', steering, ['rules', 'otherwise', 'addresses', 'sharedAddress']);
  const { rules, otherwise, addresses, sharedAddress = false } = steering;
  if (!Array.isArray(rules)) throw invalidArgument('steering', 'rules must be an array');
  if (rules.length > MAXIMUM_RULES) {
    throw invalidArgument(
      'steering',
      `there are ${rules.length} rules, at most ${MAXIMUM_RULES} are possible: put addresses into prefixes and ports into ranges`,
    );
  }
  if (addresses !== undefined && !Array.isArray(addresses)) {
    throw invalidArgument('steering', 'addresses must be an array');
  }
  if (addresses !== undefined && addresses.length > MAXIMUM_ADDRESSES) {
    throw invalidArgument(
      'steering',
      `there are ${addresses.length} addresses, at most ${MAXIMUM_ADDRESSES} are possible`,
    );
  }
  return {
    rules: rules.map((rule: SteeringRule, index) => parseRule(`steering rule ${index}`, rule)),
    otherwise: parseAction('steering', 'otherwise', otherwise),
    addresses: addresses?.map((text) => IpAddress.parse(text)),
    sharedAddress,
  };
}

function parseRule(where: string, rule: SteeringRule): ParsedRule {
  requireKnownOptions(where, rule, RULE_FIELDS);
  const protocol = rule.protocol === undefined ? undefined : parseProtocol(where, rule.protocol);
  const destination = rule.address === undefined ? undefined : parsePrefix(where, rule.address);
  const source = rule.sourceAddress === undefined ? undefined : parsePrefix(where, rule.sourceAddress);
  const destinationPort = rule.port === undefined ? undefined : parsePorts(where, 'port', rule.port);
  const sourcePort = rule.sourcePort === undefined ? undefined : parsePorts(where, 'sourcePort', rule.sourcePort);
  const hasPorts = destinationPort !== undefined || sourcePort !== undefined;
  if (hasPorts && protocol !== undefined && !PROTOCOLS_WITH_PORTS.includes(protocol.ipv4)) {
    throw invalidArgument(where, `protocol ${rule.protocol} has no ports`);
  }
  const { etherType, vlan } = rule;
  if (etherType !== undefined) requireWholeNumber(where, 'etherType', etherType, 0, 0xffff);
  if (vlan !== undefined && vlan !== 'untagged') requireWholeNumber(where, 'vlan', vlan, 0, 4094);

  const families = new Set([destination?.family, source?.family].filter((family) => family !== undefined));
  if (families.size === 2) throw invalidArgument(where, 'address and sourceAddress are of different families');
  const kinds = new Set<Kind>();
  const asksForIp = hasPorts || protocol !== undefined || families.size > 0;
  const isOfType = (type: number) => etherType === undefined || etherType === type;
  if (isOfType(ethernet.EtherType.IPV4) && !families.has(6)) kinds.add('ipv4');
  if (isOfType(ethernet.EtherType.IPV6) && !families.has(4)) kinds.add('ipv6');
  const isIpType = etherType === ethernet.EtherType.IPV4 || etherType === ethernet.EtherType.IPV6;
  if (!asksForIp && !isIpType) kinds.add('other');
  // A rule for another EtherType with an address, or for IPv4 with an IPv6 address.
  if (kinds.size === 0) throw invalidArgument(where, 'can match no frame: etherType contradicts the other fields');
  return {
    kinds,
    protocol,
    destination,
    source,
    destinationPort,
    sourcePort,
    vlan: vlan === 'untagged' ? UNTAGGED : vlan,
    etherType,
    action: parseAction(where, 'action', rule.action),
  };
}

function parseAction(where: string, name: string, action: SteeringAction): SteeringAction {
  if (ACTIONS.includes(action)) return action;
  throw invalidArgument(where, `${name} must be ${ACTIONS.join(', ')}, not ${String(action)}`);
}

function parseProtocol(where: string, protocol: string | number): { readonly ipv4: number; readonly ipv6: number } {
  if (typeof protocol === 'number') {
    requireWholeNumber(where, 'protocol', protocol, 0, 255);
    return { ipv4: protocol, ipv6: protocol };
  }
  const known = Object.hasOwn(PROTOCOLS, protocol) ? PROTOCOLS[protocol] : undefined;
  if (known !== undefined) return known;
  throw invalidArgument(where, `there is no protocol '${protocol}'; there are udp, tcp, icmp and numbers`);
}

function parsePorts(where: string, name: string, port: number | readonly [number, number]): PortRange {
  if (Array.isArray(port) && port.length !== 2) {
    throw invalidArgument(where, `${name} must be one port, or the first and the last of a range: [from, to]`);
  }
  const [from, to] = Array.isArray(port) ? port : [port, port];
  requireWholeNumber(where, name, from, 0, 65535);
  requireWholeNumber(where, name, to, from, 65535);
  return { from, to };
}

function parsePrefix(where: string, text: string): ParsedPrefix {
  const [host, length, ...rest] = String(text).split('/');
  const address = IpAddress.parse(host!);
  const bits = address.family === 4 ? 32 : 128;
  const prefixLength = length === undefined ? bits : Number(length);
  if (rest.length > 0 || (length !== undefined && !/^\d{1,3}$/.test(length)) || prefixLength > bits) {
    throw invalidArgument(where, `"${text}" is no address and no prefix: the prefix length is from 0 to ${bits}`);
  }
  const words = address.family === 4 ? [address.d] : [address.a, address.b, address.c, address.d];
  const masks = words.map((_, index) => maskOf(prefixLength - 32 * index));
  if (words.some((word, index) => (word & ~masks[index]!) !== 0)) {
    throw invalidArgument(where, `"${text}" has bits beyond its prefix: leave out /${length} for the one address`);
  }
  return { family: address.family, words, masks };
}

/** The mask of a word of which `bits` count: none if negative, all from 32. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0;
  return bits >= 32 ? -1 : -1 << (32 - bits);
}
