import { invalidArgument } from '@prism-net/errors';
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
  /** Frames taken or adopted and not given back yet. `available + outstanding + lent` is always the number of frames. */
  outstanding = 0;
  /** Frames that are elsewhere: lent to a device or another thread, or not arrived yet. */
  lent = 0;
  /** Largest number of frames ever outstanding. */
  peak = 0;
  /** Takes that found the pool empty; packets released, retained or lent by somebody who did not own them (ignored outside debug mode). */
  readonly statistics = { exhausted: 0, doubleReleases: 0 };

  readonly #packets: Packet[] = [];
  /** One for each frame of which there was a view. */
  readonly #views: (Packet | undefined)[];
  readonly #free: Int32Array;
  #freeCount = 0;
  readonly #debug: boolean;
  /** In debug mode, where each frame was last taken, and where last released or lent. */
  readonly #takenAt: string[] = [];
  readonly #releasedAt: string[] = [];

  /** @throws PosixError EINVAL when the region does not lie in the memory. */
  constructor(memory: PacketMemory, region: FrameRegion, options: PacketPoolOptions = {}) {
    requireRegion(region, memory.layout.frames);
    this.name = options.name ?? 'pool';
    this.memory = memory;
    this.region = region;
    this.#debug = memory.debug;
    this.#free = new Int32Array(region.frames);
    for (let i = 0; i < region.frames; i++) this.#packets.push(new Packet(this, memory, region.firstFrame + i));
    this.#views = new Array<Packet | undefined>(region.frames).fill(undefined);
    if (options.startsEmpty === true) {
      for (const packet of this.#packets) this.#sendAway(packet);
      return;
    }
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
   * frame or the range is not of this pool or the frame was not elsewhere: what a peer says is checked, never trusted.
   */
  adopt(frame: number, offset: number, length: number): Packet | null {
    const packet = this.#lentPacket(frame);
    if (packet === null) return null;
    if ((offset | 0) !== offset || (length | 0) !== length || length < 0) return null;
    if (offset < packet.base || offset > packet.base + packet.frameSize - length) return null;
    packet.lent = false;
    this.lent = (this.lent - 1) | 0;
    return this.#hand(packet, offset, length);
  }

  /**
   * A packet that shows `length` bytes at `offset` of the frame of `packet`, without copying them: to be sent, and to be
   * written to by nobody. It keeps the frame until it is released. Null while somebody else has a share in `packet`, also by
   * a view; and for a packet of another pool.
   */
  view(packet: Packet, offset: number, length: number): Packet | null {
    if (packet.references !== 1 || packet.pool !== this || packet.viewOf !== null) return null;
    const index = (packet.frame - this.region.firstFrame) | 0;
    let view = this.#views[index];
    if (view === undefined) {
      view = new Packet(this, this.memory, packet.frame);
      this.#views[index] = view;
    }
    packet.references = 2;
    view.offset = offset;
    view.length = length;
    view.viewOf = packet;
    view.references = 2;
    view.generation = (view.generation + 1) | 0;
    return view;
  }

  /** The number of a released frame, to be sent back to where it came from; -1 when there is none. */
  takeReleasedFrame(): number {
    if (this.#freeCount === 0) return -1;
    this.#freeCount = (this.#freeCount - 1) | 0;
    const packet = this.#packets[this.#free[this.#freeCount]!]!;
    if (this.#debug) this.#checkPoison(packet);
    this.#sendAway(packet);
    return packet.frame;
  }

  /**
   * Takes a packet, whose only owner is the caller, out of this pool's care without returning its frame: a device or
   * another thread owns the frame now. {@link reclaim} or {@link adopt} brings it back.
   */
  lend(packet: Packet): void {
    if (packet.references === 0) {
      this.refuse(packet, 'lent');
      return;
    }
    packet.references = 0;
    packet.nextSegment = null;
    packet.generation = (packet.generation + 1) | 0;
    this.outstanding = (this.outstanding - 1) | 0;
    this.#sendAway(packet);
    if (this.#debug) this.#releasedAt[packet.frame - this.region.firstFrame] = stackTrace();
  }

  /** A lent frame came back. False when the frame is not of this pool or was not out: such a number is ignored. */
  reclaim(frame: number): boolean {
    const packet = this.#lentPacket(frame);
    if (packet === null) return false;
    packet.lent = false;
    this.lent = (this.lent - 1) | 0;
    if (this.#debug) this.#poison(packet);
    this.#free[this.#freeCount] = (frame - this.region.firstFrame) | 0;
    this.#freeCount = (this.#freeCount + 1) | 0;
    return true;
  }

  /** One owner less; the frame returns to the pool with the last. Called by {@link Packet.release}. */
  giveBack(packet: Packet): void {
    if (packet.viewOf !== null) {
      this.#endView(packet, packet.viewOf);
      return;
    }
    const references = (packet.references - 1) | 0;
    if (references < 0) {
      this.refuse(packet, 'released');
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

  /**
   * What happens to a packet that somebody uses who no longer owns it: nothing, it is counted; in debug mode an error
   * that names both places. Called by {@link Packet}.
   */
  refuse(packet: Packet, action: 'released' | 'retained' | 'lent' | 'sent'): void {
    this.statistics.doubleReleases = (this.statistics.doubleReleases + 1) | 0;
    if (!this.#debug) return;
    const before = this.#releasedAt[packet.frame - this.region.firstFrame] ?? '(it was never taken)';
    throw new Error(
      `${this.name}: frame ${packet.frame} was ${action} by somebody who does not own it\n` +
        `given away\n${before}\n${action} again\n${stackTrace()}`,
    );
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

  #endView(view: Packet, shown: Packet): void {
    view.viewOf = null;
    view.references = 0;
    view.nextSegment = null;
    view.generation = (view.generation + 1) | 0;
    if (this.#debug) view.offset = RELEASED_OFFSET;
    this.giveBack(shown);
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

  /** The packet of a frame that is elsewhere, or null. Compared as int32: a peer's number may be anything. */
  #lentPacket(frame: number): Packet | null {
    const index = (frame - this.region.firstFrame) | 0;
    if ((frame | 0) !== frame || index < 0 || index >= this.region.frames) return null;
    const packet = this.#packets[index]!;
    return packet.lent ? packet : null;
  }

  #sendAway(packet: Packet): void {
    packet.lent = true;
    this.lent = (this.lent + 1) | 0;
    if (this.#debug) {
      packet.offset = RELEASED_OFFSET;
      packet.length = 0;
    }
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

function requireRegion({ firstFrame, frames }: FrameRegion, available: number): void {
  const whole = Number.isInteger(firstFrame) && Number.isInteger(frames);
  if (whole && firstFrame >= 0 && frames >= 0 && firstFrame + frames <= available) return;
  throw invalidArgument(
    'PacketPool',
    `${frames} frames from frame ${firstFrame} do not lie in a memory of ${available} frames`,
  );
}

function stackTrace(): string {
  return (new Error().stack ?? '').split('\n').slice(3, 9).join('\n');
}
