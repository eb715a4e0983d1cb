import { ChecksumState, HEADROOM, type Packet, type PacketPool } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import { vlan } from '@prism-net/wire';
import type { NativePacketSocket } from './addon.js';
import { EAGAIN, EINTR, ENOMEM, isInterfaceError } from './errno.js';
import { Counter, type PacketLinkCounters } from './link-counters.js';
import { ReceiveFrames } from './receive-frames.js';
import { MAXIMUM_MESSAGES, Words } from './words.js';

/** In front of a received packet: as much as in front of a fresh one, and 2 so that its IP header is on a 4-byte boundary. */
const ROOM = HEADROOM + 2;
/** Longest packet: an IP datagram of 64 KiB behind its Ethernet header. */
const LONGEST = 65_535 + 18;
const ETHERNET_HEADER = 14;
const MAC_ADDRESSES = 12;

// <linux/virtio_net.h>
const NEEDS_CSUM = 1;
const DATA_VALID = 2;
const GSO_SHIFT = 8;
const GSO_TYPE = 0x7f;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
/** Not of virtio: the packet was longer than its frames. */
const TRUNCATED = 1 << 16;

/** Receives by recvmsg with a virtio-net header: packets of up to 64 KiB, as the sending kernel or GRO made them. */
export class VirtioReceiver {
  /** The last call ended because frames were lacking, not packets. */
  isStarved = false;
  readonly #socket: NativePacketSocket;
  readonly #words: Int32Array;
  readonly #frames: ReceiveFrames;
  readonly #statistics: LinkStatistics;
  readonly #counters: PacketLinkCounters;
  readonly #frameSize: number;
  /** Most frames of one packet. */
  readonly #longest: number;
  #used = 0;

  constructor(
    socket: NativePacketSocket,
    words: Int32Array,
    pool: PacketPool,
    burst: number,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    const { frameSize } = pool.memory.layout;
    this.#socket = socket;
    this.#words = words;
    this.#frameSize = frameSize;
    this.#longest = 1 + Math.max(0, Math.ceil((LONGEST - (frameSize - ROOM)) / frameSize));
    this.#frames = new ReceiveFrames(pool, this.#longest - 1 + burst, words, Words.FRAMES);
    this.#statistics = statistics;
    this.#counters = counters;
  }

  receive(burst: Packet[], maximum: number): number {
    const words = this.#words;
    let received = 0;
    let bytes = 0;
    this.isStarved = false;
    while (received < maximum) {
      const isFull = this.#frames.replace(this.#used);
      this.#used = 0;
      const { count } = this.#frames;
      const asked = Math.min((maximum - received) | 0, MAXIMUM_MESSAGES);
      this.#counters.count(Counter.NATIVE_CALLS, 1);
      const messages = this.#socket.receive(asked, count, this.#frameSize, ROOM, this.#longest, isFull ? 0 : 1);
      for (let i = 0; i < messages; i = (i + 1) | 0) {
        const packet = this.#take((Words.RECEIVED + Math.imul(i, Words.RECEIVED_WORDS)) | 0);
        if (packet === null) continue;
        burst[received] = packet;
        received = (received + 1) | 0;
        bytes = (bytes + words[(Words.RECEIVED + Math.imul(i, Words.RECEIVED_WORDS)) | 0]!) | 0;
      }
      const status = words[Words.STATUS]!;
      if (status === 0) {
        // Frames were lacking; there may be more now.
        if (messages === 0) break;
      } else if (!this.#goesOnAfter(status)) {
        break;
      }
    }
    if (received !== 0) this.#statistics.countReceived(received, bytes);
    return received;
  }

  close(): void {
    this.#frames.replace(this.#used);
    this.#used = 0;
    this.#frames.release();
  }

  /** Whether there may be more to receive although the kernel reported an error. */
  #goesOnAfter(errno: number): boolean {
    if (errno === EAGAIN || errno === EINTR) return false;
    if (errno === ENOMEM) {
      this.isStarved = true;
      this.#counters.count(Counter.STARVED, 1);
      return false;
    }
    if (isInterfaceError(errno)) {
      // Reported once; what had come before is there still.
      this.#counters.count(Counter.INTERFACE_ERRORS, 1);
      return true;
    }
    // A packet of a kind that the virtio-net header has no word for (EINVAL): the kernel has dropped it.
    this.#statistics.countDropped(1);
    return true;
  }

  /** Makes a packet of the next record; null when it is not fit for anybody. */
  #take(record: number): Packet | null {
    const words = this.#words;
    const length = words[record]!;
    const frames = words[record + 1]!;
    const flags = words[record + 2]!;
    const first = this.#frames.frame(this.#used);
    const firstLength = Math.min(length, this.#frameSize - ROOM);
    first.offset = (first.base + ROOM) | 0;
    first.length = firstLength;
    let left = (length - firstLength) | 0;
    let last = first;
    for (let i = 1; i < frames; i = (i + 1) | 0) {
      const next = this.#frames.frame((this.#used + i) | 0);
      next.offset = next.base;
      next.length = Math.min(left, this.#frameSize);
      left = (left - next.length) | 0;
      last.nextSegment = next;
      last = next;
    }
    this.#used = (this.#used + frames) | 0;
    if (length < ETHERNET_HEADER || (flags & TRUNCATED) !== 0 || left !== 0) {
      first.release();
      this.#statistics.countDropped(1);
      if (length >= ETHERNET_HEADER) this.#counters.count(Counter.TRUNCATED, 1);
      return null;
    }
    if ((flags & NEEDS_CSUM) !== 0) first.checksumState = ChecksumState.PARTIAL;
    else if ((flags & DATA_VALID) !== 0) first.checksumState = ChecksumState.VERIFIED;
    const gsoType = (flags >>> GSO_SHIFT) & GSO_TYPE;
    if (gsoType === GSO_TCPV4 || gsoType === GSO_TCPV6) {
      first.gsoSize = words[record + 3]!;
      this.#counters.count(Counter.RECEIVED_SUPER_SEGMENTS, 1);
    }
    const tag = words[record + 4]!;
    if (tag !== 0) putBackTag(first, tag);
    return first;
  }
}

/** Puts the VLAN tag that the kernel took out (`tag`: protocol and control information) back behind the addresses. */
function putBackTag(packet: Packet, tag: number): void {
  const at = packet.push(vlan.TAG_LENGTH);
  packet.memory.kernels.copy(at, (at + vlan.TAG_LENGTH) | 0, MAC_ADDRESSES);
  packet.view.setInt32((at + MAC_ADDRESSES) | 0, tag);
}
