import type { Packet } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import { markPartialChecksum } from '@prism-net/link';
import { ethernet, vlan } from '@prism-net/wire';
import type { XdpAddon } from './addon.js';
import type { ConsumerRing, ProducerRing } from './kernel-ring.js';
import type { XdpFrames } from './xdp-frames.js';
import type { XdpStatistics } from './xdp-statistics.js';

/** struct xdp_desc in words: address (two words), length, options. */
export const Descriptor = { LOW: 0, HIGH: 1, LENGTH: 2, OPTIONS: 3, SHIFT: 2 } as const;
/** The packet goes on in the next descriptor (XDP_PKT_CONTD). */
export const CONTINUED = 1;
/** IPv4 and TCP without options: what a coalesced segment had is not told. */
const HEADERS_OF_SEGMENTS = 40;
/** Frames handed to the fill ring at a time. */
const REFILL_BATCH = 32;
/** No packet the kernel receives has more: 64 KiB in the smallest frames. */
const LONGEST_CHAIN = 48;

export interface ReceiveSideParts {
  readonly addon: XdpAddon;
  readonly descriptor: number;
  readonly ring: ConsumerRing;
  readonly fill: ProducerRing;
  readonly frames: XdpFrames;
  readonly statistics: LinkStatistics;
  readonly details: XdpStatistics;
  /** Frames the kernel should have to receive into. */
  readonly fillFrames: number;
  /** Free frames that are left in the pool for those who send. */
  readonly reservedFrames: number;
  readonly marksPartial: boolean;
  readonly mtu: number;
}

/** Descriptors of the receive ring become packets; free frames go into the fill ring. */
export class ReceiveSide {
  readonly #parts: ReceiveSideParts;
  readonly #ring: ConsumerRing;
  readonly #words: Int32Array;
  readonly #fill: ProducerRing;
  readonly #frames: XdpFrames;
  readonly #details: XdpStatistics;
  readonly #fillFrames: number;
  readonly #reservedFrames: number;
  readonly #marksPartial: boolean;
  readonly #longestFrame: number;
  /** Descriptors that the packet read last has used up. */
  #used = 0;
  /** The fill ring was found empty, and that was counted. */
  #isDry = false;

  constructor(parts: ReceiveSideParts) {
    this.#parts = parts;
    this.#ring = parts.ring;
    this.#words = parts.ring.words;
    this.#fill = parts.fill;
    this.#frames = parts.frames;
    this.#details = parts.details;
    this.#fillFrames = parts.fillFrames;
    this.#reservedFrames = parts.reservedFrames;
    this.#marksPartial = parts.marksPartial;
    this.#longestFrame = parts.mtu + ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;
  }

  get waiting(): number {
    return this.#ring.length;
  }

  /** Up to `maximum` packets into `burst`; returns how many. */
  receive(burst: Packet[], maximum: number): number {
    const ring = this.#ring;
    const length = ring.length;
    let received = 0;
    if (length !== 0) {
      const words = this.#words;
      let consumed = 0;
      let bytes = 0;
      let invalid = 0;
      while (received < maximum && consumed < length) {
        const at = ring.at(consumed);
        let packet: Packet | null;
        if (words[at + Descriptor.OPTIONS] === 0) {
          packet = this.#frames.receive(
            words[at + Descriptor.LOW]!,
            words[at + Descriptor.HIGH]!,
            words[at + Descriptor.LENGTH]!,
          );
          consumed = (consumed + 1) | 0;
          if (packet !== null) bytes = (bytes + packet.length) | 0;
        } else {
          packet = this.#readChain(consumed, length);
          // The rest of the packet is not there yet.
          if (this.#used === 0) break;
          consumed = (consumed + this.#used) | 0;
          if (packet !== null) {
            const total = packet.totalLength;
            bytes = (bytes + total) | 0;
            if (total > this.#longestFrame) this.#markVirtual(packet);
          }
        }
        if (packet === null) {
          invalid = (invalid + 1) | 0;
          continue;
        }
        if (this.#marksPartial) markPartialChecksum(packet);
        burst[received] = packet;
        received = (received + 1) | 0;
      }
      if (consumed !== 0) ring.consume(consumed);
      if (received !== 0) this.#parts.statistics.countReceived(received, bytes);
      if (invalid !== 0) {
        this.#details.countInvalid(invalid);
        this.#parts.statistics.countDropped(invalid);
      }
    }
    if (this.#fillFrames - this.#frames.receiving >= REFILL_BATCH) this.refill();
    return received;
  }

  /**
   * Gives the kernel frames to receive into, as far as the pool can do without them. There is always room: the ring has
   * a record for every frame the kernel may have. Its own index says so too late: the kernel moves it only when it has
   * used up all records it knew of, and with packets of several frames never while one or two are left.
   */
  refill(): void {
    const fill = this.#fill;
    const frames = this.#frames;
    const spare = (frames.pool.available - this.#reservedFrames) | 0;
    let count = (this.#fillFrames - frames.receiving) | 0;
    if (count > spare) count = spare;
    if (count <= 0) {
      this.#checkDry();
      return;
    }
    const { words } = fill;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const address = frames.give();
      const at = fill.reserve();
      words[at] = address;
      words[at + 1] = 0;
    }
    fill.publish();
    this.#isDry = false;
    if (fill.needsWakeup) this.wake();
  }

  /** For sockets that must call the kernel to receive: always when they busy-poll, else when the driver sleeps. */
  poll(always: boolean): void {
    if (always || this.#fill.needsWakeup) this.wake();
  }

  /** Has the driver look at the fill ring, or poll the queue. */
  wake(): void {
    this.#details.countReceiveCall();
    this.#parts.addon.kickReceive(this.#parts.descriptor);
  }

  /**
   * In generic mode the program runs behind the kernel's coalescing of segments, and before its cutting up of what a
   * neighbour in memory sends. Such a segment has an unfinished checksum, on any driver.
   */
  #markVirtual(packet: Packet): void {
    packet.gsoSize = (this.#parts.mtu - HEADERS_OF_SEGMENTS) | 0;
    if (!this.#marksPartial) markPartialChecksum(packet);
  }

  #checkDry(): void {
    if (this.#isDry || this.#frames.receiving > this.#ring.length) return;
    this.#isDry = true;
    this.#details.countDry();
  }

  /**
   * A packet of several descriptors, or a descriptor with options that nobody knows. All its segments or none: the good
   * frames of a bad packet go back. Sets `#used`, to 0 when the end has not come yet.
   */
  #readChain(from: number, length: number): Packet | null {
    const ring = this.#ring;
    const words = this.#words;
    let first: Packet | null = null;
    let last: Packet | null = null;
    let isWhole = true;
    let used = 0;
    let hasEnd = false;
    while (from + used < length && used < LONGEST_CHAIN && !hasEnd) {
      hasEnd = (words[ring.at((from + used) | 0) + Descriptor.OPTIONS]! & CONTINUED) === 0;
      used = (used + 1) | 0;
    }
    // A ring that is full will never hold the end; a chain that is too long is dropped in parts.
    if (!hasEnd && used < LONGEST_CHAIN && length < ring.size) {
      this.#used = 0;
      return null;
    }
    this.#used = used;
    for (let i = 0; i < used; i = (i + 1) | 0) {
      const at = ring.at((from + i) | 0);
      const segment = this.#frames.receive(
        words[at + Descriptor.LOW]!,
        words[at + Descriptor.HIGH]!,
        words[at + Descriptor.LENGTH]!,
      );
      if ((words[at + Descriptor.OPTIONS]! & ~CONTINUED) !== 0) isWhole = false;
      if (segment === null) {
        isWhole = false;
        continue;
      }
      if (last === null) first = segment;
      else last.nextSegment = segment;
      last = segment;
    }
    if (isWhole && hasEnd) return first;
    first?.release();
    return null;
  }
}
