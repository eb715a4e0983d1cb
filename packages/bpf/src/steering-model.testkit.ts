import { IpAddress } from '@prism-net/wire';
import type { Steering, SteeringAction, SteeringRule } from './steering.js';

/** What decided: a rule's number, or one of these. */
export type Decider = number | 'otherwise' | 'own neighbour' | 'foreign neighbour' | 'malformed';

export interface Verdict {
  readonly action: SteeringAction;
  readonly by: Decider;
}

interface Packet {
  readonly etherType: number;
  readonly vlan: number | 'untagged';
  readonly family?: 4 | 6;
  readonly protocol?: number;
  readonly source?: string;
  readonly destination?: string;
  readonly ports?: readonly [source: number, destination: number];
  /** Of an ICMP error: the packet that would answer the one it quotes. */
  readonly answer?: Packet;
}

const PORTS = [6, 17, 33, 132, 136];

/**
 * Steering as its documentation describes it, in the plainest TypeScript: the judge of the compiled program. Addresses are
 * strings of bits, fragments a Map, and nothing is shared with the compiler.
 */
export class SteeringModel {
  readonly #steering: Steering;
  readonly #fragments = new Map<string, Verdict>();

  constructor(steering: Steering) {
    this.#steering = steering;
  }

  judge(frame: Uint8Array): Verdict {
    const { rules, addresses, otherwise } = this.#steering;
    if (rules.length === 0 && addresses === undefined) return { action: otherwise, by: 'otherwise' };
    const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
    const malformed: Verdict = { action: 'pass', by: 'malformed' };
    let at = 14;
    if (frame.length < at) return malformed;
    let etherType = view.getUint16(12);
    let vlan: number | 'untagged' = 'untagged';
    if (etherType === 0x8100) {
      at = 18;
      if (frame.length < at) return malformed;
      vlan = view.getUint16(14) & 0xfff;
      etherType = view.getUint16(16);
    }
    const l2 = { etherType, vlan };
    if (etherType === 0x0806 && addresses !== undefined) {
      if (frame.length < at + 28) return malformed;
      const isEthernetAndIpv4 = view.getUint32(at) === 0x00010800 && view.getUint16(at + 4) === 0x0604;
      if (isEthernetAndIpv4 && this.#isOwn(bits(frame, at + 24, 4))) return this.#ownNeighbour();
      return this.#rules(l2, true);
    }
    if (etherType === 0x0800) {
      const length = 4 * (frame[at]! & 15);
      if (frame.length < at + 20 || frame[at]! >> 4 !== 4 || length < 20) return malformed;
      if (frame.length < at + length) return malformed;
      const protocol = frame[at + 9]!;
      const packet = {
        ...l2,
        family: 4 as const,
        protocol,
        source: bits(frame, at + 12, 4),
        destination: bits(frame, at + 16, 4),
      };
      const offset = view.getUint16(at + 6) & 0x1fff;
      const answer = protocol === 1 && offset === 0 ? quoted(frame, at + length, 4, [3, 4, 11, 12], l2) : undefined;
      const whole: Packet = answer === undefined ? packet : { ...packet, answer };
      // Ports are looked for only where a rule for IPv4 asks for some.
      if (!rules.some((rule) => asksForPorts(rule) && matchesIpv4(rule))) return this.#rules(whole, false);
      const more = (frame[at + 6]! & 0x20) !== 0;
      const datagram = `${packet.source} ${packet.destination} ${view.getUint16(at + 4)} ${protocol} ${vlan}`;
      if (offset !== 0) return this.#fragments.get(datagram) ?? this.#rules(packet, false);
      if (PORTS.includes(protocol) && frame.length < at + length + 4) return malformed;
      const verdict = this.#rules(PORTS.includes(protocol) ? withPorts(packet, view, at + length) : whole, false);
      if (more) this.#fragments.set(datagram, verdict);
      return verdict;
    }
    if (etherType === 0x86dd) {
      if (frame.length < at + 40 || frame[at]! >> 4 !== 6) return malformed;
      const protocol = frame[at + 6]!;
      const packet = {
        ...l2,
        family: 6 as const,
        protocol,
        source: bits(frame, at + 8, 16),
        destination: bits(frame, at + 24, 16),
      };
      if (addresses !== undefined && protocol === 58 && frame.length >= at + 64) {
        const type = frame[at + 40]!;
        const isForOwn = this.#isOwn(bits(frame, at + 48, 16));
        if (type === 135) return isForOwn ? this.#ownNeighbour() : this.#rules(packet, true);
        if (type === 136) {
          return isForOwn || this.#isOwn(packet.destination) ? this.#ownNeighbour() : this.#rules(packet, true);
        }
      }
      const usesPorts = rules.some((rule) => asksForPorts(rule) && matchesIpv6(rule));
      const answer = protocol === 58 ? quoted(frame, at + 40, 6, [1, 2, 3, 4], l2) : undefined;
      if (answer !== undefined) return this.#rules({ ...packet, answer }, false);
      if (!usesPorts || !PORTS.includes(protocol)) return this.#rules(packet, false);
      if (frame.length < at + 44) return malformed;
      return this.#rules(withPorts(packet, view, at + 40), false);
    }
    return this.#rules(l2, false);
  }

  #rules(packet: Packet, isForeignNeighbour: boolean): Verdict {
    const by = this.#steering.rules.findIndex((rule) => matches(rule, packet));
    if (by >= 0) return { action: this.#steering.rules[by]!.action, by };
    if (isForeignNeighbour) return { action: 'pass', by: 'foreign neighbour' };
    return { action: this.#steering.otherwise, by: 'otherwise' };
  }

  #isOwn(address: string): boolean {
    return (this.#steering.addresses ?? []).some((text) => prefixBits(text) === address);
  }

  #ownNeighbour(): Verdict {
    return { action: this.#steering.sharedAddress === true ? 'pass' : 'redirect', by: 'own neighbour' };
  }
}

/** The answer to the packet that an ICMP error at `at` quotes, if it is one and quotes ports. */
function quoted(
  frame: Uint8Array,
  at: number,
  family: 4 | 6,
  types: readonly number[],
  l2: Packet,
): Packet | undefined {
  const start = at + 8;
  const header = family === 4 ? 20 : 40;
  if (frame.length < start + header || !types.includes(frame[at]!) || frame[start]! >> 4 !== family) return undefined;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const length = family === 4 ? 4 * (frame[start]! & 15) : 40;
  const protocol = frame[start + (family === 4 ? 9 : 6)]!;
  const isLaterFragment = family === 4 && (view.getUint16(start + 6) & 0x1fff) !== 0;
  if (length < header || isLaterFragment || !PORTS.includes(protocol) || frame.length < start + length + 4)
    return undefined;
  const [sent, received] = [view.getUint16(start + length), view.getUint16(start + length + 2)];
  const address = (offset: number) => bits(frame, start + offset, family === 4 ? 4 : 16);
  const [source, destination] = family === 4 ? [address(12), address(16)] : [address(8), address(24)];
  return { ...l2, family, protocol, source: destination, destination: source, ports: [received, sent] };
}

function isAboutFlows({ protocol, port, sourcePort }: SteeringRule): boolean {
  return port !== undefined || sourcePort !== undefined || ['tcp', 'udp', ...PORTS].includes(protocol ?? 'any');
}

function asksForPorts(rule: SteeringRule): boolean {
  return rule.port !== undefined || rule.sourcePort !== undefined;
}

function matchesIpv4({ address, sourceAddress, etherType = 0x0800 }: SteeringRule): boolean {
  return etherType === 0x0800 && !`${address}${sourceAddress}`.includes(':');
}

function matchesIpv6({ address, sourceAddress, etherType = 0x86dd }: SteeringRule): boolean {
  return etherType === 0x86dd && !`${address}${sourceAddress}`.includes('.');
}

function matches(rule: SteeringRule, packet: Packet): boolean {
  if (packet.answer !== undefined && isAboutFlows(rule) && matches(rule, packet.answer)) return true;
  if (rule.vlan !== undefined && rule.vlan !== packet.vlan) return false;
  if (rule.etherType !== undefined && rule.etherType !== packet.etherType) return false;
  if (rule.protocol !== undefined) {
    const names: Record<string, number> = { tcp: 6, udp: 17, icmp: packet.family === 6 ? 58 : 1 };
    const wanted = typeof rule.protocol === 'number' ? rule.protocol : names[rule.protocol];
    if (packet.protocol !== wanted) return false;
  }
  return (
    isWithin(packet.destination, packet.family, rule.address) &&
    isWithin(packet.source, packet.family, rule.sourceAddress) &&
    isInRange(packet.ports?.[1], rule.port) &&
    isInRange(packet.ports?.[0], rule.sourcePort)
  );
}

function isWithin(address: string | undefined, family: 4 | 6 | undefined, prefix: string | undefined): boolean {
  if (prefix === undefined) return true;
  if (address === undefined || family !== (prefix.includes(':') ? 6 : 4)) return false;
  const [host, length = '128'] = prefix.split('/');
  return address.slice(0, Number(length)) === prefixBits(host!).slice(0, Number(length));
}

function isInRange(port: number | undefined, range: number | readonly [number, number] | undefined): boolean {
  if (range === undefined) return true;
  if (port === undefined) return false;
  return typeof range === 'number' ? port === range : port >= range[0] && port <= range[1];
}

function withPorts<T extends object>(packet: T, view: DataView, at: number): T & { ports: [number, number] } {
  return { ...packet, ports: [view.getUint16(at), view.getUint16(at + 2)] };
}

function bits(frame: Uint8Array, at: number, length: number): string {
  return [...frame.subarray(at, at + length)].map((byte) => byte.toString(2).padStart(8, '0')).join('');
}

function prefixBits(text: string): string {
  const { family, a, b, c, d } = IpAddress.parse(text);
  const words = family === 4 ? [d] : [a, b, c, d];
  return words.map((word) => (word >>> 0).toString(2).padStart(32, '0')).join('');
}
