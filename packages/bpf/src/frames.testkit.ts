import { IpAddress } from '@prism-net/wire';

/** What a hand-made frame has; checksums stay zero, no program looks at them. */
export interface FrameOptions {
  readonly vlan?: number;
  readonly etherType?: number;
  readonly payload?: Uint8Array;
}

export interface IpOptions {
  readonly vlan?: number;
  readonly source?: string;
  readonly destination?: string;
  readonly protocol?: number;
  readonly sourcePort?: number;
  readonly port?: number;
  /** IPv4: bytes of options, a multiple of 4. */
  readonly optionsLength?: number;
  /** IPv4: in bytes, a multiple of 8. */
  readonly fragmentOffset?: number;
  readonly moreFragments?: boolean;
  readonly identification?: number;
  readonly payloadLength?: number;
}

export const TCP = 6;
export const UDP = 17;
export const ICMP = 1;
export const ICMPV6 = 58;

export function frame({ vlan, etherType = 0x88b5, payload = new Uint8Array(46) }: FrameOptions): Uint8Array {
  const tag = vlan === undefined ? [] : [0x81, 0x00, vlan >> 8, vlan & 0xff];
  const macs = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
  return Uint8Array.of(...macs, ...tag, etherType >> 8, etherType & 0xff, ...payload);
}

/** An IPv4 or an IPv6 packet, by the family of its addresses; UDP from port 1000 to 2000 unless said otherwise. */
export function ip(options: IpOptions = {}): Uint8Array {
  const { source = '10.0.0.2', destination = '10.0.0.1', protocol = UDP, payloadLength = 20, vlan } = options;
  const { sourcePort = 1000, port = 2000, optionsLength = 0, fragmentOffset = 0, identification = 1 } = options;
  const isIpv6 = destination.includes(':');
  const headerLength = isIpv6 ? 40 : 20 + optionsLength;
  const payload = new Uint8Array(headerLength + payloadLength);
  const view = new DataView(payload.buffer);
  if (isIpv6) {
    view.setUint32(0, 0x6000_0000);
    view.setUint16(4, payloadLength);
    view.setUint8(6, protocol);
    view.setUint8(7, 255);
    putAddress(view, 8, source);
    putAddress(view, 24, destination);
  } else {
    view.setUint8(0, 0x40 | (headerLength / 4));
    view.setUint16(2, payload.length);
    view.setUint16(4, identification);
    view.setUint16(6, (options.moreFragments === true ? 0x2000 : 0) | (fragmentOffset / 8));
    view.setUint8(8, 64);
    view.setUint8(9, protocol);
    putAddress(view, 12, source);
    putAddress(view, 16, destination);
  }
  if (payloadLength >= 4 && fragmentOffset === 0) {
    view.setUint16(headerLength, sourcePort);
    view.setUint16(headerLength + 2, port);
  }
  return frame({ ...(vlan === undefined ? {} : { vlan }), etherType: isIpv6 ? 0x86dd : 0x0800, payload });
}

export function arp(target: string, operation = 1, sender = '10.0.0.2'): Uint8Array {
  const payload = new Uint8Array(46);
  const view = new DataView(payload.buffer);
  view.setUint32(0, 0x0001_0800);
  view.setUint32(4, 0x0604_0000 | operation);
  putAddress(view, 14, sender);
  putAddress(view, 24, target);
  return frame({ etherType: 0x0806, payload });
}

/** A neighbour solicitation (135) or advertisement (136). */
export function neighbour(type: number, target: string, destination: string): Uint8Array {
  const made = ip({ source: 'fe80::2', destination, protocol: ICMPV6, payloadLength: 32 });
  const view = new DataView(made.buffer);
  view.setUint32(54, type << 24);
  putAddress(view, 62, target);
  return made;
}

/** An ICMP error, or an ICMPv6 error, about an untagged frame of the same family. */
export function icmpError(type: number, about: Uint8Array, options: IpOptions = {}): Uint8Array {
  const packet = about.subarray(14);
  const protocol = packet[0]! >> 4 === 6 ? ICMPV6 : ICMP;
  const made = ip({ ...options, protocol, payloadLength: 8 + packet.length });
  const at = made.length - 8 - packet.length;
  made.fill(0, at, at + 8);
  made[at] = type;
  made.set(packet, at + 8);
  return made;
}

function putAddress(view: DataView, at: number, text: string): void {
  const { family, a, b, c, d } = IpAddress.parse(text);
  const words = family === 4 ? [d] : [a, b, c, d];
  for (const [index, word] of words.entries()) view.setInt32(at + 4 * index, word);
}
