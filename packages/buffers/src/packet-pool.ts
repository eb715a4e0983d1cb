import { type ChecksumState, HEADROOM, Packet, type TimestampSource } from './packet.js';
import type { FrameRegion, PacketMemory } from './packet-memory.js';

/** Byte that fills a released frame in debug mode. */
const POISON = 0xdb;
/** Offset of a released packet in debug mode: every DataView access at it throws. */
const RELEASED_OFFSET = -0x4000_0000;

export interface PacketPoolOptions {
  /** For reports. Default 'pool'. */
  readonly name?: string;
  /**
   * True for a pool whose frames start out elsewhere: in a device's fill ring, or at the other end of a shared-memory
   * link. Its packets are obtained with {@link PacketPool.adopt} and, once released, drained with
   * {@link PacketPool.takeReleasedFrame}.
   */
  readonly startsEmpty?: boolean;
}

/**
 * The packets over a region of frames: taken and given back in O(1), nothing allocated after construction. An empty pool
 * is back-pressure: {@link take} returns null. A pool belongs to one thread.
 */
export class PacketPool {
  readonly name: string;
  readonly memory: PacketMemory;
  readonly region: FrameRegion;
  /** Frames taken or adopted and not given back yet. */
  outstanding = 0;
  /** Frames lent to a device or another thread. */
  lent = 0;
  /** Largest number of frames ever outstanding. */
  peak = 0;
  /** Takes that found the pool empty, double releases (ignored outside debug mode). */
  readonly statistics = { exhausted: 0, doubleReleases: 0 };

  readonly #packets: Packet[] = [];
  readonly #free: Int32Array;
  #freeCount = 0;
  readonly #debug: boolean;
  /** In debug mode, where each frame was last taken and last released. */
  readonly #takenAt: string[] = [];
  readonly #releasedAt: string[] = [];

  constructor(memory: PacketMemory, region: FrameRegion, options: PacketPoolOptions = {}) {
    this.name = options.name ?? 'pool';
    this.memory = memory;
    this.region = region;
    this.#debug = memory.debug;
    this.#free = new Int32Array(region.frames);
    for (let i = 0; i < region.frames; i++) this.#packets.push(new Packet(this, memory, region.firstFrame + i));
    if (options.startsEmpty === true) return;
    // Lowest frames first: they are on top of the stack and stay warm in the cache.
    for (let i = region.frames - 1; i >= 0; i--) this.#free[this.#freeCount++] = i;
    if (this.#debug) for (const packet of this.#packets) this.#poison(packet);
  }

  /** A new pool over the next `frames` frames of the memory. */
  static create(memory: PacketMemory, frames: number, options: PacketPoolOptions = {}): PacketPool {
    return new PacketPool(memory, memory.reserveFrames(frames), options);
  }

  /** Frames that can be taken now. */
  get available(): number {
    return this.#freeCount;
  }

  /** A fresh packet of length 0 with {@link HEADROOM} bytes of headroom, owned by the caller; null when none is left. */
  take(): Packet | null {
    if (this.#freeCount === 0) {
      this.statistics.exhausted = (this.statistics.exhausted + 1) | 0;
      return null;
    }
    this.#freeCount = (this.#freeCount - 1) | 0;
    const packet = this.#packets[this.#free[this.#freeCount]!]!;
    if (this.#debug) this.#checkPoison(packet);
    return this.#hand(packet, packet.base + HEADROOM, 0);
  }

  /**
   * The packet of a frame that arrived from elsewhere, with its data at `offset`; owned by the caller. Null when the
   * frame or the range is not of this pool or the frame is out already: what a peer says is checked, never trusted.
   */
  adopt(frame: number, offset: number, length: number): Packet | null {
    const index = (frame - this.region.firstFrame) | 0;
    if (index < 0 || index >= this.region.frames) return null;
    const packet = this.#packets[index]!;
    if (packet.references !== 0) return null;
    if (length < 0 || offset < packet.base || offset > packet.base + packet.frameSize - length) return null;
    if (packet.lent) {
      // The other side sends one of our own frames back as data (an echo in place).
      packet.lent = false;
      this.lent = (this.lent - 1) | 0;
    }
    return this.#hand(packet, offset, length);
  }

  /** The number of a released frame, to be sent back to where it came from; -1 when there is none. */
  takeReleasedFrame(): number {
    if (this.#freeCount === 0) return -1;
    this.#freeCount = (this.#freeCount - 1) | 0;
    return (this.region.firstFrame + this.#free[this.#freeCount]!) | 0;
  }

  /**
   * Takes a packet out of this pool's care without returning its frame: a device or another thread owns the frame now.
   * {@link reclaim} brings it back.
   */
  lend(packet: Packet): void {
    packet.references = 0;
    packet.lent = true;
    packet.nextSegment = null;
    packet.generation = (packet.generation + 1) | 0;
    this.outstanding = (this.outstanding - 1) | 0;
    this.lent = (this.lent + 1) | 0;
  }

  /** A lent frame came back. False when the frame is not of this pool or was not out: such a number is ignored. */
  reclaim(frame: number): boolean {
    const index = (frame - this.region.firstFrame) | 0;
    if (index < 0 || index >= this.region.frames) return false;
    const packet = this.#packets[index]!;
    if (!packet.lent) return false;
    packet.lent = false;
    this.lent = (this.lent - 1) | 0;
    if (this.#debug) this.#poison(packet);
    this.#free[this.#freeCount] = index;
    this.#freeCount = (this.#freeCount + 1) | 0;
    return true;
  }

  /** One owner less; the frame returns to the pool with the last. Called by {@link Packet.release}. */
  giveBack(packet: Packet): void {
    const references = (packet.references - 1) | 0;
    if (references < 0) {
      this.#doubleRelease(packet);
      return;
    }
    packet.references = references;
    if (references > 0) return;
    packet.nextSegment = null;
    packet.generation = (packet.generation + 1) | 0;
    this.outstanding = (this.outstanding - 1) | 0;
    const index = (packet.frame - this.region.firstFrame) | 0;
    if (this.#debug) {
      this.#releasedAt[index] = stackTrace();
      this.#poison(packet);
    }
    this.#free[this.#freeCount] = index;
    this.#freeCount = (this.#freeCount + 1) | 0;
  }

  /** Throws when packets are still out, saying (in debug mode) where each was taken. For the end of a test. */
  assertNoLeaks(): void {
    if (this.outstanding === 0) return;
    const lines: string[] = [];
    for (const [index, packet] of this.#packets.entries()) {
      if (packet.references === 0) continue;
      lines.push(
        `frame ${packet.frame} (${packet.references} references) taken ${this.#takenAt[index] ?? '(turn on debug to see where)'}`,
      );
    }
    throw new Error(`${this.name}: ${this.outstanding} packets were not released\n${lines.slice(0, 10).join('\n')}`);
  }

  #hand(packet: Packet, offset: number, length: number): Packet {
    packet.offset = offset;
    packet.length = length;
    packet.nextSegment = null;
    packet.flags = 0;
    packet.checksumState = 0 satisfies ChecksumState;
    packet.gsoSize = 0;
    packet.rssHash = 0;
    packet.timestampSource = 0 satisfies TimestampSource;
    packet.references = 1;
    packet.generation = (packet.generation + 1) | 0;
    this.outstanding = (this.outstanding + 1) | 0;
    if (this.outstanding > this.peak) this.peak = this.outstanding;
    if (this.#debug) this.#takenAt[packet.frame - this.region.firstFrame] = stackTrace();
    return packet;
  }

  #doubleRelease(packet: Packet): void {
    this.statistics.doubleReleases = (this.statistics.doubleReleases + 1) | 0;
    if (!this.#debug) return;
    const index = packet.frame - this.region.firstFrame;
    throw new Error(
      `${this.name}: frame ${packet.frame} released twice; first ${this.#releasedAt[index] ?? '(never taken)'}`,
    );
  }

  #poison(packet: Packet): void {
    this.memory.kernels.fill(packet.base, POISON, packet.frameSize);
    packet.offset = RELEASED_OFFSET;
    packet.length = 0;
  }

  #checkPoison(packet: Packet): void {
    const { bytes } = this.memory;
    for (let at = packet.base; at < packet.base + packet.frameSize; at++) {
      if (bytes[at] === POISON) continue;
      const index = packet.frame - this.region.firstFrame;
      throw new Error(
        `${this.name}: frame ${packet.frame} was written at byte ${at - packet.base} after its release ${this.#releasedAt[index] ?? ''}`,
      );
    }
  }
}

function stackTrace(): string {
  return (new Error().stack ?? '').split('\n').slice(3, 9).join('\n');
}
