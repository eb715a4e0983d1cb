import { ipv4, tcp } from '@prism-net/wire';
import { formatTcpOption } from '../language/printer.js';
import type { IpFields, PacketAction, TcpOption, TcpTransport } from '../language/syntax.js';
import type { Flow } from './flow.js';
import { aceBits, flagBits } from './frame-encoder.js';
import { icmpTypeAndCode } from './icmp-names.js';
import type { ObservedPacket, ObservedTcp } from './observed-packet.js';
import { findPatternFault } from './pattern.js';
import { encodeOption, encodeOptions } from './tcp-option-bytes.js';

export interface ComparisonOptions {
  /** Microseconds of a tick of the timestamp clock; 0: timestamp values are not compared. */
  readonly timestampTick: number;
  /** Microseconds that a timestamp value may be off. */
  readonly tolerance: number;
  /** Compare the echo of timestamps too, which packetdrill does not. */
  readonly checkEcho: boolean;
}

export interface Mismatch {
  readonly field: string;
  readonly expected: string;
  readonly actual: string;
}

const NAMED_FLAGS = { fin: 1, syn: 2, rst: 4, psh: 8, ack: 16, urg: 32 } as const;
const ECE = tcp.Flag.ECE;
const CWR = tcp.Flag.CWR;
const AE = 0x100;
const ECN_CODEPOINTS = { noecn: 0, ect1: 1, ect0: 2, ce: 3 } as const;
const codepointNames = ['noecn', 'ect1', 'ect0', 'ce'];

/**
 * The first thing in which a packet of the host differs from what the script expects; null when it is as expected. Learns
 * from the packet what the script's timestamps are on the wire.
 */
export function comparePacket(
  script: PacketAction,
  observed: ObservedPacket,
  flow: Flow,
  options: ComparisonOptions,
): Mismatch | null {
  return (
    compareProtocol(script, observed) ??
    compareContent(script, observed, flow, options) ??
    compareIp(script.ip, observed)
  );
}

function compareProtocol({ transport }: PacketAction, { content }: ObservedPacket): Mismatch | null {
  return check('protocol', transport.protocol, content.protocol);
}

function compareContent(
  { transport }: PacketAction,
  { content }: ObservedPacket,
  flow: Flow,
  options: ComparisonOptions,
): Mismatch | null {
  if (transport.protocol === 'tcp' && content.protocol === 'tcp') return compareTcp(transport, content, flow, options);
  if (transport.protocol === 'udp' && content.protocol === 'udp') {
    return check('UDP payload length', transport.length, content.payload.length);
  }
  if (transport.protocol === 'icmp' && content.protocol === 'icmp') {
    const { type, code } = icmpTypeAndCode(transport);
    return check('ICMP type', type, content.type) ?? check('ICMP code', code, content.code);
  }
  return null;
}

function compareIp(ip: IpFields, observed: ObservedPacket): Mismatch | null {
  const { trafficClass } = observed;
  const ecn = trafficClass & 3;
  const ecnName = codepointNames[ecn]!;
  if (ip.ecn === 'ect01' && (ecn === 0 || ecn === 3))
    return { field: 'ECN', expected: 'ect0 or ect1', actual: ecnName };
  if (ip.ecn !== undefined && ip.ecn !== 'ect01' && ECN_CODEPOINTS[ip.ecn] !== ecn) {
    return { field: 'ECN', expected: ip.ecn, actual: ecnName };
  }
  return (
    checkGiven('traffic class', ip.trafficClass, trafficClass) ??
    checkGiven('DSCP', ip.dscp, trafficClass >>> 2) ??
    checkGiven('time to live', ip.timeToLive, observed.timeToLive) ??
    check('IP header length', ipv4.MINIMUM_HEADER_LENGTH, observed.headerLength)
  );
}

function compareTcp(
  script: TcpTransport,
  observed: ObservedTcp,
  flow: Flow,
  options: ComparisonOptions,
): Mismatch | null {
  const isSyn = (observed.flags & tcp.Flag.SYN) !== 0;
  const { sequence } = script;
  const live = observed.sequence >>> 0;
  const actualSequence = sequence.isAbsolute ? live : flow.scriptLocalSequence(live, isSyn);
  return (
    compareFlags(script, observed.flags) ??
    (sequence.isAny ? null : check('sequence number', sequence.start >>> 0, actualSequence)) ??
    check('payload length', sequence.length, observed.payload.length) ??
    compareAcknowledgement(script, observed, flow, isSyn) ??
    checkGiven('window', script.window ?? undefined, observed.window) ??
    check('urgent pointer', script.urgentPointer ?? 0, observed.urgentPointer) ??
    compareOptions(script, observed, flow, isSyn, options) ??
    comparePayload(observed, flow.scriptLocalSequence(live, false), isSyn)
  );
}

function compareFlags(script: TcpTransport, actual: number): Mismatch | null {
  const expected = flagBits(script);
  for (const [name, bit] of Object.entries(NAMED_FLAGS)) {
    const mismatch = check(`flag ${name.toUpperCase()}`, Number((expected & bit) !== 0), Number((actual & bit) !== 0));
    if (mismatch !== null) return mismatch;
  }
  if (script.ace !== null) {
    const mask = AE | CWR | ECE;
    return check('ACE count', aceBits(script.ace) & mask, actual & mask);
  }
  return (
    check('flag ECE', Number((expected & ECE) !== 0), Number((actual & ECE) !== 0)) ??
    check('flag CWR', Number((expected & CWR) !== 0), Number((actual & CWR) !== 0)) ??
    check('flag AE', Number((expected & AE) !== 0), Number((actual & AE) !== 0))
  );
}

function compareAcknowledgement(
  script: TcpTransport,
  observed: ObservedTcp,
  flow: Flow,
  isSyn: boolean,
): Mismatch | null {
  const isAcknowledging = (observed.flags & tcp.Flag.ACK) !== 0;
  const live = observed.acknowledgement >>> 0;
  const isAbsolute = script.isAcknowledgementAbsolute || !isAcknowledging;
  const actual = isAbsolute ? live : flow.scriptRemoteSequence(live, isSyn);
  return check('acknowledgement number', (script.acknowledgement ?? 0) >>> 0, actual);
}

function compareOptions(
  script: TcpTransport,
  observed: ObservedTcp,
  flow: Flow,
  isSyn: boolean,
  options: ComparisonOptions,
): Mismatch | null {
  if (script.options === null) return null;
  const expected = padded(script.options);
  const actual = observed.options.map((option) => inScript(option, flow, isSyn));
  for (let i = 0; i < Math.max(expected.length, actual.length); i++) {
    const [wanted, found] = [expected[i], actual[i]];
    const mismatch = compareOption(wanted, found, flow, options);
    if (mismatch === null) continue;
    return {
      field: 'TCP options',
      expected: script.options.map(formatTcpOption).join(','),
      actual: `${actual.map(formatTcpOption).join(',')}${mismatch === '' ? '' : ` (${mismatch})`}`,
    };
  }
  return null;
}

/** The script's options, and the "end" options that fill up the header. */
function padded(options: readonly TcpOption[]): TcpOption[] {
  const written = options.reduce((sum, option) => sum + encodeOption(option).length, 0);
  const length = encodeOptions(options).length;
  return [...options, ...Array.from({ length: length - written }, () => ({ kind: 'eol' }) as const)];
}

/** SACK edges count from the peer's initial sequence number, as acknowledgements do. */
function inScript(option: TcpOption, flow: Flow, isSyn: boolean): TcpOption {
  if (option.kind !== 'sack') return option;
  const blocks = option.blocks.map(
    ([left, right]) => [flow.scriptRemoteSequence(left, isSyn), flow.scriptRemoteSequence(right, isSyn)] as const,
  );
  return { kind: 'sack', blocks };
}

/** What is different, '' when the kinds differ; null: nothing. */
function compareOption(
  wanted: TcpOption | undefined,
  found: TcpOption | undefined,
  flow: Flow,
  options: ComparisonOptions,
): string | null {
  if (wanted === undefined || found === undefined) return '';
  if (wanted.kind === 'timestamps' && found.kind === 'timestamps')
    return compareTimestamps(wanted, found, flow, options);
  if (wanted.kind === 'wscale' && wanted.shift === null) return found.kind === 'wscale' ? null : '';
  const [a, b] = [encodeOption(wanted), found.kind === 'other' ? [] : encodeOption(found)];
  // AccECN and the like are read as bytes.
  if (found.kind === 'other') {
    const text = a
      .slice(2)
      .map((byte) => byte.toString(16).padStart(2, '0'))
      .join('');
    return found.name === `kind-${a[0]}` && found.text === text ? null : '';
  }
  return a.length === b.length && a.every((byte, i) => byte === b[i]) ? null : '';
}

type Timestamps = Extract<TcpOption, { kind: 'timestamps' }>;

function compareTimestamps(
  wanted: Timestamps,
  found: Timestamps,
  flow: Flow,
  { timestampTick, tolerance, checkEcho }: ComparisonOptions,
): string | null {
  const live = found.value ?? 0;
  if (wanted.value !== null) {
    const value = flow.scriptTimestamp(wanted.value, live);
    const off = Math.abs((value - wanted.value) | 0);
    if (timestampTick > 0 && off * timestampTick > tolerance) return `timestamp value ${value} by the script's count`;
  }
  if (checkEcho && wanted.echo !== null && wanted.echo !== found.echo) return `timestamp echo reply ${found.echo}`;
  return null;
}

function comparePayload({ payload }: ObservedTcp, start: number, isSyn: boolean): Mismatch | null {
  const fault = findPatternFault(payload, 0, start + (isSyn ? 1 : 0), payload.length);
  return fault < 0 ? null : { field: 'payload', expected: 'the bytes written', actual: `another byte at ${fault}` };
}

function checkGiven(field: string, expected: number | undefined, actual: number): Mismatch | null {
  return expected === undefined ? null : check(field, expected, actual);
}

function check<T extends number | string>(field: string, expected: T, actual: T): Mismatch | null {
  return expected === actual ? null : { field, expected: String(expected), actual: String(actual) };
}
