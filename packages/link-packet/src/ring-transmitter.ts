import type { Packet, PacketMemory } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import type { NativePacketSocket } from './addon.js';
import { ENOBUFS, isInterfaceError, MOST_REFUSALS } from './errno.js';
import { Counter, type PacketLinkCounters } from './link-counters.js';
import type { Offload } from './offload.js';
import * as tpacket from './tpacket.js';
import { TransmitStatus } from './tpacket.js';

const VIRTIO_HEADER = 10;
/** Longer than any packet: EMSGSIZE. */
const TOO_LONG = 0x7fff_ffff;
/** Where a packet starts in its slot. */
const DATA = tpacket.HEADER_BYTES + VIRTIO_HEADER;
/** Bytes of a slot that are not the packet's. */
export const TRANSMIT_OVERHEAD = DATA;

/** Sends by a ring that the kernel empties when it is told to: one call for each burst. */
export class RingTransmitter {
  /** Why the last transmit took fewer than it was offered: the error's number, or 0. */
  refusal = 0;

  readonly #socket: NativePacketSocket;
  readonly #memory: PacketMemory;
  readonly #words: Int32Array;
  readonly #view: DataView;
  readonly #slots: Int32Array;
  readonly #room: number;
  readonly #offload: Offload;
  readonly #statistics: LinkStatistics;
  readonly #counters: PacketLinkCounters;
  /** The slot for the next packet, and how many before it the kernel has not looked at yet. */
  #next = 0;
  #waiting = 0;
  /** How often in a row the queue discipline has refused the first of those that wait. */
  #refusals = 0;

  constructor(
    socket: NativePacketSocket,
    memory: PacketMemory,
    slots: Int32Array,
    slotBytes: number,
    offload: Offload,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    this.#socket = socket;
    this.#memory = memory;
    this.#words = memory.words;
    this.#view = memory.view;
    this.#slots = slots;
    this.#room = slotBytes - DATA;
    this.#offload = offload;
    this.#statistics = statistics;
    this.#counters = counters;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    const words = this.#words;
    const slots = this.#slots;
    const end = (from + count) | 0;
    let next = from;
    this.refusal = 0;
    for (; next < end; next = (next + 1) | 0) {
      const at = slots[this.#next]!;
      if (Atomics.load(words, at >> 2) !== TransmitStatus.AVAILABLE) {
        this.refusal = ENOBUFS;
        break;
      }
      const packet = burst[next]!;
      const length = packet.nextSegment === null ? packet.length : packet.totalLength;
      if (length > this.#room || !this.#offload.describe(packet, length)) {
        this.#statistics.countDropped(1);
        packet.release();
        continue;
      }
      this.#fill(at, packet, length);
      this.#statistics.countTransmitted(1, length);
      if (packet.gsoSize !== 0) this.#counters.count(Counter.TRANSMITTED_SUPER_SEGMENTS, 1);
      packet.release();
      this.#next = this.#next + 1 === slots.length ? 0 : (this.#next + 1) | 0;
      this.#waiting = (this.#waiting + 1) | 0;
    }
    if (this.#waiting !== 0) this.#kick();
    if (next < end) this.#statistics.countRefused((end - next) | 0);
    return (next - from) | 0;
  }

  /** Has the kernel send what it had no room for before. */
  sendWaiting(): void {
    if (this.#waiting === 0) return;
    this.refusal = 0;
    this.#kick();
  }

  #fill(at: number, packet: Packet, length: number): void {
    const view = this.#view;
    const offload = this.#offload;
    const header = (at + tpacket.HEADER_BYTES) | 0;
    view.setUint8(header, offload.flags);
    view.setUint8((header + 1) | 0, offload.gsoType);
    view.setUint16((header + 2) | 0, offload.headerLength, true);
    view.setUint16((header + 4) | 0, offload.gsoSize, true);
    view.setUint16((header + 6) | 0, offload.checksumStart, true);
    view.setUint16((header + 8) | 0, offload.checksumOffset, true);
    let to = (at + DATA) | 0;
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      if (segment.memory === this.#memory) this.#memory.copy(to, segment.offset, segment.length);
      else this.#memory.write(to, segment.memory.bytes, segment.offset, segment.length);
      to = (to + segment.length) | 0;
    }
    const word = at >> 2;
    this.#words[word + tpacket.LENGTH] = (VIRTIO_HEADER + length) | 0;
    Atomics.store(this.#words, word, TransmitStatus.SEND_REQUEST);
  }

  #kick(): void {
    this.#counters.count(Counter.NATIVE_CALLS, 1);
    const result = this.#socket.kick();
    const errno = result < 0 ? -result | 0 : 0;
    if (isInterfaceError(errno)) {
      this.#counters.count(Counter.INTERFACE_ERRORS, 1);
      this.#takeBack();
      return;
    }
    const before = this.#waiting;
    this.#forgetTaken();
    if (this.#waiting < before) this.#refusals = 0;
    if (this.#waiting === 0) return;
    // The kernel has no room: what it has not taken goes with the next call.
    this.refusal = ENOBUFS;
    if (errno !== ENOBUFS) return;
    this.#refusals = (this.#refusals + 1) | 0;
    if (this.#refusals < MOST_REFUSALS) return;
    // It goes by its own head and not by ours: a slot it cannot but pass over (PACKET_LOSS).
    this.#words[(this.#slots[this.#first()]! >> 2) + tpacket.LENGTH] = TOO_LONG;
    this.#refusals = 0;
    this.#counters.count(Counter.TRANSMIT_ERRORS, 1);
    this.#statistics.countDropped(1);
  }

  /** Counts only those as waiting that the kernel has not taken. */
  #forgetTaken(): void {
    while (this.#waiting !== 0) {
      if (Atomics.load(this.#words, this.#slots[this.#first()]! >> 2) === TransmitStatus.SEND_REQUEST) return;
      this.#waiting = (this.#waiting - 1) | 0;
    }
  }

  /** The first slot that waits. */
  #first(): number {
    const first = (this.#next - this.#waiting) | 0;
    return first < 0 ? (first + this.#slots.length) | 0 : first;
  }

  #last(): number {
    return this.#next === 0 ? (this.#slots.length - 1) | 0 : (this.#next - 1) | 0;
  }

  /** The interface is down or gone: what the kernel has not taken is lost, as with a cable that is pulled out. */
  #takeBack(): void {
    const words = this.#words;
    for (; this.#waiting > 0; this.#waiting = (this.#waiting - 1) | 0) {
      const last = this.#last();
      const word = this.#slots[last]! >> 2;
      if (Atomics.load(words, word) !== TransmitStatus.SEND_REQUEST) break;
      Atomics.store(words, word, TransmitStatus.AVAILABLE);
      this.#next = last;
      this.#statistics.countDropped(1);
    }
    this.#waiting = 0;
  }
}
