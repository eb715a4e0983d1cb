import { ChecksumState, type Packet } from '@prism-net/buffers';
import type { SpscRing } from '@prism-net/rings';
import type { SharedFrames } from './shared-frames.js';
import { Descriptor } from './shared-memory-layout.js';

/**
 * Turns the peer's descriptors into packets. Nothing in the ring is trusted, and every word is read once before it is
 * checked: the peer may write at any time.
 */
export class DescriptorReader {
  /** Descriptors that the last {@link read} has used up. */
  segments = 0;

  readonly #ring: SpscRing;
  readonly #frames: SharedFrames;
  readonly #maximumSegments: number;
  readonly #checksumOffload: boolean;

  constructor(ring: SpscRing, frames: SharedFrames, maximumSegments: number, checksumOffload: boolean) {
    this.#ring = ring;
    this.#frames = frames;
    this.#maximumSegments = maximumSegments;
    this.#checksumOffload = checksumOffload;
  }

  /** The packet that starts with the descriptor `ahead` records from here, at `at`; null when it makes no sense. */
  read(at: number, ahead: number): Packet | null {
    if ((this.#ring.words[at + Descriptor.FLAGS]! & Descriptor.MORE) === 0) {
      this.segments = 1;
      return this.readSegment(at);
    }
    this.segments = this.#chainLength(ahead);
    return this.#readChain(ahead, this.segments);
  }

  /** The segment of one descriptor; null when it makes no sense. */
  readSegment(at: number): Packet | null {
    const { words } = this.#ring;
    const frame = words[at + Descriptor.FRAME]!;
    const offset = words[at + Descriptor.OFFSET]!;
    const length = words[at + Descriptor.LENGTH]!;
    const flags = words[at + Descriptor.FLAGS]!;
    const packet = this.#frames.adopt(frame, offset, length);
    if (packet === null || flags >>> Descriptor.CHECKSUM_SHIFT === 0) return packet;
    packet.gsoSize = flags >>> Descriptor.GSO_SHIFT;
    if (this.#checksumOffload) {
      const state = (flags >>> Descriptor.CHECKSUM_SHIFT) & Descriptor.CHECKSUM_MASK;
      if (state === ChecksumState.PARTIAL || state === ChecksumState.VERIFIED) packet.checksumState = state;
    }
    return packet;
  }

  /** Descriptors up to one without MORE, one beyond the limit, or the end of what is in the ring. */
  #chainLength(ahead: number): number {
    const { words } = this.#ring;
    let segments = 0;
    while (segments <= this.#maximumSegments) {
      const at = this.#ring.peek((ahead + segments) | 0);
      if (at < 0) return Math.max(1, segments);
      segments = (segments + 1) | 0;
      if ((words[at + Descriptor.FLAGS]! & Descriptor.MORE) === 0) break;
    }
    return segments;
  }

  /** All segments or none: a packet with one bad descriptor is dropped, and its good frames go back. */
  #readChain(ahead: number, segments: number): Packet | null {
    const ring = this.#ring;
    let whole = segments <= this.#maximumSegments;
    let first: Packet | null = null;
    let last: Packet | null = null;
    for (let i = 0; i < segments; i = (i + 1) | 0) {
      const at = ring.peek((ahead + i) | 0);
      const more = (ring.words[at + Descriptor.FLAGS]! & Descriptor.MORE) !== 0;
      // Packets are committed whole: a chain that ends with MORE, or goes on without it, is the work of a broken peer.
      if (more !== i < segments - 1) whole = false;
      const segment = this.readSegment(at);
      if (segment === null) {
        whole = false;
        continue;
      }
      if (last === null) first = segment;
      else last.nextSegment = segment;
      last = segment;
    }
    if (whole) return first;
    first?.release();
    return null;
  }
}
