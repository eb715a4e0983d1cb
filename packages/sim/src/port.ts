import { ChecksumState, type Packet, type PacketPool, PacketQueue, TimestampSource } from '@prism-net/buffers';
import { CaptureDirection, type Link, type LinkCapabilities, LinkStatistics, type PcapWriter } from '@prism-net/link';
import type { MacAddress } from '@prism-net/wire';
import type { FrameSink, Line } from './line.js';
import { FRAME_OVERHEAD } from './line-options.js';

/** Something a cable can be plugged into. */
export interface Jack extends FrameSink {
  readonly name: string;
  /** The line that takes what leaves by this jack; null while nothing is plugged in. */
  line: Line | null;
}

export interface PortOptions {
  readonly mtu: number;
  readonly macAddress: MacAddress;
  /** Frames that wait for the host at most; further ones are lost. */
  readonly receiveQueue: number;
  /** Checksums are left to the port on the way out, and not looked at on the way in. */
  readonly checksumOffload: boolean;
}

/**
 * The network card of a simulated host. As a card does, it copies: what is sent leaves the host's packets at once, and
 * what arrives is copied into packets of the host. So no host can hold another's memory.
 */
export class Port implements Link, Jack {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  /** The host's packets. */
  readonly pool: PacketPool;
  line: Line | null = null;
  /** Called when a frame has arrived. */
  onArrival: (() => void) | null = null;

  readonly #network: PacketPool;
  readonly #maximumFrame: number;
  readonly #receiveQueue: number;
  readonly #checksumOffload: boolean;
  readonly #inbound = new PacketQueue();
  #wake: (() => void) | null = null;
  #refused = false;
  #capture: PcapWriter | null = null;
  #readTime: () => number = () => 0;
  #closed = false;

  /** `network`: what frames are copied into on their way. */
  constructor(name: string, pool: PacketPool, network: PacketPool, options: PortOptions) {
    const { mtu, macAddress, checksumOffload } = options;
    this.name = name;
    this.pool = pool;
    this.#network = network;
    this.#maximumFrame = mtu + FRAME_OVERHEAD;
    this.#receiveQueue = options.receiveQueue;
    this.#checksumOffload = checksumOffload;
    this.capabilities = {
      mtu,
      macAddress,
      mode: 'simulated',
      loopback: false,
      receiveChecksum: checksumOffload,
      transmitChecksum: checksumOffload,
      segmentation: 0,
      maximumSegments: 65_535,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
  }

  /** Writes what passes this port from now on to a capture; null ends that. The writer stays the caller's to flush. */
  capture(writer: PcapWriter | null, readTime: () => number): void {
    this.#capture = writer;
    this.#readTime = readTime;
  }

  receive(burst: Packet[], maximum: number): number {
    let count = 0;
    let bytes = 0;
    while (count < maximum) {
      const packet = this.#inbound.shift();
      if (packet === null) break;
      burst[count] = packet;
      count = (count + 1) | 0;
      bytes = (bytes + packet.totalLength) | 0;
    }
    if (count !== 0) this.statistics.countReceived(count, bytes);
    return count;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    let taken = 0;
    let sent = 0;
    let bytes = 0;
    for (; taken < count; taken = (taken + 1) | 0) {
      if (this.line?.pushesBack) break;
      const packet = burst[(from + taken) | 0]!;
      const length = this.#send(packet);
      packet.release();
      if (length === 0) continue;
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    this.#refused = taken < count;
    if (sent !== 0) this.statistics.countTransmitted(sent, bytes);
    if (sent !== taken) this.statistics.countDropped(taken - sent);
    if (taken < count) this.statistics.countRefused(count - taken);
    return taken;
  }

  /** Takes a packet of the network; false when too many wait already, or the host has no packet left. */
  arrive(packet: Packet): boolean {
    const copy = this.#closed || this.#inbound.length >= this.#receiveQueue ? null : packet.copyTo(this.pool);
    if (copy === null) {
      this.statistics.countDropped(1);
      return false;
    }
    packet.release();
    this.#record(copy, CaptureDirection.RECEIVED);
    this.#inbound.push(copy);
    this.onArrival?.();
    return true;
  }

  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    this.#wake = this.#inbound.length > 0 ? null : wake;
    return this.#wake !== null;
  }

  nextReceive(): number {
    return this.#inbound.length > 0 ? 0 : -1;
  }

  /** The line has room again: true when frames were refused. */
  takeRefusal(): boolean {
    const refused = this.#refused;
    this.#refused = false;
    return refused;
  }

  close(): void {
    this.#closed = true;
    this.#wake = null;
    this.#inbound.clear();
  }

  /** Puts a copy on the line; returns its length, 0 when it is lost here. The packet stays the caller's. */
  #send(packet: Packet): number {
    const length = packet.totalLength;
    if (this.#closed || this.line === null || length > this.#maximumFrame) return 0;
    const copy = packet.copyTo(this.#network);
    if (copy === null) return 0;
    // Nothing but bytes crosses a wire.
    copy.flags = 0;
    copy.gsoSize = 0;
    copy.rssHash = 0;
    copy.timestampSource = TimestampSource.NONE;
    if (!this.#checksumOffload) copy.checksumState = ChecksumState.UNKNOWN;
    this.#record(copy, CaptureDirection.TRANSMITTED);
    this.line.send(copy);
    return length;
  }

  #record(packet: Packet, direction: CaptureDirection): void {
    const writer = this.#capture;
    if (writer === null) return;
    const time = this.#readTime();
    const seconds = Math.floor(time / 1e6);
    writer.write(packet, seconds, (time - seconds * 1e6) * 1000, direction);
    writer.commit();
  }
}
