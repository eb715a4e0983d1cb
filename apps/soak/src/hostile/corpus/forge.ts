import { finishSum, foldSum, sumBytes } from '@prism-net/buffers';
import type { SeededRandom } from '@prism-net/tables';
import { arp, BROADCAST_MAC, ethernet, ipv4, type MacAddress, parseIpv4Address, tcp, udp } from '@prism-net/wire';
import type { Conversation, Target } from './target.js';

export interface FrameFields {
  readonly to?: MacAddress;
  readonly from?: MacAddress;
  readonly etherType?: number;
}

/** What is not given is right, lengths and checksums too. */
export interface Ipv4Fields extends FrameFields {
  readonly version?: number;
  readonly headerWords?: number;
  readonly trafficClass?: number;
  readonly totalLength?: number;
  readonly identification?: number;
  readonly flagsAndOffset?: number;
  readonly timeToLive?: number;
  readonly checksum?: number;
  readonly source?: number;
  readonly destination?: number;
  readonly options?: readonly number[];
}

export interface UdpFields extends Ipv4Fields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly length?: number;
  readonly udpChecksum?: number;
}

export interface TcpFields extends Ipv4Fields {
  readonly sourcePort?: number;
  readonly destinationPort?: number;
  readonly sequence?: number;
  readonly acknowledgement?: number;
  readonly flags?: number;
  readonly window?: number;
  readonly urgentPointer?: number;
  readonly tcpOptions?: readonly number[];
  /** Words of the header, as it says itself. */
  readonly dataOffset?: number;
  readonly tcpChecksum?: number;
}

export const { ACK, CWR, ECE, FIN, PSH, RST, SYN, URG } = tcp.Flag;
export const { ICMP, IGMP, IPIP, IPV6, TCP, UDP } = ipv4.Protocol;
export const EXTREMES_16 = [0, 1, 7, 8, 0x7fff, 0x8000, 0xfffe, 0xffff] as const;

/** Far away: TEST-NET-1 to 3 and the networks for benchmarks (RFC 6890). */
const ELSEWHERE = ['192.0.2.0', '198.51.100.0', '203.0.113.0', '198.18.0.0'].map(parseIpv4Address);

/** Builds frames, right or wrong, from a seed. */
export class Forge {
  readonly target: Target;
  readonly random: SeededRandom;
  /** Bytes said in each conversation, by the peer's port. */
  readonly #said = new Map<number, number>();

  constructor(target: Target, random: SeededRandom) {
    this.target = target;
    this.random = random;
  }

  below(n: number): number {
    return this.random.nextBelow(n);
  }

  between(first: number, last: number): number {
    return first + this.below(last - first + 1);
  }

  oneIn(n: number): boolean {
    return this.below(n) === 0;
  }

  pick<T>(from: readonly T[]): T {
    return from[this.below(from.length)]!;
  }

  word(): number {
    return this.random.nextInt32();
  }

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at++) bytes[at] = this.random.nextInt32();
    return bytes;
  }

  /** Lengths of data, mostly short. */
  length(): number {
    const longest = this.target.mtu - 60;
    return this.oneIn(8) ? this.below(longest + 1) : this.below(64);
  }

  port(): number {
    return this.between(1, 65_535);
  }

  /** An address of the target's network that nobody has, as far as one knows. */
  neighbourAddress(): number {
    const hosts = 2 ** (32 - this.target.prefixLength);
    const network = this.target.address & -hosts;
    for (;;) {
      const address = network | this.between(1, hosts - 2);
      if (address !== this.target.address && address !== this.target.peerAddress) return address;
    }
  }

  /** Somebody else: mostly from far away. */
  stranger(): number {
    if (this.oneIn(16)) return this.neighbourAddress();
    return this.pick(ELSEWHERE) + this.between(1, 254);
  }

  /** The peer, or somebody else. */
  source(): number {
    return this.oneIn(2) ? this.target.peerAddress : this.stranger();
  }

  macAddress(): MacAddress {
    return { high: 0x0200 | this.below(256), low: this.word() };
  }

  frame(payload: Uint8Array, fields: FrameFields = {}): Uint8Array {
    const {
      to = this.target.macAddress,
      from = this.target.peerMacAddress,
      etherType = ethernet.EtherType.IPV4,
    } = fields;
    const bytes = new Uint8Array(14 + payload.length);
    ethernet.write(new DataView(bytes.buffer), 0, to.high, to.low, from.high, from.low, etherType);
    bytes.set(payload, 14);
    return bytes;
  }

  arp(operation: number, sender: MacAddress, senderAddress: number, fields: FrameFields & { target?: number } = {}) {
    const packet = new Uint8Array(arp.PACKET_LENGTH);
    const { target = this.target.address } = fields;
    arp.write(new DataView(packet.buffer), 0, operation, sender.high, sender.low, senderAddress, 0, 0, target);
    return this.frame(packet, { to: BROADCAST_MAC, from: sender, ...fields, etherType: ethernet.EtherType.ARP });
  }

  /** An IPv4 packet without the frame. */
  packet(protocol: number, payload: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
    const options = fields.options ?? [];
    const header = 20 + ((options.length + 3) & ~3);
    const bytes = new Uint8Array(header + payload.length);
    const view = new DataView(bytes.buffer);
    ipv4.write(
      view,
      0,
      fields.trafficClass ?? 0,
      fields.totalLength ?? bytes.length,
      fields.identification ?? this.below(65_536),
      fields.flagsAndOffset ?? 0,
      fields.timeToLive ?? 64,
      protocol,
      fields.source ?? this.target.peerAddress,
      fields.destination ?? this.target.address,
    );
    bytes[0] = ((fields.version ?? 4) << 4) | ((fields.headerWords ?? header >> 2) & 15);
    bytes.set(options, 20);
    bytes.set(payload, header);
    ipv4.setChecksum(view, 0, 0);
    // Over what is there, whatever the header says of itself.
    ipv4.setChecksum(view, 0, fields.checksum ?? finishSum(sumBytes(view, 0, header, 0)));
    return bytes;
  }

  ipv4(protocol: number, payload: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
    return this.frame(this.packet(protocol, payload, fields), fields);
  }

  /** A UDP datagram without the packet. */
  datagram(data: Uint8Array, fields: UdpFields = {}): Uint8Array {
    const { target } = this;
    const bytes = new Uint8Array(8 + data.length);
    const view = new DataView(bytes.buffer);
    const { sourcePort = this.port(), destinationPort = target.udpPort, length = bytes.length } = fields;
    udp.write(view, 0, sourcePort, destinationPort, length, 0);
    bytes.set(data, 8);
    const { source = target.peerAddress, destination = target.address } = fields;
    const sum = sumBytes(view, 0, bytes.length, udp.pseudoHeaderSum(source, destination, length));
    udp.setChecksum(view, 0, fields.udpChecksum ?? udp.finishChecksum(sum));
    return bytes;
  }

  udp(data: Uint8Array, fields: UdpFields = {}): Uint8Array {
    return this.ipv4(UDP, this.datagram(data, fields), fields);
  }

  icmpMessage(type: number, code: number, rest: number, data: Uint8Array, checksum?: number): Uint8Array {
    const bytes = new Uint8Array(8 + data.length);
    const view = new DataView(bytes.buffer);
    view.setUint16(0, (type << 8) | code);
    view.setInt32(4, rest);
    bytes.set(data, 8);
    view.setUint16(2, checksum ?? finishSum(sumBytes(view, 0, bytes.length, 0)));
    return bytes;
  }

  icmp(type: number, code: number, rest: number, data: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
    return this.ipv4(ICMP, this.icmpMessage(type, code, rest, data), fields);
  }

  /** A segment without the packet. */
  segment(data: Uint8Array, fields: TcpFields = {}): Uint8Array {
    const { target } = this;
    const options = fields.tcpOptions ?? [];
    const header = 20 + ((options.length + 3) & ~3);
    const bytes = new Uint8Array(header + data.length);
    const view = new DataView(bytes.buffer);
    tcp.write(
      view,
      0,
      fields.sourcePort ?? this.port(),
      fields.destinationPort ?? target.tcpPort,
      fields.sequence ?? this.word(),
      fields.acknowledgement ?? 0,
      0,
      fields.flags ?? SYN,
      fields.window ?? 65_535,
    );
    bytes[12] = ((fields.dataOffset ?? header >> 2) & 15) << 4;
    tcp.setUrgentPointer(view, 0, fields.urgentPointer ?? 0);
    bytes.set(options, 20);
    bytes.set(data, header);
    const { source = target.peerAddress, destination = target.address } = fields;
    const sum = foldSum(tcp.pseudoHeaderSum(source, destination, bytes.length));
    tcp.setChecksum(view, 0, fields.tcpChecksum ?? finishSum(sumBytes(view, 0, bytes.length, sum)));
    return bytes;
  }

  tcp(data: Uint8Array, fields: TcpFields = {}): Uint8Array {
    return this.ipv4(TCP, this.segment(data, fields), fields);
  }

  /** A connection that is open, as far as it has got; one that looks like it where there is none. */
  conversation(): Conversation {
    const { conversations, tcpPort } = this.target;
    if (conversations.length > 0) {
      const conversation = this.pick(conversations);
      const said = this.#said.get(conversation.peerPort) ?? 0;
      return { ...conversation, sequence: (conversation.sequence + said) | 0 };
    }
    return { peerPort: this.port(), port: tcpPort, sequence: this.word(), acknowledgement: this.word() };
  }

  /** What comes next in a conversation; the next one follows it. */
  say(data: Uint8Array): Uint8Array {
    const conversation = this.conversation();
    const { peerPort } = conversation;
    this.#said.set(peerPort, (this.#said.get(peerPort) ?? 0) + data.length);
    return this.inConversation(conversation, data, { flags: ACK | PSH });
  }

  /** A segment of a conversation, with the options its segments have; fields replace what would be right. */
  inConversation(conversation: Conversation, data: Uint8Array, fields: TcpFields = {}): Uint8Array {
    const { peerPort, port, sequence, acknowledgement, timestamps } = conversation;
    const tcpOptions = timestamps === undefined ? [] : timestampsOption(timestamps.value, timestamps.echo);
    return this.tcp(data, {
      sourcePort: peerPort,
      destinationPort: port,
      sequence,
      acknowledgement,
      flags: ACK,
      tcpOptions,
      ...fields,
    });
  }

  /** Before, in and behind the window. */
  sequence(conversation: Conversation): number {
    const { sequence } = conversation;
    switch (this.below(8)) {
      case 0:
        return sequence;
      case 1:
        return (sequence + this.between(-2, 2)) | 0;
      case 2:
      case 3:
        return (sequence + this.below(65_536)) | 0;
      case 4:
        return (sequence - this.below(1 << 20)) | 0;
      case 5:
        return (sequence + 0x7fff_fff0 + this.below(32)) | 0;
      case 6:
        return this.pick([0, -1, 0x7fff_ffff, -0x8000_0000]);
      default:
        return this.word();
    }
  }

  /** Right, old, optimistic or nonsense. */
  acknowledgement(conversation: Conversation): number {
    const { acknowledgement } = conversation;
    switch (this.below(6)) {
      case 0:
      case 1:
        return acknowledgement;
      case 2:
        return (acknowledgement + this.between(1, 65_536)) | 0;
      case 3:
        return (acknowledgement - this.between(1, 1 << 20)) | 0;
      case 4:
        return (acknowledgement + 0x7fff_fff0 + this.below(32)) | 0;
      default:
        return this.word();
    }
  }
}

/** Bytes of 16 or 32 bits, for options. */
export function bytes16(value: number): number[] {
  return [(value >>> 8) & 255, value & 255];
}

export function bytes32(value: number): number[] {
  return [...bytes16(value >>> 16), ...bytes16(value)];
}

export function timestampsOption(value: number, echo: number): number[] {
  return [1, 1, 8, 10, ...bytes32(value), ...bytes32(echo)];
}
