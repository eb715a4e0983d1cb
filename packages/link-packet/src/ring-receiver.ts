import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import { DatagramCutter } from './datagram-cutter.js';
import { Counter, type PacketLinkCounters } from './link-counters.js';
import { GsoType } from './offload.js';
import { ReceivedChecksum } from './received-checksum.js';
import { ETHERNET_HEADER, putBackTag, ROOM } from './received-packet.js';
import * as tpacket from './tpacket.js';
import { ReceiveStatus } from './tpacket.js';

const VIRTIO_HEADER = 10;
const GSO_TYPE_AT = 1;
const GSO_SIZE_AT = 4;
const CHECKSUM_START_AT = 6;
const CHECKSUM_FIELD_AT = 8;
const GSO_TYPE = 0x7f;
const VLAN_PROTOCOL = 0x8100;

/** Receives from a ring that the kernel fills: no call, one copy. */
export class RingReceiver {
  /** Packets stayed in the ring, for want of frames. */
  isStarved = false;

  readonly #pool: PacketPool;
  readonly #words: Int32Array;
  readonly #slots: Int32Array;
  readonly #slotBytes: number;
  readonly #cutter: DatagramCutter;
  readonly #checksum = new ReceivedChecksum();
  readonly #statistics: LinkStatistics;
  readonly #counters: PacketLinkCounters;
  /** The slot the kernel fills next. */
  #next = 0;

  constructor(
    pool: PacketPool,
    slots: Int32Array,
    slotBytes: number,
    statistics: LinkStatistics,
    counters: PacketLinkCounters,
  ) {
    this.#pool = pool;
    this.#words = pool.memory.words;
    this.#slots = slots;
    this.#slotBytes = slotBytes;
    this.#cutter = new DatagramCutter(pool);
    this.#statistics = statistics;
    this.#counters = counters;
  }

  receive(burst: Packet[], maximum: number): number {
    const words = this.#words;
    const slots = this.#slots;
    let received = this.#cutter.take(burst, 0, maximum);
    let bytes = 0;
    for (let i = 0; i < received; i = (i + 1) | 0) bytes = (bytes + burst[i]!.totalLength) | 0;
    this.isStarved = false;
    // What is dropped must not keep us here for ever.
    for (let looked = 0; received < maximum && looked < slots.length; looked = (looked + 1) | 0) {
      const at = slots[this.#next]!;
      const status = Atomics.load(words, at >> 2);
      if ((status & ReceiveStatus.USER) === 0) break;
      let packet = this.#copy(at, status);
      if (this.isStarved) {
        this.#counters.count(Counter.STARVED, 1);
        break;
      }
      Atomics.store(words, at >> 2, ReceiveStatus.KERNEL);
      this.#next = this.#next + 1 === slots.length ? 0 : (this.#next + 1) | 0;
      if (this.#cutter.waiting !== 0) packet = this.#cutter.exchange(packet);
      if (packet === null) continue;
      burst[received] = packet;
      received = (received + 1) | 0;
      bytes = (bytes + (packet.nextSegment === null ? packet.length : packet.totalLength)) | 0;
    }
    if (received !== 0) this.#statistics.countReceived(received, bytes);
    return received;
  }

  hasPackets(): boolean {
    if (this.#cutter.waiting !== 0) return true;
    return (Atomics.load(this.#words, this.#slots[this.#next]! >> 2) & ReceiveStatus.USER) !== 0;
  }

  close(): void {
    this.#cutter.close();
  }

  /** A packet of what is in a slot; null when it is not fit for anybody, will come in parts, or frames are lacking. */
  #copy(slot: number, status: number): Packet | null {
    const words = this.#words;
    const at = slot >> 2;
    const length = words[at + tpacket.LENGTH]!;
    const captured = words[at + tpacket.CAPTURED_LENGTH]!;
    const start = words[at + tpacket.OFFSETS]! & 0xffff;
    const slotBytes = this.#slotBytes;
    const isInside =
      captured >= ETHERNET_HEADER &&
      start >= tpacket.FIRST_BYTE + VIRTIO_HEADER &&
      captured <= slotBytes &&
      start <= slotBytes - captured;
    if (!isInside || captured !== length) {
      if (isInside) this.#counters.count(Counter.TRUNCATED, 1);
      this.#statistics.countDropped(1);
      return null;
    }
    const first = this.#copyBytes((slot + start) | 0, length);
    if (first === null) return null;
    const header = (slot + start - VIRTIO_HEADER) | 0;
    const { view } = first;
    const gsoType = view.getUint8((header + GSO_TYPE_AT) | 0) & GSO_TYPE;
    const isVirtual = gsoType !== GsoType.NONE;
    const checksumStart = view.getUint16((header + CHECKSUM_START_AT) | 0, true);
    const checksumField = view.getUint16((header + CHECKSUM_FIELD_AT) | 0, true);
    if (!this.#checksum.apply(first, view.getUint8(header), isVirtual, checksumStart, checksumField)) {
      this.#statistics.countDropped(1);
      first.release();
      return null;
    }
    first.timestampSource =
      (status & ReceiveStatus.HARDWARE_TIME) !== 0 ? TimestampSource.HARDWARE : TimestampSource.SOFTWARE;
    first.timestampSeconds = words[at + tpacket.SECONDS]!;
    first.timestampNanoseconds = words[at + tpacket.NANOSECONDS]!;
    if ((status & ReceiveStatus.VLAN_VALID) !== 0) {
      const tag = words[at + tpacket.VLAN]!;
      const protocol = (status & ReceiveStatus.VLAN_TPID_VALID) !== 0 ? tag >>> 16 : VLAN_PROTOCOL;
      putBackTag(first, (protocol << 16) | (tag & 0xffff));
    }
    if (!isVirtual) return first;
    this.#counters.count(Counter.RECEIVED_SUPER_SEGMENTS, 1);
    const gsoSize = view.getUint16((header + GSO_SIZE_AT) | 0, true);
    if (gsoType === GsoType.UDP) {
      const lost = this.#cutter.cut(first, gsoSize);
      if (lost !== 0) this.#statistics.countDropped(lost);
      return null;
    }
    first.gsoSize = gsoSize;
    return first;
  }

  /** Null, and {@link isStarved}, when the pool has not enough frames. */
  #copyBytes(from: number, length: number): Packet | null {
    const pool = this.#pool;
    const { memory } = pool;
    const first = pool.available === 0 ? null : pool.take()!;
    if (first === null) {
      this.isStarved = true;
      return null;
    }
    first.offset = (first.base + ROOM) | 0;
    first.length = Math.min(length, (first.frameSize - ROOM) | 0);
    memory.copy(first.offset, from, first.length);
    let done = first.length;
    let last = first;
    while (done < length) {
      if (pool.available === 0) {
        first.release();
        this.isStarved = true;
        return null;
      }
      const next = pool.take()!;
      next.offset = next.base;
      next.length = Math.min((length - done) | 0, next.frameSize);
      memory.copy(next.offset, (from + done) | 0, next.length);
      done = (done + next.length) | 0;
      last.nextSegment = next;
      last = next;
    }
    return first;
  }
}
