import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { type Link, type LinkCapabilities, LinkStatistics, MAXIMUM_VIRTUAL_SEGMENT } from '@prism-net/link';
import { type NetworkInterface, Readable, Readiness, Writable } from '@prism-net/linux';
import type { MacAddress } from '@prism-net/wire';
import type { NativePacketSocket } from './addon.js';
import type { Channel } from './channel.js';
import { EAGAIN } from './errno.js';
import { Counter, PacketLinkCounters } from './link-counters.js';
import { FRAME_OVERHEAD, Offload } from './offload.js';
import type { ParsedPacketLinkOptions } from './packet-link-options.js';
import { RingChannel, type RingPlacement } from './ring-channel.js';
import { TRANSMIT_OVERHEAD } from './ring-transmitter.js';
import { POLLIN } from './socket-options.js';
import { VirtioChannel } from './virtio-channel.js';

/** Until what the kernel, or the pool, had no room for is tried again: nobody tells when that changes. */
const RETRY_MICROSECONDS = 200;
/** Most frames of one packet to be sent: 64 KiB in pieces of 128 bytes. */
const MAXIMUM_SEGMENTS = 512;
const PAGE = 4096;
const TIMESTAMPS = {
  none: TimestampSource.NONE,
  software: TimestampSource.SOFTWARE,
  hardware: TimestampSource.HARDWARE,
} as const;

/**
 * A network interface of Linux, through an AF_PACKET socket; made by `openPacketLink`. It hears what comes in for its
 * address, for groups and for all, as the kernel does beside it, and never what this host sends.
 *
 * While the interface is down what is sent is dropped, and counted; once it is up again the link goes on. After it was
 * removed the link is silent.
 */
export class PacketLink implements Link {
  readonly name: string;
  /** The interface's name when the link was opened. */
  readonly interface: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  readonly pool: PacketPool;

  readonly #counters = new PacketLinkCounters();
  readonly #socket: NativePacketSocket;
  readonly #readiness: Readiness;
  readonly #channel: Channel;
  #closed = false;

  constructor(
    options: ParsedPacketLinkOptions,
    networkInterface: NetworkInterface,
    macAddress: MacAddress,
    socket: NativePacketSocket,
    words: Int32Array,
    pool: PacketPool,
    placement: RingPlacement | null,
  ) {
    const { mtu } = networkInterface;
    const segmentation = placement === null ? MAXIMUM_VIRTUAL_SEGMENT : ofSlots(placement.transmit.slotBytes, mtu);
    this.name = options.name;
    this.interface = networkInterface.name;
    this.pool = pool;
    this.capabilities = {
      mtu,
      macAddress,
      mode: options.mode,
      loopback: false,
      receiveChecksum: true,
      transmitChecksum: true,
      segmentation,
      maximumSegments: MAXIMUM_SEGMENTS,
      sendsViews: true,
      timestamps: TIMESTAMPS[options.timestamps],
      queues: 1,
    };
    const offload = new Offload(mtu, segmentation);
    const { statistics } = this;
    this.#socket = socket;
    this.#readiness = new Readiness(socket.descriptor(), socket);
    this.#channel =
      placement === null
        ? new VirtioChannel(socket, words, pool, offload, statistics, this.#counters)
        : new RingChannel(socket, placement, pool, offload, statistics, this.#counters);
  }

  /** What this link counts beyond the statistics of every link; asks the kernel for its drops. */
  get counters(): PacketLinkCounters {
    if (!this.#closed) this.#counters.count(Counter.KERNEL_DROPS, this.#socket.drops());
    return this.#counters;
  }

  /** Calls into the addon on the data path, so far. */
  get nativeCalls(): number {
    return this.#counters.nativeCalls;
  }

  receive(burst: Packet[], maximum: number): number {
    return this.#closed ? 0 : this.#channel.receive(burst, maximum);
  }

  transmit(burst: Packet[], from: number, count: number): number {
    if (!this.#closed) return this.#channel.transmit(burst, from, count);
    for (let i = from; i < from + count; i++) burst[i]!.release();
    this.statistics.countDropped(count);
    return count;
  }

  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    const channel = this.#channel;
    // Starved, the link is woken by time (nextReceive): the socket is readable all the while.
    const { isStarved } = channel;
    if (!isStarved && channel.hasPackets()) return this.#disarm();
    this.#counters.count(Counter.NATIVE_CALLS, 1);
    const state = this.#socket.poll();
    if (state < 0) this.#counters.count(Counter.INTERFACE_ERRORS, 1);
    else if (!isStarved && (state & POLLIN) !== 0) return this.#disarm();
    const events = (isStarved ? 0 : Readable) | (channel.refusal === EAGAIN ? Writable : 0);
    if (events === 0) this.#readiness.disarm();
    else this.#readiness.arm(events, wake);
    return true;
  }

  nextReceive(): number {
    if (this.#closed) return -1;
    const { isStarved, refusal } = this.#channel;
    return isStarved || (refusal !== 0 && refusal !== EAGAIN) ? RETRY_MICROSECONDS : -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#counters.count(Counter.KERNEL_DROPS, this.#socket.drops());
    this.#closed = true;
    this.#readiness.close();
    this.#socket.close();
    this.#channel.close();
  }

  #disarm(): boolean {
    this.#readiness.disarm();
    return false;
  }
}

/** The longest virtual segment that a slot holds; 0 when it is for single frames. */
function ofSlots(slotBytes: number, mtu: number): number {
  // The kernel takes 17 pages of a packet at most (MAX_SKB_FRAGS): one that starts within a page must be shorter.
  const pages = slotBytes % PAGE === 0 ? MAXIMUM_VIRTUAL_SEGMENT : 15 * PAGE;
  const longest = Math.min(slotBytes - TRANSMIT_OVERHEAD - FRAME_OVERHEAD, pages, MAXIMUM_VIRTUAL_SEGMENT);
  return longest > 2 * mtu ? longest : 0;
}
