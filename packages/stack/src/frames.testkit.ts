import { finishSum, sumBytes } from '@prism-net/buffers';
import { arp, ethernet, icmpv4, ipv4, multicastMacLow, parseIpv4Address, udp, vlan } from '@prism-net/wire';

export const ip = parseIpv4Address;
export const OWN = { high: 0x0200, low: 1 };
export const NEIGHBOUR = { high: 0x0200, low: 2 };
const BROADCAST = { high: 0xffff, low: -1 };
const { Type, Code } = icmpv4;

export const HOST = ip('10.0.0.1');
export const PEER = ip('10.0.0.2');
export const GROUP = ip('239.1.2.3');
/** Ports of the host under test: open to all, and connected to PEER at PEER_PORT. */
export const OPEN_PORT = 7;
export const CONNECTED_PORT = 8;
export const PEER_PORT = 1000;

type Mac = { readonly high: number; readonly low: number };

function frame(to: Mac, etherType: number, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  ethernet.write(new DataView(bytes.buffer), 0, to.high, to.low, NEIGHBOUR.high, NEIGHBOUR.low, etherType);
  bytes.set(payload, 14);
  return bytes;
}

export function arpFrame(operation: number, sender: number, target: number, to: Mac = BROADCAST): Uint8Array {
  const message = new Uint8Array(arp.PACKET_LENGTH);
  arp.write(new DataView(message.buffer), 0, operation, NEIGHBOUR.high, NEIGHBOUR.low, sender, 0, 0, target);
  return frame(to, ethernet.EtherType.ARP, message);
}

interface Ipv4Fields {
  readonly source?: number;
  readonly destination?: number;
  readonly identification?: number;
  readonly flagsAndOffset?: number;
  readonly to?: Mac;
  readonly options?: readonly number[];
}

export function ipv4Frame(protocol: number, payload: Uint8Array, fields: Ipv4Fields = {}): Uint8Array {
  const { source = PEER, destination = HOST, identification = 1, flagsAndOffset = 0, to = OWN, options = [] } = fields;
  const header = 20 + options.length;
  const packet = new Uint8Array(header + payload.length);
  const view = new DataView(packet.buffer);
  ipv4.write(view, 0, 0, packet.length, identification, flagsAndOffset, 64, protocol, source, destination);
  view.setUint8(0, 0x40 | (header >> 2));
  packet.set(options, 20);
  packet.set(payload, header);
  ipv4.updateChecksum(view, 0);
  return frame(to, ethernet.EtherType.IPV4, packet);
}

export function udpDatagram(sourcePort: number, destinationPort: number, length: number, to = HOST): Uint8Array {
  const bytes = new Uint8Array(8 + length).fill(0x55);
  const view = new DataView(bytes.buffer);
  udp.write(view, 0, sourcePort, destinationPort, bytes.length, 0);
  const sum = sumBytes(view, 0, bytes.length, udp.pseudoHeaderSum(PEER, to, bytes.length));
  udp.setChecksum(view, 0, udp.finishChecksum(sum));
  return bytes;
}

export function icmpMessage(type: number, code: number, rest: number, data: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(8 + data.length);
  const view = new DataView(bytes.buffer);
  icmpv4.writeHeader(view, 0, type, code, rest);
  bytes.set(data, 8);
  icmpv4.setChecksum(view, 0, finishSum(sumBytes(view, 0, bytes.length, 0)));
  return bytes;
}

/** Valid frames of every kind the host understands, and some it does not. */
export function validFrames(): Uint8Array[] {
  const { UDP, ICMP, TCP } = ipv4.Protocol;
  const open = udpDatagram(4000, OPEN_PORT, 100);
  const large = udpDatagram(4000, OPEN_PORT, 3000);
  const more = ipv4.MORE_FRAGMENTS;
  const pieces = (first: number, last: number) => large.subarray(first, last);
  // What the host's connected socket sends, as an ICMP error quotes it.
  const sent = ipv4Frame(UDP, udpDatagram(CONNECTED_PORT, PEER_PORT, 32), { source: HOST, destination: PEER });
  const quote = sent.subarray(14, 14 + 28);
  const toAll: Mac = { high: 0x0100, low: multicastMacLow(GROUP) };
  const plain = ipv4Frame(UDP, open);
  const tagged = new Uint8Array(plain.length + vlan.TAG_LENGTH);
  tagged.set(plain.subarray(0, 12));
  tagged.set([0x81, 0, 0, 0], 12); // priority only: as good as untagged
  tagged.set(plain.subarray(12), 16);
  return [
    arpFrame(arp.Operation.REQUEST, PEER, HOST),
    arpFrame(arp.Operation.REPLY, PEER, HOST, OWN),
    arpFrame(arp.Operation.REQUEST, PEER, PEER),
    plain,
    tagged,
    ipv4Frame(UDP, udpDatagram(PEER_PORT, CONNECTED_PORT, 64)),
    ipv4Frame(UDP, udpDatagram(4000, 9999, 64)),
    ipv4Frame(UDP, udpDatagram(4000, OPEN_PORT, 1400)),
    ipv4Frame(UDP, open, { options: [7, 7, 4, 0, 0, 0, 0, 1] }),
    ipv4Frame(UDP, open, { options: [131, 7, 4, 10, 0, 0, 9, 0] }),
    ipv4Frame(UDP, udpDatagram(4000, OPEN_PORT, 64, GROUP), { destination: GROUP, to: toAll }),
    ipv4Frame(UDP, udpDatagram(4000, OPEN_PORT, 64, -1), { destination: -1, to: BROADCAST }),
    ipv4Frame(UDP, pieces(0, 1480), { flagsAndOffset: more, identification: 7 }),
    ipv4Frame(UDP, pieces(1480, 2960), { flagsAndOffset: more | 185, identification: 7 }),
    ipv4Frame(UDP, pieces(2960, 3008), { flagsAndOffset: 370, identification: 7 }),
    ipv4Frame(UDP, pieces(8, 1488), { flagsAndOffset: more | 1, identification: 7 }),
    ipv4Frame(ICMP, icmpMessage(Type.ECHO_REQUEST, 0, 1, new Uint8Array(56))),
    ipv4Frame(ICMP, icmpMessage(Type.ECHO_REPLY, 0, 1, new Uint8Array(56))),
    ipv4Frame(ICMP, icmpMessage(Type.DESTINATION_UNREACHABLE, Code.PORT_UNREACHABLE, 0, quote)),
    ipv4Frame(ICMP, icmpMessage(Type.DESTINATION_UNREACHABLE, Code.FRAGMENTATION_NEEDED, 600, quote)),
    ipv4Frame(ICMP, icmpMessage(Type.TIME_EXCEEDED, 0, 0, quote)),
    ipv4Frame(ICMP, icmpMessage(Type.REDIRECT, 0, HOST, quote)),
    ipv4Frame(TCP, new Uint8Array(20).fill(0x50)),
    ipv4Frame(4, plain.subarray(14)),
    frame(OWN, 0x86dd, new Uint8Array(60).fill(0x60)),
  ];
}
