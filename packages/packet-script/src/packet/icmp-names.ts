import { icmpv4 } from '@prism-net/wire';
import type { IcmpTransport } from '../language/syntax.js';
import { Difference } from '../values/unsupported.js';

const { Type } = icmpv4;

/** The language's names of ICMPv4 types (RFC 792, RFC 950). */
const TYPES: Readonly<Record<string, number>> = {
  echo_reply: Type.ECHO_REPLY,
  unreachable: Type.DESTINATION_UNREACHABLE,
  source_quench: Type.SOURCE_QUENCH,
  redirect: Type.REDIRECT,
  echo_request: Type.ECHO_REQUEST,
  time_exceeded: Type.TIME_EXCEEDED,
  parameter_problem: Type.PARAMETER_PROBLEM,
  timestamp_request: Type.TIMESTAMP_REQUEST,
  timestamp_reply: Type.TIMESTAMP_REPLY,
  information_request: 15,
  information_reply: 16,
  address_mask_request: 17,
  address_mask_reply: 18,
  // ICMPv6's notice of the same thing, in scripts for both families.
  packet_too_big: Type.DESTINATION_UNREACHABLE,
};

/** Of "unreachable" (RFC 792, RFC 1122 §3.2.2.1, RFC 1812 §5.2.7.1), ICMPv6's names among them. */
const UNREACHABLE_CODES: Readonly<Record<string, number>> = {
  net_unreachable: 0,
  host_unreachable: 1,
  protocol_unreachable: 2,
  port_unreachable: 3,
  frag_needed: 4,
  source_route_failed: 5,
  net_unknown: 6,
  host_unknown: 7,
  source_host_isolated: 8,
  net_prohibited: 9,
  host_prohibited: 10,
  net_unreachable_for_tos: 11,
  host_unreachable_for_tos: 12,
  packet_filtered: 13,
  precedence_violation: 14,
  precedence_cutoff: 15,
  no_route: 0,
  not_neighbour: 1,
  address_unreachable: 1,
  admin_prohibited: 13,
};

const TIME_EXCEEDED_CODES: Readonly<Record<string, number>> = {
  exceeded_hop_limit: 0,
  exceeded_frag_time: 1,
  ttl_exceeded_in_transit: 0,
  frag_reass_exceeded: 1,
};

const PARAMETER_PROBLEM_CODES: Readonly<Record<string, number>> = {
  header_field: 0,
  unknown_next_header: 1,
  unknown_option: 2,
};

/** Type and code on the wire; `type_9 code_3` gives the numbers themselves. @throws Difference for a name that is none */
export function icmpTypeAndCode({ type, code }: IcmpTransport): { type: number; code: number } {
  const number = numbered('type', type) ?? TYPES[type];
  if (number === undefined) throw new Difference(`'${type}' is no ICMP type`);
  if (type === 'packet_too_big') return { type: number, code: 4 };
  if (code === null) return { type: number, code: 0 };
  const codeNumber = numbered('code', code) ?? codesOf(number)[code];
  if (codeNumber === undefined) throw new Difference(`'${code}' is no code of the ICMP type ${type}`);
  return { type: number, code: codeNumber };
}

function codesOf(type: number): Readonly<Record<string, number>> {
  if (type === Type.DESTINATION_UNREACHABLE) return UNREACHABLE_CODES;
  if (type === Type.TIME_EXCEEDED) return TIME_EXCEEDED_CODES;
  return type === Type.PARAMETER_PROBLEM ? PARAMETER_PROBLEM_CODES : {};
}

function numbered(prefix: string, name: string): number | undefined {
  const match = new RegExp(`^${prefix}_(\\d{1,3})$`).exec(name);
  const number = Number(match?.[1] ?? Number.NaN);
  return number <= 255 ? number : undefined;
}

/** For reports. */
export function describeIcmp(type: number, code: number): string {
  const typeName = Object.entries(TYPES).find(([, number]) => number === type)?.[0] ?? `type_${type}`;
  const codeName = Object.entries(codesOf(type)).find(([, number]) => number === code)?.[0] ?? `code_${code}`;
  return type === Type.DESTINATION_UNREACHABLE || code !== 0 ? `${typeName} ${codeName}` : typeName;
}
