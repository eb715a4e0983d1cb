import { ChecksumState, type Packet } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import type { NativePacketSocket } from './addon.js';
import { EAGAIN, ENOBUFS, isInterfaceError } from './errno.js';
import { Counter, type PacketLinkCounters } from './link-counters.js';
import { TransportHeader } from './transport-header.js';
import { MAXIMUM_FRAMES, MAXIMUM_MESSAGES, Words } from './words.js';

// <linux/virtio_net.h>
const NEEDS_CSUM = 1;
const GSO_SHIFT = 8;
const GSO_TCPV4 = 1;
const GSO_TCPV6 = 4;
const GSO_ECN = 0x80;

/** Ethernet header and one VLAN tag: what a frame may have beyond the MTU. */
const FRAME_OVERHEAD = 18;

/** Most frames of one packet: 64 KiB in pieces of 128 bytes. */
export const MAXIMUM_SEGMENTS = 512;

/** Sends by sendmmsg, a virtio-net header in front of each packet: checksums and cutting are left to the kernel, or its card. */
export class VirtioTransmitter {
  /** Why the last call took fewer than it was offered: the error's number, or 0. */
  refusal = 0;

  readonly #socket: NativePacketSocket;
  readonly #words: Int32Array;
  readonly #statistics: LinkStatistics;
  readonly #counters: PacketLinkCounters;
  readonly #header = new TransportHeader();
  readonly #mtu: number;
  readonly #maximumVirtual: number;
  /** Of the system call being prepared. */
  #messages = 0;
  #parts = 0;

  /** `mtu` and `maximumVirtual`, the longest virtual segment, count IP datagrams. */
  constructor(
    socket: NativePacketSocket,
    words: Int32Array,
    mtu: number,
    maximumVirtual: number,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    this.#socket = socket;
    this.#words = words;
    this.#mtu = mtu;
    this.#maximumVirtual = maximumVirtual;
    this.#statistics = statistics;
    this.#counters = counters;
  }

  /** Takes packets of this memory, as `Link.transmit`. */
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
        this.#drop(burst[next]!);
        next = (next + 1) | 0;
        continue;
      }
      this.#counters.count(Counter.NATIVE_CALLS, 1);
      const sent = this.#socket.transmit(this.#messages);
      for (const last = next + sent; next < last; next = (next + 1) | 0) this.#sent(burst[next]!);
      if (sent > 0) continue;
      const errno = -sent;
      if (errno === EAGAIN || errno === ENOBUFS) {
        this.refusal = errno;
        break;
      }
      if (isInterfaceError(errno)) {
        // As with a cable pulled out: what is sent is lost.
        this.#counters.count(Counter.INTERFACE_ERRORS, 1);
        this.#statistics.countDropped((end - next) | 0);
        for (; next < end; next = (next + 1) | 0) burst[next]!.release();
        break;
      }
      this.#counters.count(Counter.TRANSMIT_ERRORS, 1);
      this.#drop(burst[next]!);
      next = (next + 1) | 0;
    }
    if (next < end) this.#statistics.countRefused((end - next) | 0);
    return (next - from) | 0;
  }

  #drop(packet: Packet): void {
    this.#statistics.countDropped(1);
    packet.release();
  }

  #sent(packet: Packet): void {
    this.#statistics.countTransmitted(1, packet.nextSegment === null ? packet.length : packet.totalLength);
    if (packet.gsoSize !== 0) this.#counters.count(Counter.TRANSMITTED_SUPER_SEGMENTS, 1);
    packet.release();
  }

  /** Adds a packet to the system call. False: there is no more room, or (then it is the first) it cannot be sent. */
  #describe(packet: Packet): boolean {
    const words = this.#words;
    const messages = this.#messages;
    if (messages === MAXIMUM_MESSAGES) return false;
    let parts = this.#parts;
    let length = 0;
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      if (parts === MAXIMUM_FRAMES) return false;
      const at = (Words.PARTS + parts * 2) | 0;
      words[at] = segment.offset;
      words[at + 1] = segment.length;
      length = (length + segment.length) | 0;
      parts = (parts + 1) | 0;
    }
    const record = (Words.TRANSMIT + messages * Words.TRANSMIT_WORDS) | 0;
    if (packet.gsoSize === 0 && packet.checksumState !== ChecksumState.PARTIAL) {
      if (length > this.#mtu + FRAME_OVERHEAD) return false;
      words[record + 1] = 0;
      words[record + 2] = 0;
      words[record + 3] = 0;
      words[record + 4] = 0;
      words[record + 5] = 0;
    } else if (!this.#describeOffload(packet, length, record)) {
      return false;
    }
    words[record] = (parts - this.#parts) | 0;
    this.#parts = parts;
    this.#messages = (messages + 1) | 0;
    return true;
  }

  /** What is left to the kernel: the checksum, and cutting. */
  #describeOffload(packet: Packet, length: number, record: number): boolean {
    const words = this.#words;
    const header = this.#header;
    if (!header.read(packet)) return false;
    const { gsoSize } = packet;
    let flags = packet.checksumState === ChecksumState.PARTIAL ? NEEDS_CSUM : 0;
    if (gsoSize === 0) {
      if (length > this.#mtu + FRAME_OVERHEAD) return false;
    } else {
      if (!header.isTcp || gsoSize > this.#mtu || length > this.#maximumVirtual + FRAME_OVERHEAD) return false;
      flags |= (header.isIpv6 ? GSO_TCPV6 : GSO_TCPV4) << GSO_SHIFT;
      if (header.isCongestionWindowReduced) flags |= GSO_ECN << GSO_SHIFT;
    }
    words[record + 1] = flags;
    words[record + 2] = header.end;
    words[record + 3] = gsoSize;
    words[record + 4] = header.start;
    words[record + 5] = header.checksum;
    return true;
  }
}
