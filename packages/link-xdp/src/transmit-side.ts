import { ChecksumState, HEADROOM, type Packet } from '@prism-net/buffers';
import type { LinkStatistics } from '@prism-net/link';
import { ethernet, vlan } from '@prism-net/wire';
import type { XdpAddon } from './addon.js';
import { requestChecksum } from './checksum-metadata.js';
import type { ConsumerRing, ProducerRing } from './kernel-ring.js';
import { CONTINUED, Descriptor } from './receive-side.js';
import type { XdpFrames } from './xdp-frames.js';
import type { XdpStatistics } from './xdp-statistics.js';

/** The first descriptor of a packet has metadata in front of its data (XDP_TX_METADATA). */
const HAS_METADATA = 1 << 1;

export interface TransmitSideParts {
  readonly addon: XdpAddon;
  readonly descriptor: number;
  readonly ring: ProducerRing;
  readonly completion: ConsumerRing;
  readonly frames: XdpFrames;
  readonly statistics: LinkStatistics;
  readonly details: XdpStatistics;
  readonly mtu: number;
  readonly maximumSegments: number;
  /** Bytes in front of the data of every frame that the kernel was told to be metadata; 0: none. */
  readonly metadataLength: number;
  /** Checksums are completed by whoever reads the metadata. */
  readonly completesChecksum: boolean;
}

/** Packets become descriptors of the transmit ring; frames that were sent come back by the completion ring. */
export class TransmitSide {
  /** What is in the ring was not all taken by the last kick. */
  owesKick = false;

  readonly #parts: TransmitSideParts;
  readonly #ring: ProducerRing;
  readonly #words: Int32Array;
  readonly #completion: ConsumerRing;
  readonly #frames: XdpFrames;
  readonly #statistics: LinkStatistics;
  readonly #details: XdpStatistics;
  readonly #maximumFrame: number;
  readonly #maximumSegments: number;
  readonly #completesChecksum: boolean;
  /** What the kernel asks of every frame it sends from, when it was told of metadata. */
  readonly #headroom: number;
  /** Records or frames that the packet refused last would have needed. */
  #neededRecords = 0;
  #neededFrames = 0;

  constructor(parts: TransmitSideParts) {
    this.#parts = parts;
    this.#ring = parts.ring;
    this.#words = parts.ring.words;
    this.#completion = parts.completion;
    this.#frames = parts.frames;
    this.#statistics = parts.statistics;
    this.#details = parts.details;
    this.#maximumFrame = parts.mtu + ethernet.HEADER_LENGTH + vlan.TAG_LENGTH;
    this.#maximumSegments = parts.maximumSegments;
    this.#completesChecksum = parts.completesChecksum;
    this.#headroom = parts.metadataLength;
  }

  /** A packet was refused since the last one was taken. */
  get hasRefused(): boolean {
    return this.#neededRecords !== 0 || this.#neededFrames !== 0;
  }

  /** A packet was refused that would be taken now. */
  get hasRoomAgain(): boolean {
    if (this.#neededFrames !== 0) return this.#frames.pool.available >= this.#neededFrames;
    return this.#neededRecords !== 0 && this.#ring.free(this.#neededRecords) >= this.#neededRecords;
  }

  forgetRefusal(): void {
    this.#neededRecords = 0;
    this.#neededFrames = 0;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    const ring = this.#ring;
    const words = this.#words;
    const frames = this.#frames;
    const { pool } = frames;
    let taken = 0;
    let sent = 0;
    let bytes = 0;
    let dropped = 0;
    this.#neededRecords = 0;
    this.#neededFrames = 0;
    if (this.owesKick) this.kick();
    else if (frames.sending !== 0) this.complete();
    for (; taken < count; taken = (taken + 1) | 0) {
      const packet = burst[(from + taken) | 0]!;
      const isPlain =
        packet.nextSegment === null &&
        packet.references === 1 &&
        packet.pool === pool &&
        packet.offset - packet.base >= this.#headroom;
      const length = isPlain ? packet.length : packet.totalLength;
      // What is shorter than an Ethernet header the kernel would refuse, and keep.
      if (length > this.#maximumFrame || length < ethernet.HEADER_LENGTH) {
        packet.release();
        dropped = (dropped + 1) | 0;
        continue;
      }
      if (isPlain) {
        if (ring.free(1) < 1) {
          this.#neededRecords = 1;
          break;
        }
        let options = 0;
        if (this.#completesChecksum && packet.checksumState === ChecksumState.PARTIAL && requestChecksum(packet)) {
          options = HAS_METADATA;
          this.#details.countChecksumRequest();
        }
        const at = ring.reserve();
        words[at + Descriptor.LENGTH] = length;
        words[at + Descriptor.OPTIONS] = options;
        words[at + Descriptor.LOW] = frames.send(packet);
        words[at + Descriptor.HIGH] = 0;
      } else {
        const segments = this.#sendChain(packet, length);
        if (segments === 0) break;
        if (segments < 0) {
          dropped = (dropped + 1) | 0;
          continue;
        }
      }
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    if (sent !== 0) {
      ring.publish();
      this.#statistics.countTransmitted(sent, bytes);
      this.kick();
    }
    if (dropped !== 0) this.#statistics.countDropped(dropped);
    if (taken < count) this.#statistics.countRefused((count - taken) | 0);
    return taken;
  }

  /** Has the kernel send, and takes the frames back that are sent already. */
  kick(): void {
    const ring = this.#ring;
    if (ring.needsWakeup) {
      this.#details.countTransmitCall();
      if (this.#parts.addon.kickTransmit(this.#parts.descriptor) < 0) this.#details.countRefusedKick();
      this.owesKick = !ring.isTaken;
    } else {
      this.owesKick = false;
    }
    this.complete();
  }

  /** Takes frames that were sent back into the pool. */
  complete(): void {
    const ring = this.#completion;
    const length = ring.length;
    if (length === 0) return;
    const { words } = ring;
    const frames = this.#frames;
    let invalid = 0;
    for (let i = 0; i < length; i = (i + 1) | 0) {
      const at = ring.at(i);
      if (!frames.complete(words[at]!, words[at + 1]!)) invalid = (invalid + 1) | 0;
    }
    ring.consume(length);
    if (invalid !== 0) this.#details.countInvalid(invalid);
  }

  /**
   * A packet of several segments, or one whose frames cannot be given away and must be copied. Returns the number of
   * descriptors written, 0 when there is no room for all (the packet stays the caller's), -1 when it was dropped.
   */
  #sendChain(packet: Packet, length: number): number {
    const { pool } = this.#frames;
    let segments = 0;
    let isSendable = true;
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      if (segment.references !== 1 || segment.pool !== pool) isSendable = false;
      if (segment.length === 0) continue;
      segments = (segments + 1) | 0;
      if (segment.offset - segment.base < this.#headroom) isSendable = false;
    }
    // The request for a checksum lies in front of the first segment, and the headers must be in it.
    if (!isSendable || segments > this.#maximumSegments || packet.length < ethernet.HEADER_LENGTH) {
      isSendable = false;
      const room = (pool.memory.layout.frameSize - HEADROOM) | 0;
      segments = Math.max(1, Math.ceil((length + (packet.offset & 3)) / room));
      if (segments > this.#maximumSegments || segments > pool.region.frames) {
        packet.release();
        return -1;
      }
    }
    if (this.#ring.free(segments) < segments) {
      this.#neededRecords = segments;
      return 0;
    }
    let first = packet;
    if (!isSendable) {
      if (pool.available < segments) {
        this.#neededFrames = segments;
        return 0;
      }
      const copy = packet.copyTo(pool);
      packet.release();
      if (copy === null) return -1;
      this.#details.countCopied();
      first = copy;
    }
    this.#describe(first, segments);
    return segments;
  }

  #describe(first: Packet, segments: number): void {
    const ring = this.#ring;
    const words = this.#words;
    let options = 0;
    if (this.#completesChecksum && first.checksumState === ChecksumState.PARTIAL && requestChecksum(first)) {
      options = HAS_METADATA;
      this.#details.countChecksumRequest();
    }
    let left = segments;
    let segment: Packet | null = first;
    while (segment !== null) {
      const next: Packet | null = segment.nextSegment;
      if (segment.length === 0) {
        // The kernel refuses empty descriptors.
        segment.nextSegment = null;
        segment.release();
      } else {
        left = (left - 1) | 0;
        const at = ring.reserve();
        words[at + Descriptor.LENGTH] = segment.length;
        words[at + Descriptor.OPTIONS] = left === 0 ? options : options | CONTINUED;
        words[at + Descriptor.LOW] = this.#frames.send(segment);
        words[at + Descriptor.HIGH] = 0;
        options = 0;
      }
      segment = next;
    }
  }
}
