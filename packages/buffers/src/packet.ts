import { foldSum } from './checksum.js';
import type { PacketMemory } from './packet-memory.js';
import type { PacketPool } from './packet-pool.js';

/** What is known about the checksums of the transport layer in a packet. */
export const ChecksumState = {
  /** Nothing: the stack verifies it in software. */
  UNKNOWN: 0,
  /** Verified already, by hardware or by the sending end of an in-memory link. */
  VERIFIED: 1,
  /** The field holds only the pseudo-header's sum; whoever puts the packet on a real wire must complete it. */
  PARTIAL: 2,
} as const;
export type ChecksumState = (typeof ChecksumState)[keyof typeof ChecksumState];

/** Where a receive timestamp comes from. */
export const TimestampSource = { NONE: 0, SOFTWARE: 1, HARDWARE: 2 } as const;
export type TimestampSource = (typeof TimestampSource)[keyof typeof TimestampSource];

/** Flag bits of {@link Packet.flags}. */
export const PacketFlag = {
  LINK_BROADCAST: 1,
  LINK_MULTICAST: 2,
  /** Sent by this host to itself. */
  LOOPED_BACK: 4,
  /** Assembled from fragments: the segments are the fragments' payloads. */
  REASSEMBLED: 8,
  /**
   * Goes the way of a packet that is sent, up to the link, and is released there in place of being handed over: so that
   * code and caches are warm when a send is due. Nothing counts it, and nothing else changes by it.
   */
  REHEARSAL: 16,
  /**
   * Sent only because of a packet that anybody may have sent, under any name: a SYN-ACK, a reset, an ICMP error, what is
   * forwarded. Where room is short it gives way to what this host sends of its own accord.
   */
  PROVOKED: 32,
} as const;

/** Room in front of a fresh packet's data for every header the stack may push; a multiple of the cache line. */
export const HEADROOM = 192;

/**
 * A frame of packet memory and what is known about it. Packets are made once, with their pool, and recycled.
 *
 *     base          offset                          base + frameSize
 *      |  headroom    |  data: `length` bytes  |  tailroom  |
 *                     ^ consume() moves right, push() moves left; payload bytes never move
 *
 * Ownership: exactly one owner at any moment. Whoever takes a packet (`pool.take()`, a link's `receive`) passes it on or
 * gives it back with {@link release}; a method that takes a packet says so. All offsets are absolute, in bytes from the
 * start of the packet memory, so that `packet.view` and an offset are all a codec needs.
 */
export class Packet {
  readonly pool: PacketPool;
  readonly memory: PacketMemory;
  readonly view: DataView;
  /** Number of the frame in the packet memory: the same in every thread. */
  readonly frame: number;
  /** First byte of the frame. */
  readonly base: number;
  readonly frameSize: number;

  /** First byte of the data. */
  offset = 0;
  /** Bytes of data in this segment. */
  length = 0;
  /** The next segment of the same packet (scatter-gather), owned by this one. */
  nextSegment: Packet | null = null;
  /** The next packet of a {@link PacketQueue}; belongs to the queue. */
  nextInQueue: Packet | null = null;

  linkOffset = 0;
  networkOffset = 0;
  transportOffset = 0;
  payloadOffset = 0;
  /** Index, within the stack, of the interface the packet came in by. */
  interfaceIndex = 0;
  /** EtherType or application-defined class of the packet. */
  packetType = 0;
  /** Bits of {@link PacketFlag}. */
  flags = 0;
  checksumState: ChecksumState = ChecksumState.UNKNOWN;
  /**
   * Payload bytes per wire segment of a virtual (super-)segment; 0 for an ordinary packet. One that is sent is in checksum
   * state PARTIAL: whoever cuts it completes the checksums of its parts.
   */
  gsoSize = 0;
  /** Receive-side-scaling hash of the card, or 0. */
  rssHash = 0;
  timestampSource: TimestampSource = TimestampSource.NONE;
  /** Receive time: whole seconds of the link's clock (int32) and nanoseconds. */
  timestampSeconds = 0;
  timestampNanoseconds = 0;

  /** Owners, 0 when in the pool or lent. A view counts the owner of what it shows as well: nobody owns its frame alone. */
  references = 0;
  /** The packet whose frame this one shows a part of (see {@link PacketPool.view}); null for all others. */
  viewOf: Packet | null = null;
  /** A device or another thread has the frame (see {@link PacketPool.lend}). */
  lent = false;
  /** Grows by one with each take and each release or lending: even in the pool or lent, odd when out. */
  generation = 0;

  constructor(pool: PacketPool, memory: PacketMemory, frame: number) {
    this.pool = pool;
    this.memory = memory;
    this.view = memory.view;
    this.frame = frame;
    this.frameSize = memory.layout.frameSize;
    this.base = memory.layout.packetOffset + frame * this.frameSize;
  }

  /** Bytes free in front of the data. */
  get headroom(): number {
    return (this.offset - this.base) | 0;
  }

  /** Bytes free behind the data. */
  get tailroom(): number {
    return (this.base + this.frameSize - this.offset - this.length) | 0;
  }

  /** First byte behind the data of this segment. */
  get end(): number {
    return (this.offset + this.length) | 0;
  }

  /** Bytes of data in all segments. */
  get totalLength(): number {
    let total = this.length;
    for (let segment = this.nextSegment; segment !== null; segment = segment.nextSegment) {
      total = (total + segment.length) | 0;
    }
    return total;
  }

  /** Takes `bytes` off the front, as a parsed header is. The caller has checked that they are there. */
  consume(bytes: number): void {
    this.offset = (this.offset + bytes) | 0;
    this.length = (this.length - bytes) | 0;
  }

  /** Puts `bytes` in front, to be written as a header, and returns the new offset. Headroom is the caller's to know. */
  push(bytes: number): number {
    this.length = (this.length + bytes) | 0;
    return (this.offset = (this.offset - bytes) | 0);
  }

  /** Cuts the data of a packet, over all its segments, to `bytes`; segments beyond are released. */
  trim(bytes: number): void {
    let segment: Packet = this;
    let left = bytes;
    while (left > segment.length && segment.nextSegment !== null) {
      left = (left - segment.length) | 0;
      segment = segment.nextSegment;
    }
    if (left < segment.length) segment.length = left;
    const beyond = segment.nextSegment;
    if (beyond === null) return;
    segment.nextSegment = null;
    beyond.release();
  }

  /** Appends the segments of `tail` to this packet, which becomes their owner. */
  append(tail: Packet): void {
    let last: Packet = this;
    while (last.nextSegment !== null) last = last.nextSegment;
    last.nextSegment = tail;
  }

  /**
   * One more owner, of this packet with all its segments; each must call {@link release}. Meant for the rare shared case
   * (broadcast to several sockets).
   */
  retain(): void {
    if (this.references === 0) {
      this.pool.refuse(this, 'retained');
      return;
    }
    this.references = (this.references + 1) | 0;
  }

  /** Gives the packet, with all its segments, back. When the last owner has done so its frames return to their pools. */
  release(): void {
    let segment: Packet | null = this;
    while (segment !== null) {
      const next: Packet | null = segment.nextSegment;
      const isShared = segment.references > 1 && segment.viewOf === null;
      segment.pool.giveBack(segment);
      // The segments behind belong to this one, which has another owner still.
      if (isShared) return;
      segment = next;
    }
  }

  /** The folded big-endian sum of the data of all segments, on top of `initial`. */
  sum(initial: number): number {
    let sum = this.memory.sum(this.offset, this.length, initial);
    if (this.nextSegment === null) return sum;
    let odd = (this.length & 1) !== 0;
    for (let segment: Packet | null = this.nextSegment; segment !== null; segment = segment.nextSegment) {
      const part = segment.memory.sum(segment.offset, segment.length, 0);
      // A segment that starts at an odd position of the whole contributes its sum with the bytes swapped (RFC 1071 §2 (B)).
      sum = foldSum(sum + (odd ? ((part & 0xff) << 8) | (part >>> 8) : part));
      odd = odd !== ((segment.length & 1) !== 0);
    }
    return sum;
  }

  /**
   * A copy of the data and metadata (not the header offsets) in frames of `pool`, for a switch that floods, or a link
   * into another memory; null when the pool runs out. A copy has as many segments as its own frames need.
   */
  copyTo(pool: PacketPool): Packet | null {
    const first = pool.take();
    if (first === null) return null;
    first.interfaceIndex = this.interfaceIndex;
    first.packetType = this.packetType;
    first.rssHash = this.rssHash;
    first.flags = this.flags;
    first.checksumState = this.checksumState;
    first.gsoSize = this.gsoSize;
    first.timestampSource = this.timestampSource;
    first.timestampSeconds = this.timestampSeconds;
    first.timestampNanoseconds = this.timestampNanoseconds;
    // Keep the alignment of the data: the IP header of a received frame starts on a 4-byte boundary.
    first.offset = (first.offset + (this.offset & 3)) | 0;
    let target = first;
    for (let source: Packet | null = this; source !== null; source = source.nextSegment) {
      let at = source.offset;
      let left = source.length;
      while (left > 0) {
        if (target.tailroom === 0) {
          const next = pool.take();
          if (next === null) {
            first.release();
            return null;
          }
          target.nextSegment = next;
          target = next;
        }
        const part = Math.min(left, target.tailroom);
        if (source.memory === target.memory) target.memory.copy(target.end, at, part);
        else target.memory.write(target.end, source.memory.bytes, at, part);
        target.length = (target.length + part) | 0;
        at = (at + part) | 0;
        left = (left - part) | 0;
      }
    }
    return first;
  }

  /** Copies the data of all segments out into a new array: for cold paths, tests and the friendly API. */
  toBytes(): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(this.totalLength);
    let at = 0;
    for (let segment: Packet | null = this; segment !== null; segment = segment.nextSegment) {
      segment.memory.read(segment.offset, bytes, at, segment.length);
      at += segment.length;
    }
    return bytes;
  }
}
