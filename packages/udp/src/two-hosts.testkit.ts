import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import { EthernetInterface } from '@prism-net/ethernet';
import { Ipv4Layer } from '@prism-net/ipv4';
import { createLoopbackLink, createPipe, type Link, PacketAccounts } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock, TimerWheel } from '@prism-net/time';
import { type DropReason, ethernet, icmpv4, ipv4, parseIpv4Address, udp } from '@prism-net/wire';
import { expect } from 'vitest';
import type { EndpointHandler, UdpEndpoint } from './udp-endpoint.js';
import { UdpLayer, type UdpOptions } from './udp-layer.js';

export const ip = parseIpv4Address;
export const HERE = ip('10.0.0.1');
export const PEER = ip('10.0.0.2');
const MAC_HIGH = 0x0200;
const HERE_LOW = 1;
const PEER_LOW = 2;

/** What happened at an endpoint. */
export class Recorder implements EndpointHandler {
  readable = 0;
  readonly errors: [errno: Errno, address: number, port: number][] = [];

  becameReadable(): void {
    this.readable++;
  }

  failed(errno: Errno, address: number, port: number): void {
    this.errors.push([errno, address, port]);
  }
}

interface HostOptions {
  readonly address: number;
  readonly link: Link;
  readonly pool: PacketPool;
  readonly clock: ManualClock;
  readonly udp: Partial<UdpOptions>;
}

/** A host: interface 0 is the loopback, interface 1 a cable in 10.0.0.0/24. */
export class Host {
  readonly clock: ManualClock;
  readonly pool: PacketPool;
  readonly accounts = new PacketAccounts();
  readonly timers: TimerWheel;
  readonly interfaces: readonly EthernetInterface[];
  readonly ipv4: Ipv4Layer;
  readonly udp: UdpLayer;

  constructor({ address, link, pool, clock, udp: options }: HostOptions) {
    this.clock = clock;
    this.pool = pool;
    const now = clock.now();
    this.timers = new TimerWheel({ capacity: 32, now });
    const { accounts, timers } = this;
    const common = { pool, accounts, timers, random: new SeededRandom(address) };
    this.ipv4 = new Ipv4Layer({ ...common, now });
    this.udp = new UdpLayer({ ...common, ipv4: this.ipv4, ...options });
    const lo = new EthernetInterface({ ...common, link: createLoopbackLink(), index: 0 });
    const cable = new EthernetInterface({ ...common, link, index: 1, neighbours: { pendingPerNeighbour: 3 } });
    this.ipv4.addInterface(lo, [{ address: ip('127.0.0.1'), prefixLength: 8 }], now);
    this.ipv4.addInterface(cable, [{ address, prefixLength: 24 }], now);
    this.interfaces = [lo, cable];
  }

  get now(): number {
    return this.clock.now();
  }

  poll(): number {
    let work = 0;
    for (const each of this.interfaces) work += each.poll(32, this.now);
    work += this.timers.advance(this.now, 64);
    for (const each of this.interfaces) each.flush();
    return work;
  }

  open(recorder: EndpointHandler = new Recorder()): UdpEndpoint {
    return this.udp.open(recorder);
  }

  bound(port: number, address = 0, recorder: EndpointHandler = new Recorder()): UdpEndpoint {
    const endpoint = this.open(recorder);
    expect(endpoint.bind(address, port)).toBe(0);
    return endpoint;
  }

  /** A packet, or a chain of packets, with these bytes. */
  packet(payload: Uint8Array | string): Packet {
    const bytes = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
    const first = this.pool.take()!;
    let segment = first;
    for (let done = 0; done < bytes.length; ) {
      const part = Math.min(bytes.length - done, segment.tailroom);
      if (part === 0) {
        segment.nextSegment = this.pool.take()!;
        segment = segment.nextSegment;
        continue;
      }
      segment.memory.write(segment.end, bytes, done, part);
      segment.length += part;
      done += part;
    }
    return first;
  }

  drops(reason: DropReason): number {
    return this.accounts.dropped(reason);
  }

  close(): void {
    this.ipv4.close();
    for (const each of this.interfaces) each.close();
  }
}

/** Payloads that wait at an endpoint, as text. */
export function texts(endpoint: UdpEndpoint): string[] {
  const received: string[] = [];
  for (let packet = endpoint.receive(); packet !== null; packet = endpoint.receive()) {
    received.push(new TextDecoder().decode(packet.toBytes()));
    packet.release();
  }
  return received;
}

export interface BenchOptions {
  readonly mtu?: number;
  readonly checksumOffload?: boolean;
  readonly debug?: boolean;
  readonly udp?: Partial<UdpOptions>;
}

function prepare({ mtu = 1500, checksumOffload = false, debug = true }: BenchOptions) {
  const memory = PacketMemory.create({ frames: 256, debug });
  const pool = PacketPool.create(memory, 256);
  const macAddresses = [
    { high: MAC_HIGH, low: HERE_LOW },
    { high: MAC_HIGH, low: PEER_LOW },
  ] as const;
  // Just before the clock wraps: every test crosses it when time passes.
  return { pool, clock: new ManualClock(2 ** 31 - 1000), links: createPipe({ mtu, checksumOffload, macAddresses }) };
}

/** Two hosts and a cable, in virtual time. */
export class TwoHosts {
  readonly clock: ManualClock;
  readonly pool: PacketPool;
  readonly here: Host;
  readonly peer: Host;

  constructor(options: BenchOptions = {}) {
    const { pool, clock, links } = prepare(options);
    this.pool = pool;
    this.clock = clock;
    this.here = new Host({ address: HERE, link: links[0], pool, clock, udp: options.udp ?? {} });
    this.peer = new Host({ address: PEER, link: links[1], pool, clock, udp: options.udp ?? {} });
  }

  /** Until nothing moves any more: what a host sends in a round without work arrives in the next. */
  settle(): void {
    for (let idle = 0; idle < 2; ) idle = this.here.poll() + this.peer.poll() > 0 ? 0 : idle + 1;
  }

  pass(milliseconds: number): void {
    for (let left = milliseconds; left > 0; left -= 100) {
      this.clock.advance(Math.min(left, 100) * 1000);
      this.settle();
    }
  }

  finish(endpoints: readonly UdpEndpoint[]): void {
    for (const endpoint of endpoints) endpoint.close();
    this.settle();
    this.here.close();
    this.peer.close();
    this.pool.assertNoLeaks();
    for (const host of [this.here, this.peer]) {
      expect(host.accounts.snapshot().unexplained).toBe(0);
      expect(host.udp.ports.size).toBe(0);
      expect(host.timers.armed).toBe(0);
    }
  }
}

/** One host, and the bare end of its cable: the test is the other host. */
export class OneHost {
  readonly clock: ManualClock;
  readonly pool: PacketPool;
  readonly host: Host;
  readonly wire: Link;

  constructor(options: BenchOptions = {}) {
    const { pool, clock, links } = prepare(options);
    this.pool = pool;
    this.clock = clock;
    this.host = new Host({ address: HERE, link: links[0], pool, clock, udp: options.udp ?? {} });
    this.wire = links[1];
    this.host.interfaces[1]!.arp.addStaticNeighbour(PEER, MAC_HIGH, PEER_LOW);
    this.sent();
  }

  /** A frame arrives, and the host is polled until it rests. */
  arrive(frame: Uint8Array): void {
    expect(this.wire.transmit([this.host.packet(frame)], 0, 1)).toBe(1);
    while (this.host.poll() > 0);
  }

  /** Frames sent since the last call. */
  sent(): Uint8Array[] {
    this.host.poll();
    while (this.host.poll() > 0);
    const frames: Uint8Array[] = [];
    const burst: Packet[] = [];
    for (;;) {
      const count = this.wire.receive(burst, 32);
      if (count === 0) return frames;
      for (const packet of burst.slice(0, count)) {
        frames.push(packet.toBytes());
        packet.release();
      }
    }
  }

  finish(endpoints: readonly UdpEndpoint[]): void {
    for (const endpoint of endpoints) endpoint.close();
    this.sent();
    this.host.close();
    this.wire.close();
    this.pool.assertNoLeaks();
    expect(this.host.accounts.snapshot().unexplained).toBe(0);
  }
}

export interface DatagramFields {
  readonly source?: number;
  readonly destination?: number;
  readonly sourcePort?: number;
  readonly destinationPort: number;
  readonly payload?: string | Uint8Array;
  /** In place of the right one. */
  readonly length?: number;
  readonly checksum?: number;
  /** Bytes of IP payload behind the datagram. */
  readonly trailing?: number;
  /** Destination MAC address; default: the host's own. */
  readonly macHigh?: number;
  readonly macLow?: number;
}

/** An Ethernet frame with a UDP datagram, from PEER:4000 to HERE unless told otherwise. */
export function datagram(fields: DatagramFields): Uint8Array {
  const { source = PEER, destination = HERE, sourcePort = 4000, destinationPort, trailing = 0 } = fields;
  const { payload = 'x' } = fields;
  const data = typeof payload === 'string' ? new TextEncoder().encode(payload) : payload;
  const right = udp.HEADER_LENGTH + data.length;
  const transport = new Uint8Array(right + trailing).fill(0xee);
  transport.set(data, udp.HEADER_LENGTH);
  const view = new DataView(transport.buffer);
  const length = fields.length ?? right;
  udp.write(view, 0, sourcePort, destinationPort, length, 0);
  udp.setChecksum(view, 0, fields.checksum ?? udpChecksum(transport.subarray(0, right), source, destination));
  return ipv4Frame(ipv4.Protocol.UDP, transport, { ...fields, source, destination });
}

/** The checksum field for a datagram whose checksum field is zero, added up the plain way. */
export function udpChecksum(bytes: Uint8Array, source: number, destination: number): number {
  let sum = (source >>> 16) + (source & 0xffff) + (destination >>> 16) + (destination & 0xffff) + 17 + bytes.length;
  for (let i = 0; i < bytes.length; i += 2) sum += (bytes[i]! << 8) | (bytes[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x10000);
  return sum === 0xffff ? 0xffff : ~sum & 0xffff;
}

/** An ICMP error from PEER about a frame that HERE sent. */
export function icmpError(type: number, code: number, rest: number, sent: Uint8Array): Uint8Array {
  const quote = sent.subarray(14, 14 + 28);
  const message = new Uint8Array(icmpv4.HEADER_LENGTH + quote.length);
  const view = new DataView(message.buffer);
  icmpv4.writeHeader(view, 0, type, code, rest);
  message.set(quote, icmpv4.HEADER_LENGTH);
  let sum = 0;
  for (let i = 0; i < message.length; i += 2) sum += view.getUint16(i);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  icmpv4.setChecksum(view, 0, ~sum & 0xffff);
  return ipv4Frame(ipv4.Protocol.ICMP, message, { source: PEER, destination: HERE });
}

function ipv4Frame(
  protocol: number,
  payload: Uint8Array,
  to: { source: number; destination: number; macHigh?: number; macLow?: number },
): Uint8Array {
  const frame = new Uint8Array(34 + payload.length);
  const view = new DataView(frame.buffer);
  const { macHigh = MAC_HIGH, macLow = HERE_LOW, source, destination } = to;
  ethernet.write(view, 0, macHigh, macLow, MAC_HIGH, PEER_LOW, ethernet.EtherType.IPV4);
  ipv4.write(view, 14, 0, 20 + payload.length, 7, 0, 64, protocol, source, destination);
  frame.set(payload, 34);
  return frame;
}
