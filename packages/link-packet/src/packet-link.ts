import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { type Link, type LinkCapabilities, LinkStatistics, MAXIMUM_VIRTUAL_SEGMENT } from '@prism-net/link';
import { type NetworkInterface, Readable, Readiness, Writable } from '@prism-net/linux';
import type { MacAddress } from '@prism-net/wire';
import type { NativePacketSocket } from './addon.js';
import { EAGAIN } from './errno.js';
import { Counter, PacketLinkCounters } from './link-counters.js';
import { VirtioReceiver } from './virtio-receiver.js';
import { MAXIMUM_SEGMENTS, VirtioTransmitter } from './virtio-transmitter.js';

const POLLIN = 1;
/** Until packets that the kernel or the pool had no room for are tried again: nobody tells when that changes. */
const RETRY_MICROSECONDS = 200;

/** A network interface of Linux, through an AF_PACKET socket. Made by `openPacketLink`. */
export class PacketLink implements Link {
  readonly name: string;
  /** The interface's name when the link was opened. */
  readonly interface: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  readonly counters: PacketLinkCounters;
  readonly pool: PacketPool;

  readonly #socket: NativePacketSocket;
  readonly #readiness: Readiness;
  readonly #receiver: VirtioReceiver;
  readonly #transmitter: VirtioTransmitter;
  #closed = false;

  constructor(
    name: string,
    networkInterface: NetworkInterface,
    macAddress: MacAddress,
    socket: NativePacketSocket,
    words: Int32Array,
    pool: PacketPool,
  ) {
    this.name = name;
    this.interface = networkInterface.name;
    this.pool = pool;
    this.#socket = socket;
    this.counters = new PacketLinkCounters();
    const { mtu } = networkInterface;
    this.capabilities = {
      mtu,
      macAddress,
      mode: 'virtio',
      loopback: false,
      receiveChecksum: true,
      transmitChecksum: true,
      segmentation: MAXIMUM_VIRTUAL_SEGMENT,
      maximumSegments: MAXIMUM_SEGMENTS,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
    this.#receiver = new VirtioReceiver(socket, words, pool, 32, this.statistics, this.counters);
    this.#transmitter = new VirtioTransmitter(
      socket,
      words,
      mtu,
      MAXIMUM_VIRTUAL_SEGMENT,
      this.statistics,
      this.counters,
    );
    this.#readiness = new Readiness(socket.descriptor());
  }

  receive(burst: Packet[], maximum: number): number {
    return this.#closed ? 0 : this.#receiver.receive(burst, maximum);
  }

  transmit(burst: Packet[], from: number, count: number): number {
    if (!this.#closed) return this.#transmitter.transmit(burst, from, count);
    for (let i = from; i < from + count; i++) burst[i]!.release();
    this.statistics.countDropped(count);
    return count;
  }

  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    this.counters.count(Counter.NATIVE_CALLS, 1);
    const state = this.#socket.poll();
    if (state < 0) this.counters.count(Counter.INTERFACE_ERRORS, 1);
    // Starved, it is woken by time (nextReceive): the socket is readable all the while.
    const isStarved = this.#receiver.isStarved;
    if (state > 0 && (state & POLLIN) !== 0 && !isStarved) {
      this.#readiness.disarm();
      return false;
    }
    const events = (isStarved ? 0 : Readable) | (this.#transmitter.refusal === EAGAIN ? Writable : 0);
    if (events !== 0) this.#readiness.arm(events, wake);
    return true;
  }

  nextReceive(): number {
    if (this.#closed) return -1;
    const { refusal } = this.#transmitter;
    return this.#receiver.isStarved || (refusal !== 0 && refusal !== EAGAIN) ? RETRY_MICROSECONDS : -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#readiness.close();
    this.#socket.close();
    this.#receiver.close();
  }
}
