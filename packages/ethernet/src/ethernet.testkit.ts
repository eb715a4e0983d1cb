import { type Packet, PacketMemory, PacketPool } from '@prism-net/buffers';
import { createPipe, type Link, PacketAccounts, type PipeOptions } from '@prism-net/link';
import { SeededRandom } from '@prism-net/tables';
import { ManualClock, TimerWheel } from '@prism-net/time';
import { arp, ethernet, parseIpv4Address } from '@prism-net/wire';
import { expect } from 'vitest';
import { EthernetInterface } from './ethernet-interface.js';
import type { EthernetInterfaceOptions } from './ethernet-options.js';

export const SECOND = 1_000_000;
export const US = { high: 0x0200, low: 1 };
export const PEER = { high: 0x0200, low: 0x22 };
export const OTHER = { high: 0x0200, low: 0x33 };
export const BROADCAST = { high: 0xffff, low: -1 };
export const ip = parseIpv4Address;
export const OWN_IP = ip('10.0.0.1');
export const PEER_IP = ip('10.0.0.2');

type Mac = { high: number; low: number };

/** One interface whose link is a cable; the test holds the other end. */
export class Bench {
  readonly memory: PacketMemory;
  readonly pool: PacketPool;
  readonly accounts = new PacketAccounts();
  readonly clock = new ManualClock(-3 * SECOND); // every test crosses the wrap of int32 at zero
  readonly timers = new TimerWheel({ capacity: 64, now: this.clock.now() });
  readonly random = new SeededRandom(7);
  readonly link: Link;
  readonly wire: Link;
  readonly interface: EthernetInterface;
  readonly passedUp: Uint8Array[] = [];
  readonly unreachable: Uint8Array[] = [];
  lastPacket = { flags: 0, packetType: 0, interfaceIndex: 0 };

  /** Without `debug` leaks are still found, and very many frames take a tenth of the time. */
  constructor(options: Partial<EthernetInterfaceOptions> = {}, debug = true, pipe: PipeOptions = { capacity: 256 }) {
    this.memory = PacketMemory.create({ frames: 1024, debug });
    this.pool = PacketPool.create(this.memory, 1024);
    [this.link, this.wire] = createPipe({ ...pipe, macAddresses: [US, PEER] });
    this.interface = new EthernetInterface({
      index: 3,
      link: this.link,
      pool: this.pool,
      accounts: this.accounts,
      timers: this.timers,
      random: this.random,
      ...options,
    });
    this.interface.onUnreachable = {
      unreachable: (packet) => {
        this.unreachable.push(packet.toBytes());
        this.interface.refuse(packet);
      },
    };
  }

  get now(): number {
    return this.clock.now();
  }

  /** Registers a handler that keeps copies of what it gets. */
  collect(etherType: number): void {
    this.interface.register(etherType, {
      receive: (packet) => {
        const { flags, packetType, interfaceIndex } = packet;
        this.lastPacket = { flags, packetType, interfaceIndex };
        this.passedUp.push(packet.toBytes());
        this.accounts.deliver();
        packet.release();
      },
    });
  }

  packet(bytes: Uint8Array): Packet {
    const packet = this.pool.take()!;
    packet.length = bytes.length;
    this.memory.write(packet.offset, bytes, 0, bytes.length);
    return packet;
  }

  /** A frame arrives; the interface is polled. */
  arrive(frame: Uint8Array): void {
    this.put(this.packet(frame));
  }

  put(packet: Packet): void {
    expect(this.wire.transmit([packet], 0, 1)).toBe(1);
    while (this.interface.poll(32, this.now) > 0);
  }

  /** Lets time pass in steps of 10 ms, or of what is asked for. */
  pass(microseconds: number, step = 10_000): void {
    for (let left = microseconds; left > 0; left -= step) {
      this.timers.advance(this.clock.advance(Math.min(step, left)), 1000);
    }
  }

  /** Everything sent since the last call. */
  sent(): Uint8Array[] {
    this.interface.flush();
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

  /** Sends a payload of one byte to an IPv4 neighbour. */
  send(mark: number, to: number = PEER_IP): number {
    return this.interface.sendToNeighbour(this.packet(Uint8Array.of(mark)), ethernet.EtherType.IPV4, to, this.now);
  }

  /** Closes everything and checks the books. */
  finish(): void {
    this.interface.close();
    this.wire.close();
    this.pool.assertNoLeaks();
    expect(this.timers.armed).toBe(0);
    expect(this.accounts.snapshot().unexplained).toBe(0);
  }
}

export function frame(to: Mac, from: Mac, etherType: number, payload: Uint8Array | number[]): Uint8Array {
  const bytes = new Uint8Array(14 + payload.length);
  ethernet.write(new DataView(bytes.buffer), 0, to.high, to.low, from.high, from.low, etherType);
  bytes.set(payload, 14);
  return bytes;
}

export interface ArpFields {
  to?: Mac;
  from?: Mac;
  operation: number;
  senderMac?: Mac;
  sender: number;
  targetMac?: Mac;
  target: number;
}

export function arpFrame(fields: ArpFields): Uint8Array {
  const { from = PEER, to = US, operation, sender, target } = fields;
  const senderMac = fields.senderMac ?? from;
  const targetMac = fields.targetMac ?? { high: 0, low: 0 };
  const payload = new Uint8Array(46); // padded, as on a real wire
  arp.write(
    new DataView(payload.buffer),
    0,
    operation,
    senderMac.high,
    senderMac.low,
    sender,
    targetMac.high,
    targetMac.low,
    target,
  );
  return frame(to, from, ethernet.EtherType.ARP, payload);
}

export function request(sender: number, target: number, more: Partial<ArpFields> = {}): Uint8Array {
  return arpFrame({ operation: arp.Operation.REQUEST, to: BROADCAST, sender, target, ...more });
}

export function reply(sender: number, target: number, more: Partial<ArpFields> = {}): Uint8Array {
  return arpFrame({ operation: arp.Operation.REPLY, sender, target, ...more });
}

/** A sent frame, taken apart. */
export function parse(bytes: Uint8Array) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = ethernet.parse(view, 0, bytes.length);
  if (typeof header === 'number') throw new Error(`not a frame: ${header}`);
  const message = header.etherType === ethernet.EtherType.ARP ? arp.parse(view, 14, bytes.length - 14) : null;
  if (typeof message === 'number') throw new Error(`not ARP: ${message}`);
  return { ...header, payload: bytes.subarray(14), arp: message };
}
