import type { Packet, PacketPool, TimestampSource } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import type { NativePacketSocket } from './addon.js';
import type { Channel } from './channel.js';
import { DatagramCutter } from './datagram-cutter.js';
import { EAGAIN, EFAULT, EINTR, ENOBUFS, ENOMEM, isInterfaceError, MOST_REFUSALS } from './errno.js';
import { Counter, type PacketLinkCounters } from './link-counters.js';
import { GsoType, type Offload } from './offload.js';
import { ReceiveFrames } from './receive-frames.js';
import { ReceivedChecksum } from './received-checksum.js';
import { ETHERNET_HEADER, mostFrames, putBackTag, ROOM } from './received-packet.js';
import { POLLIN } from './socket-options.js';
import { MAXIMUM_FRAMES, MAXIMUM_MESSAGES, Words } from './words.js';

const GSO_SHIFT = 8;
const GSO_TYPE = 0x7f;
/** Not of virtio: the packet was longer than its frames. */
const TRUNCATED = 1 << 16;
/** Small packets that one system call after the other may bring without frames being taken in between. */
const BURST = 32;

/**
 * System calls that carry a virtio-net header in front of each packet: recvmsg brings packets of up to 64 KiB, as the
 * sending kernel or GRO made them, and sendmmsg leaves checksums and cutting to the kernel, or its card.
 */
export class VirtioChannel implements Channel {
  isStarved = false;
  refusal = 0;

  readonly #socket: NativePacketSocket;
  readonly #words: Int32Array;
  readonly #pool: PacketPool;
  readonly #copies: Packet[] = [];
  readonly #frames: ReceiveFrames;
  readonly #offload: Offload;
  readonly #cutter: DatagramCutter;
  readonly #checksum = new ReceivedChecksum();
  readonly #statistics: LinkStatistics;
  readonly #counters: PacketLinkCounters;
  readonly #frameSize: number;
  readonly #mostFrames: number;
  /** Of the frames lying ready, those the last call has filled. */
  #used = 0;
  /** Of the system call being prepared. */
  #messages = 0;
  #parts = 0;
  /** How often in a row the queue discipline has refused the packet that is first. */
  #refusals = 0;

  constructor(
    socket: NativePacketSocket,
    words: Int32Array,
    pool: PacketPool,
    offload: Offload,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    const { frameSize } = pool.memory.layout;
    this.#socket = socket;
    this.#words = words;
    this.#pool = pool;
    this.#frameSize = frameSize;
    this.#mostFrames = mostFrames(frameSize);
    this.#frames = new ReceiveFrames(pool, this.#mostFrames - 1 + BURST, words, Words.FRAMES);
    this.#cutter = new DatagramCutter(pool);
    this.#offload = offload;
    this.#statistics = statistics;
    this.#counters = counters;
  }

  receive(burst: Packet[], maximum: number): number {
    let received = this.#cutter.take(burst, 0, maximum);
    let bytes = 0;
    for (let i = 0; i < received; i = (i + 1) | 0) bytes = (bytes + burst[i]!.totalLength) | 0;
    this.isStarved = false;
    while (received < maximum) {
      const isFull = this.#frames.replace(this.#used);
      this.#used = 0;
      const { count } = this.#frames;
      if (count === 0) {
        this.#counters.count(Counter.NATIVE_CALLS, 1);
        if ((this.#socket.poll() & POLLIN) !== 0) this.#starve();
        break;
      }
      const asked = Math.min((maximum - received) | 0, MAXIMUM_MESSAGES);
      this.#counters.count(Counter.NATIVE_CALLS, 1);
      const scarce = isFull ? 0 : 1;
      const messages = this.#socket.receive(asked, count, this.#frameSize, ROOM, this.#mostFrames, scarce);
      for (let i = 0; i < messages; i = (i + 1) | 0) {
        let packet = this.#takeReceived((Words.RECEIVED + Math.imul(i, Words.RECEIVED_WORDS)) | 0);
        // Behind datagrams that wait: nothing overtakes.
        if (this.#cutter.waiting !== 0) packet = this.#cutter.exchange(packet);
        if (packet === null) continue;
        burst[received] = packet;
        received = (received + 1) | 0;
        bytes = (bytes + (packet.nextSegment === null ? packet.length : packet.totalLength)) | 0;
      }
      const status = this.#words[Words.STATUS]!;
      // Without an error frames were lacking; there may be more now.
      if (status === 0 ? messages === 0 : !this.#goesOnAfter(status)) break;
    }
    if (received !== 0) this.#statistics.countReceived(received, bytes);
    return received;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    const end = (from + count) | 0;
    let next = from;
    this.refusal = 0;
    while (next < end) {
      this.#messages = 0;
      this.#parts = 0;
      let described = next;
      while (described < end && this.#describe(burst[described]!)) described = (described + 1) | 0;
      if (described === next) {
        // It stands first, so that nothing before it can be refused.
        const packet = burst[next]!;
        if (this.#isElsewhere(packet)) {
          if (!this.#sendCopy(packet)) break;
        } else {
          this.#drop(packet);
        }
        next = (next + 1) | 0;
        continue;
      }
      this.#counters.count(Counter.NATIVE_CALLS, 1);
      const sent = this.#socket.transmit(this.#messages);
      for (const last = next + sent; next < last; next = (next + 1) | 0) this.#countSent(burst[next]!);
      if (sent > 0) {
        this.#refusals = 0;
        continue;
      }
      const errno = -sent | 0;
      if (errno === ENOBUFS) this.#refusals = (this.#refusals + 1) | 0;
      if (errno === EAGAIN || (errno === ENOBUFS && this.#refusals < MOST_REFUSALS)) {
        this.refusal = errno;
        break;
      }
      if (isInterfaceError(errno)) {
        // As with a cable that is pulled out: what is sent is lost.
        this.#counters.count(Counter.INTERFACE_ERRORS, 1);
        for (; next < end; next = (next + 1) | 0) this.#drop(burst[next]!);
        break;
      }
      this.#refusals = 0;
      this.#counters.count(Counter.TRANSMIT_ERRORS, 1);
      this.#drop(burst[next]!);
      next = (next + 1) | 0;
    }
    if (next < end) this.#statistics.countRefused((end - next) | 0);
    return (next - from) | 0;
  }

  hasPackets(): boolean {
    return this.#cutter.waiting !== 0;
  }

  close(): void {
    this.#frames.release(this.#used);
    this.#used = 0;
    this.#cutter.close();
  }

  #starve(): void {
    this.isStarved = true;
    this.#counters.count(Counter.STARVED, 1);
  }

  /** Whether there may be more to receive although the kernel reported an error. */
  #goesOnAfter(errno: number): boolean {
    if (errno === EAGAIN || errno === EINTR || errno === EFAULT) return false;
    if (errno === ENOMEM) {
      this.#starve();
      return false;
    }
    if (isInterfaceError(errno)) {
      // Reported once; what had come before is there still.
      this.#counters.count(Counter.INTERFACE_ERRORS, 1);
      return true;
    }
    // EINVAL: a packet of a kind that the virtio-net header has no word for. The kernel has dropped it.
    this.#statistics.countDropped(1);
    return true;
  }

  /** Makes a packet of a record; null when it is not fit for anybody, or will come in parts. */
  #takeReceived(record: number): Packet | null {
    const words = this.#words;
    const length = words[record]!;
    const frames = words[record + 1]!;
    const flags = words[record + 2]!;
    const frameSize = this.#frameSize;
    const first = this.#frames.frame(this.#used);
    first.offset = (first.base + ROOM) | 0;
    first.length = Math.min(length, (frameSize - ROOM) | 0);
    let left = (length - first.length) | 0;
    let last = first;
    for (let i = 1; i < frames; i = (i + 1) | 0) {
      const next = this.#frames.frame((this.#used + i) | 0);
      next.offset = next.base;
      next.length = Math.min(left, frameSize);
      left = (left - next.length) | 0;
      last.nextSegment = next;
      last = next;
    }
    this.#used = (this.#used + frames) | 0;
    if (length < ETHERNET_HEADER || (flags & TRUNCATED) !== 0 || left !== 0) {
      if (length >= ETHERNET_HEADER) this.#counters.count(Counter.TRUNCATED, 1);
      this.#drop(first);
      return null;
    }
    const gsoType = (flags >>> GSO_SHIFT) & GSO_TYPE;
    const isVirtual = gsoType !== GsoType.NONE;
    if (!this.#checksum.apply(first, flags, isVirtual, words[record + 8]!, words[record + 9]!)) {
      this.#drop(first);
      return null;
    }
    first.timestampSource = words[record + 5]! as TimestampSource;
    first.timestampSeconds = words[record + 6]!;
    first.timestampNanoseconds = words[record + 7]!;
    const tag = words[record + 4]!;
    if (tag !== 0) putBackTag(first, tag);
    if (!isVirtual) return first;
    this.#counters.count(Counter.RECEIVED_SUPER_SEGMENTS, 1);
    if (gsoType === GsoType.UDP) {
      const lost = this.#cutter.cut(first, words[record + 3]!);
      if (lost !== 0) this.#statistics.countDropped(lost);
      return null;
    }
    first.gsoSize = words[record + 3]!;
    return first;
  }

  #drop(packet: Packet): void {
    this.#statistics.countDropped(1);
    packet.release();
  }

  #countSent(packet: Packet): void {
    this.#statistics.countTransmitted(1, packet.nextSegment === null ? packet.length : packet.totalLength);
    if (packet.gsoSize !== 0) this.#counters.count(Counter.TRANSMITTED_SUPER_SEGMENTS, 1);
    packet.release();
  }

  #isElsewhere(packet: Packet): boolean {
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      if (segment.memory !== this.#pool.memory) return true;
    }
    return false;
  }

  /** Takes a packet of another memory, which the kernel is not told of. False, and the packet stays the caller's: no room. */
  #sendCopy(packet: Packet): boolean {
    const copy = packet.copyTo(this.#pool);
    if (copy === null) {
      this.#drop(packet);
      return true;
    }
    this.#copies[0] = copy;
    if (this.transmit(this.#copies, 0, 1) === 0) {
      copy.release();
      this.#statistics.countRefused(-1); // counted again with those behind it
      return false;
    }
    packet.release();
    return true;
  }

  /** Adds a packet to the system call. False: there is no more room, or (then it is the first) it cannot be sent. */
  #describe(packet: Packet): boolean {
    const words = this.#words;
    const messages = this.#messages;
    if (messages === MAXIMUM_MESSAGES) return false;
    const { memory } = this.#pool;
    let parts = this.#parts;
    let length = 0;
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      if (parts === MAXIMUM_FRAMES || segment.memory !== memory) return false;
      const at = (Words.PARTS + parts * 2) | 0;
      words[at] = segment.offset;
      words[at + 1] = segment.length;
      length = (length + segment.length) | 0;
      parts = (parts + 1) | 0;
    }
    const offload = this.#offload;
    if (!offload.describe(packet, length)) return false;
    const record = (Words.TRANSMIT + messages * Words.TRANSMIT_WORDS) | 0;
    words[record] = (parts - this.#parts) | 0;
    words[record + 1] = offload.flags | (offload.gsoType << GSO_SHIFT);
    words[record + 2] = offload.headerLength;
    words[record + 3] = offload.gsoSize;
    words[record + 4] = offload.checksumStart;
    words[record + 5] = offload.checksumOffset;
    this.#parts = parts;
    this.#messages = (messages + 1) | 0;
    return true;
  }
}
