import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import type { Errno } from '@prism-net/errors';
import { EthernetInterface } from '@prism-net/ethernet';
import { createLoopbackLink, createPipe, type Link, PacketAccounts } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock, TimerWheel } from '@prism-net/time';
import { ethernet, icmpv4, ipv4, parseIpv4Address, parseIpv4Prefix } from '@prism-net/wire';
import { expect } from 'vitest';
import { Ipv4Layer } from './ipv4-layer.js';
import type { Ipv4LayerOptions } from './ipv4-options.js';
import { Ipv4Route } from './ipv4-route.js';
import type { TransportHandler } from './transport-handler.js';

export const SECOND = 1_000_000;
export const US_MAC = { high: 0x0200, low: 1 };
export const PEER_MAC = { high: 0x0200, low: 2 };
export const ip = parseIpv4Address;
export const US = ip('10.0.0.1');
export const PEER = ip('10.0.0.2');
export const UDP = ipv4.Protocol.UDP;

const finishers: (() => void)[] = [];

/** Call after each test: closes every host and wire and checks the books. */
export function finishAll(): void {
  for (const finish of finishers.splice(0)) finish();
}

export interface ErrorReport {
  errno: Errno;
  mtu: number;
}

/** Runs before the hosts are closed. */
export function beforeFinish(finish: () => void): void {
  finishers.unshift(finish);
}

/** Keeps copies of what it is given. */
export class Collector implements TransportHandler {
  readonly received: Uint8Array[] = [];
  readonly errors: ErrorReport[] = [];
  /** What `receiveError` answers. */
  matches = true;
  last = { source: 0, destination: 0, flags: 0, networkOffset: 0, transportOffset: 0, offset: 0 };
  readonly #accounts: PacketAccounts;

  constructor(accounts: PacketAccounts) {
    this.#accounts = accounts;
  }

  receive(packet: Packet): void {
    const { view, networkOffset, transportOffset, flags, offset } = packet;
    const source = ipv4.source(view, networkOffset);
    const destination = ipv4.destination(view, networkOffset);
    this.last = { source, destination, flags, networkOffset, transportOffset, offset };
    this.received.push(packet.toBytes());
    this.#accounts.deliver();
    packet.release();
  }

  receiveError(errno: Errno, mtu: number): boolean {
    this.errors.push({ errno, mtu });
    return this.matches;
  }
}

export interface HostOptions extends Partial<Ipv4LayerOptions> {
  debug?: boolean;
  frames?: number;
  loopback?: boolean;
}

/** A host in virtual time: a loopback interface (index 0) and as many Ethernet interfaces as are plugged in. */
export class Host {
  readonly memory: PacketMemory;
  readonly pool: PacketPool;
  readonly accounts = new PacketAccounts();
  readonly clock: ManualClock;
  readonly timers: TimerWheel;
  readonly random = new SeededRandom(11);
  readonly layer: Ipv4Layer;
  readonly udp: Collector;
  readonly interfaces: EthernetInterface[] = [];

  constructor(options: HostOptions = {}, clock = new ManualClock(-3 * SECOND), memory?: PacketMemory) {
    const { debug = true, frames = 512, loopback = true, ...rest } = options;
    this.clock = clock;
    this.memory = memory ?? PacketMemory.create({ frames, debug });
    this.pool = PacketPool.create(this.memory, frames);
    this.timers = new TimerWheel({ capacity: 64, now: clock.now() });
    const { pool, timers, random } = this;
    const accounts = this.accounts;
    this.layer = new Ipv4Layer({ pool, accounts, timers, random, now: clock.now(), ...rest });
    this.udp = new Collector(accounts);
    this.layer.registerProtocol(UDP, this.udp);
    if (loopback) this.plug(createLoopbackLink(), '127.0.0.1/8');
    finishers.push(() => this.#finish());
  }

  get now(): number {
    return this.clock.now();
  }

  plug(link: Link, ...prefixes: string[]): EthernetInterface {
    const { pool, timers, random } = this;
    const accounts = this.accounts;
    const index = this.interfaces.length;
    const added = new EthernetInterface({ link, index, pool, accounts, timers, random });
    this.interfaces.push(added);
    this.layer.addInterface(added, prefixes.map(parseIpv4Prefix), this.now);
    return added;
  }

  /** Everything that can be done now without time passing. */
  poll(): void {
    for (let busy = true; busy; ) {
      busy = false;
      for (const each of this.interfaces) {
        each.flush();
        if (each.poll(32, this.now) > 0) busy = true;
      }
    }
    for (const each of this.interfaces) each.flush();
  }

  packet(bytes: Uint8Array): Packet {
    const packet = this.pool.take()!;
    expect(bytes.length).toBeLessThanOrEqual(packet.tailroom);
    packet.length = bytes.length;
    this.memory.write(packet.offset, bytes, 0, bytes.length);
    return packet;
  }

  route(destination: number, source = 0, interfaceIndex = -1): Ipv4Route {
    const route = new Ipv4Route();
    expect(this.layer.resolve(destination, source, route, interfaceIndex)).toBe(0);
    return route;
  }

  send(destination: number, bytes: Uint8Array, dontFragment = true, protocol: number = UDP): Errno {
    return this.layer.send(this.packet(bytes), this.route(destination), protocol, 0, 64, dontFragment, this.now);
  }

  pass(microseconds: number, step = 50_000): void {
    for (let left = microseconds; left > 0; left -= step) {
      this.timers.advance(this.clock.advance(Math.min(step, left)), 1000);
      this.poll();
    }
  }

  #finish(): void {
    this.layer.close();
    for (const each of this.interfaces) each.close();
    this.pool.assertNoLeaks();
    expect(this.timers.armed).toBe(0);
    expect(this.accounts.snapshot().unexplained).toBe(0);
  }
}

/** A host with one cable, 10.0.0.1/24; the test is the peer 10.0.0.2 at its other end. */
export class Bench extends Host {
  readonly wire: Link;
  readonly eth: EthernetInterface;

  constructor(options: HostOptions & { mtu?: number; prefixes?: string[] } = {}) {
    const { mtu = 1500, prefixes = ['10.0.0.1/24'], ...rest } = options;
    super(rest);
    const [near, far] = createPipe({ mtu, capacity: 1024, macAddresses: [US_MAC, PEER_MAC] });
    this.wire = far;
    this.eth = this.plug(near, ...prefixes);
    this.eth.arp.addStaticNeighbour(PEER, PEER_MAC.high, PEER_MAC.low);
    this.pass(3 * SECOND);
    this.sent();
    beforeFinish(() => {
      this.sent();
      far.close();
    });
  }

  /** A frame arrives and everything that follows at once happens. */
  arrive(frame: Uint8Array): void {
    expect(this.wire.transmit([this.packet(frame)], 0, 1)).toBe(1);
    this.poll();
  }

  /** A datagram arrives in a frame for us, or as `group` says. */
  datagram(bytes: Uint8Array, to = US_MAC): void {
    this.arrive(frame(bytes, to));
  }

  /** Frames sent since the last call. */
  sentFrames(): Uint8Array[] {
    this.poll();
    const burst: Packet[] = [];
    const frames: Uint8Array[] = [];
    for (;;) {
      const count = this.wire.receive(burst, 32);
      if (count === 0) return frames;
      for (let i = 0; i < count; i++) {
        frames.push(burst[i]!.toBytes());
        burst[i]!.release();
      }
    }
  }

  /** IPv4 datagrams sent since the last call. */
  sent(): Datagram[] {
    return this.sentFrames()
      .filter((bytes) => new DataView(bytes.buffer).getUint16(12) === ethernet.EtherType.IPV4)
      .map((bytes) => parse(bytes.subarray(14)));
  }
}

export const BROADCAST_MAC = { high: 0xffff, low: -1 };

export function frame(datagram: Uint8Array, to = US_MAC, from = PEER_MAC): Uint8Array {
  const bytes = new Uint8Array(14 + datagram.length);
  const view = new DataView(bytes.buffer);
  ethernet.write(view, 0, to.high, to.low, from.high, from.low, ethernet.EtherType.IPV4);
  bytes.set(datagram, 14);
  return bytes;
}

/** A datagram with a right header, from the peer to us unless said otherwise. */
export function datagram(payload: Uint8Array, fields: Partial<ipv4.Ipv4Header> = {}): Uint8Array {
  const header: ipv4.Ipv4Header = {
    trafficClass: 0,
    totalLength: 0,
    identification: 0x1234,
    dontFragment: false,
    moreFragments: false,
    fragmentOffset: 0,
    timeToLive: 64,
    protocol: UDP,
    source: PEER,
    destination: US,
    options: new Uint8Array(0),
    ...fields,
  };
  const headerLength = ipv4.encodedLength(header);
  const bytes = new Uint8Array(headerLength + payload.length);
  const totalLength = fields.totalLength ?? bytes.length;
  ipv4.emit(new DataView(bytes.buffer), 0, { ...header, totalLength });
  bytes.set(payload, headerLength);
  return bytes;
}

/** Sets the header checksum right again after a test changed the header. */
export function repaired(bytes: Uint8Array): Uint8Array {
  ipv4.updateChecksum(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0);
  return bytes;
}

export function icmp(type: number, code: number, rest: number, data: Uint8Array = new Uint8Array(0)): Uint8Array {
  const bytes = new Uint8Array(8 + data.length);
  const view = new DataView(bytes.buffer);
  icmpv4.writeHeader(view, 0, type, code, rest);
  bytes.set(data, 8);
  icmpv4.setChecksum(view, 0, checksum(bytes));
  return bytes;
}

/** The Internet checksum the slow way, independent of the one under test. */
export function checksum(bytes: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < bytes.length; i++) sum += (i & 1) === 0 ? bytes[i]! << 8 : bytes[i]!;
  while (sum > 0xffff) sum = (sum >>> 16) + (sum & 0xffff);
  return ~sum & 0xffff;
}

export type Datagram = ipv4.Ipv4Header & { payload: Uint8Array; bytes: Uint8Array };

/** A datagram taken apart; its header must be right. */
export function parse(bytes: Uint8Array): Datagram {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = ipv4.parse(view, 0, bytes.length);
  if (typeof header === 'number') throw new Error(`not a datagram: drop reason ${header}`);
  return { ...header, payload: bytes.subarray(ipv4.headerLength(view, 0), header.totalLength), bytes };
}

/** The ICMP message in a datagram; its checksum must be right. */
export function parseIcmp(from: Datagram) {
  expect(from.protocol).toBe(ipv4.Protocol.ICMP);
  expect(checksum(from.payload)).toBe(0);
  const view = new DataView(from.payload.buffer, from.payload.byteOffset, from.payload.length);
  const header = icmpv4.parse(view, 0, from.payload.length);
  if (typeof header === 'number') throw new Error(`not ICMP: drop reason ${header}`);
  return { type: header.type, code: header.code, rest: header.rest, data: from.payload.subarray(8) };
}

/** `length` bytes that differ from their neighbours. */
export function pattern(length: number, seed = 0): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8) + seed) & 0xff);
}
