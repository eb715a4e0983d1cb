import { tcp } from '@prism-net/wire';
import { formatPacket } from '../language/printer.js';
import type { IpFields, PacketAction, TcpOption, Transport } from '../language/syntax.js';
import type { Flow } from './flow.js';
import { describeIcmp } from './icmp-names.js';
import type { ObservedPacket, ObservedTcp } from './observed-packet.js';

const LETTERS: readonly (readonly [number, string])[] = [
  [0x002, 'S'],
  [0x001, 'F'],
  [0x004, 'R'],
  [0x008, 'P'],
  [0x020, 'U'],
  [0x040, 'E'],
  [0x080, 'W'],
  [0x100, 'A'],
  [0x010, '.'],
];
const CODEPOINTS = ['noecn', 'ect1', 'ect0', 'ce'] as const;

/** A packet of the host in the notation of the script, with the fields that the expectation speaks of. */
export function describeObserved(observed: ObservedPacket, flow: Flow, expected?: PacketAction): string {
  const { content } = observed;
  if (content.protocol === 'other') return `> a packet of IP protocol ${content.number}`;
  if (content.protocol === 'icmp') return `> icmp ${describeIcmp(content.type, content.code)}`;
  const transport: Transport =
    content.protocol === 'udp'
      ? { protocol: 'udp', ports: null, length: content.payload.length }
      : describeTcp(content, flow, expected);
  return formatPacket({
    kind: 'packet',
    direction: 'outbound',
    encapsulations: [],
    ip: describeIp(observed, expected?.ip ?? {}),
    transport,
    unsupported: [],
    line: 0,
    column: 0,
  });
}

function describeIp(observed: ObservedPacket, expected: IpFields): IpFields {
  const { trafficClass, timeToLive } = observed;
  return {
    ...(expected.ecn === undefined ? {} : { ecn: CODEPOINTS[(trafficClass & 3) as 0 | 1 | 2 | 3] }),
    ...(expected.trafficClass === undefined ? {} : { trafficClass }),
    ...(expected.dscp === undefined ? {} : { dscp: trafficClass >>> 2 }),
    ...(expected.timeToLive === undefined ? {} : { timeToLive }),
  };
}

function describeTcp(content: ObservedTcp, flow: Flow, expected?: PacketAction): Transport {
  const script = expected?.transport.protocol === 'tcp' ? expected.transport : null;
  const isSyn = (content.flags & tcp.Flag.SYN) !== 0;
  const isAcknowledging = (content.flags & tcp.Flag.ACK) !== 0;
  const isAbsolute = script?.sequence.isAbsolute ?? false;
  const start = isAbsolute ? content.sequence >>> 0 : flow.scriptLocalSequence(content.sequence, isSyn);
  const isAcknowledgementAbsolute = script?.isAcknowledgementAbsolute ?? false;
  const acknowledgement = isAcknowledgementAbsolute
    ? content.acknowledgement >>> 0
    : flow.scriptRemoteSequence(content.acknowledgement, isSyn);
  const ace = script === null || script.ace === null ? null : (content.flags >>> 6) & 7;
  return {
    protocol: 'tcp',
    ports: null,
    flags: LETTERS.filter(([bit]) => (content.flags & bit) !== 0 && !(ace !== null && (bit & 0x1c0) !== 0))
      .map(([, letter]) => letter)
      .join(''),
    ace,
    sequence: { start, length: content.payload.length, isAbsolute, isAny: false },
    acknowledgement: isAcknowledging ? acknowledgement : null,
    isAcknowledgementAbsolute: isAcknowledging && isAcknowledgementAbsolute,
    window: script === null || script.window !== null ? content.window : null,
    urgentPointer: content.urgentPointer === 0 ? null : content.urgentPointer,
    options: content.options.map((option) => describeOption(option, flow, isSyn)),
    udpEncapsulation: null,
  };
}

function describeOption(option: TcpOption, flow: Flow, isSyn: boolean): TcpOption {
  if (option.kind !== 'sack') return option;
  const blocks = option.blocks.map(
    ([left, right]) => [flow.scriptRemoteSequence(left, isSyn), flow.scriptRemoteSequence(right, isSyn)] as const,
  );
  return { kind: 'sack', blocks };
}
