import {
  ChecksumState,
  HEADROOM,
  type Packet,
  type PacketMemory,
  PacketPool,
  TimestampSource,
} from '@prism-net/buffers';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { isShared } from './exclusive-packet.js';
import type { Link, LinkCapabilities } from './link.js';
import { FRAME_OVERHEAD } from './link-options.js';
import { LinkStatistics } from './link-statistics.js';
import { Errno, posixError } from './posix-error.js';
import {
  Descriptor,
  type EndLayout,
  layoutOf,
  maximumSegments,
  type SharedMemoryLinkEnd,
} from './shared-memory-layout.js';

/** Frames that go back, and frames that come back, per call of receive or transmit. */
const RETURN_BURST = 128;

/**
 * One end of a link between two threads. Frames are not copied: a descriptor says where the data lies, the receiver
 * works on it in place, and the frame's number travels back when the receiver has released the packet. That happens
 * inside {@link receive}, {@link transmit}, {@link arm} and {@link sleep}: a thread that keeps packets and calls none
 * of them starves its peer's pool.
 *
 * The peer is not trusted: whatever it writes into the rings is checked, and what makes no sense is dropped and counted.
 */
export class SharedMemoryLink implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  /** The peer's frames while they are here. */
  readonly remotePool: PacketPool;

  readonly #localPool: PacketPool;
  readonly #words: Int32Array;
  readonly #layout: EndLayout;
  readonly #transmitRing: SpscRing;
  readonly #receiveRing: SpscRing;
  readonly #returnRing: SpscRing;
  readonly #returnedRing: SpscRing;
  readonly #ownBell: Doorbell;
  readonly #peerBell: Doorbell;
  /** By frame: 1 while the peer has it, so that it may come in. What is here cannot arrive a second time. */
  readonly #atPeer: Uint8Array;
  readonly #returned = new Int32Array(RETURN_BURST);
  readonly #isIdle = (): boolean => !this.#isReady() && (this.#isElsewhereIdle === null || this.#isElsewhereIdle());
  readonly #maximumSegments: number;
  readonly #maximumFrame: number;
  readonly #firstLocalFrame: number;
  readonly #localFrames: number;
  readonly #checksumOffload: boolean;

  /** During {@link sleep}: whether the thread's other sources of work are empty. */
  #isElsewhereIdle: (() => boolean) | null = null;
  #wake: (() => void) | null = null;
  #waiting = false;
  #closed = false;
  #peerClosed = false;
  /** Descriptors and frames that the packet refused last would have needed; 0 when none was, or its sender was told. */
  #neededRoom = 0;
  #neededFrames = 0;
  /** Since the peer's last wait was answered, descriptors were read or frames given back. */
  #madeRoom = false;

  constructor(memory: PacketMemory, end: SharedMemoryLinkEnd, localPool: PacketPool) {
    if (localPool.memory.buffer !== memory.buffer) {
      throw posixError(Errno.EINVAL, 'openSharedMemoryLink', 'the pool is not of the packet memory the link is in');
    }
    const { capacity, mtu, checksumOffload, segmentation } = end;
    const { buffer } = memory;
    const { frames } = memory.layout;
    const layout = layoutOf(end);
    this.name = end.name;
    this.#localPool = localPool;
    this.remotePool = new PacketPool(
      memory,
      { firstFrame: 0, frames },
      { name: `${end.name} peer`, startsEmpty: true },
    );
    this.#words = memory.words;
    this.#layout = layout;
    this.#transmitRing = new SpscRing({
      buffer,
      byteOffset: layout.transmitRing,
      capacity,
      wordsPerItem: Descriptor.WORDS,
    });
    this.#receiveRing = new SpscRing({
      buffer,
      byteOffset: layout.receiveRing,
      capacity,
      wordsPerItem: Descriptor.WORDS,
    });
    this.#returnRing = new SpscRing({ buffer, byteOffset: layout.returnRing, capacity, wordsPerItem: 1 });
    this.#returnedRing = new SpscRing({ buffer, byteOffset: layout.returnedRing, capacity, wordsPerItem: 1 });
    this.#ownBell = new Doorbell({ buffer, byteOffset: layout.ownBell });
    this.#peerBell = new Doorbell({ buffer, byteOffset: layout.peerBell });
    this.#firstLocalFrame = localPool.region.firstFrame;
    this.#localFrames = localPool.region.frames;
    this.#atPeer = new Uint8Array(frames).fill(1);
    this.#atPeer.fill(0, this.#firstLocalFrame, this.#firstLocalFrame + this.#localFrames);
    this.#maximumSegments = maximumSegments(capacity);
    this.#maximumFrame = mtu + FRAME_OVERHEAD;
    this.#checksumOffload = checksumOffload;
    this.capabilities = {
      mtu,
      macAddress: end.macAddress,
      mode: 'shared-memory',
      loopback: false,
      receiveChecksum: checksumOffload,
      transmitChecksum: checksumOffload,
      segmentation,
      maximumSegments: this.#maximumSegments,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
  }

  /** As the contract says. A closed link still takes its own frames back from the peer here, and returns 0. */
  receive(burst: Packet[], maximum: number): number {
    this.#exchangeFrames();
    let received = 0;
    if (!this.#closed) {
      const ring = this.#receiveRing;
      let bytes = 0;
      let consumed = 0;
      // A peer that writes nonsense must not keep us here for ever.
      while (received < maximum && consumed < ring.capacity) {
        const at = ring.peek(consumed);
        if (at < 0) break;
        const more = ring.words[at + Descriptor.FLAGS]! & Descriptor.MORE;
        const segments = more === 0 ? 1 : this.#chainLength(consumed);
        const packet = segments === 1 && more === 0 ? this.#adopt(at) : this.#adoptChain(consumed, segments);
        consumed = (consumed + segments) | 0;
        if (packet === null) {
          this.statistics.countDropped(1);
          continue;
        }
        burst[received] = packet;
        received = (received + 1) | 0;
        bytes = (bytes + (segments === 1 ? packet.length : packet.totalLength)) | 0;
      }
      if (consumed !== 0) {
        ring.consume(consumed);
        this.#madeRoom = true;
      }
      if (received !== 0) this.statistics.countReceived(received, bytes);
    }
    this.#answerWaitingPeer();
    return received;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    this.#exchangeFrames();
    if (this.#closed || this.#isPeerClosed()) {
      for (let i = from; i < from + count; i++) burst[i]!.release();
      this.statistics.countDropped(count);
      return count;
    }
    const ring = this.#transmitRing;
    const { words } = ring;
    let taken = 0;
    let reserved = 0;
    let sent = 0;
    let bytes = 0;
    let dropped = 0;
    this.#neededRoom = 0;
    this.#neededFrames = 0;
    for (; taken < count; taken = (taken + 1) | 0) {
      const packet = burst[(from + taken) | 0]!;
      const plain = packet.nextSegment === null && packet.references === 1 && this.#isSendable(packet);
      const length = plain ? packet.length : packet.totalLength;
      if (length > this.#maximumFrame && !this.#isVirtualSegment(packet, length)) {
        packet.release();
        dropped = (dropped + 1) | 0;
        continue;
      }
      if (plain) {
        const at = ring.reserve();
        if (at < 0) {
          this.#neededRoom = 1;
          break;
        }
        this.#describe(words, at, packet, this.#flagsOf(packet));
        reserved = (reserved + 1) | 0;
      } else {
        const segments = this.#sendChain(packet, length, reserved);
        if (segments === 0) break;
        if (segments < 0) {
          dropped = (dropped + 1) | 0;
          continue;
        }
        reserved = (reserved + segments) | 0;
      }
      sent = (sent + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    if (reserved !== 0) {
      ring.commit();
      this.#peerBell.ring();
      this.statistics.countTransmitted(sent, bytes);
    }
    if (dropped !== 0) this.statistics.countDropped(dropped);
    if (taken < count) this.statistics.countRefused((count - taken) | 0);
    this.#answerWaitingPeer();
    return taken;
  }

  /** Reports room for transmit (once) after a refusal, and frames that came back to an exhausted pool, as well as packets. */
  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    if (this.#settle() || this.#isReady()) {
      this.#wake = null;
      // False tells of room too: once is enough for a sender that gave up.
      if (this.#hasRoomAgain()) {
        this.#neededRoom = 0;
        this.#neededFrames = 0;
      }
      return false;
    }
    this.#wake = wake;
    if (!this.#waiting) this.#wait();
    return true;
  }

  /**
   * Blocks the thread until there is a reason that {@link arm} would call for, or the time is over: for the loop of a
   * worker that does nothing else. A thread with further sources of work says by `isIdle` whether they are all empty;
   * whoever feeds them rings {@link sharedMemoryBell}. True when there may be work. Not allowed on the main thread of a
   * browser.
   */
  sleep(timeoutMilliseconds: number, isIdle?: () => boolean): boolean {
    if (this.#closed) return false;
    if (this.#settle()) return true;
    this.#isElsewhereIdle = isIdle ?? null;
    const rang = this.#ownBell.wait(timeoutMilliseconds, this.#isIdle);
    this.#isElsewhereIdle = null; // arm asks about the link alone
    return rang;
  }

  nextReceive(): number {
    return !this.#closed && this.#receiveRing.length > 0 ? 0 : -1;
  }

  /** Gives the peer its frames back. Own frames that the peer still has are taken back by later calls of {@link receive}. */
  close(): void {
    if (this.#closed) return;
    const ring = this.#receiveRing;
    for (let left = ring.capacity; left > 0; left--) {
      const at = ring.peek();
      if (at < 0) break;
      this.#adopt(at)?.release();
      ring.consume();
    }
    ring.release();
    this.#closed = true;
    this.#wake = null;
    Atomics.store(this.#words, this.#layout.ownClosed, 1);
    for (let left = this.remotePool.available; left > 0; left -= RETURN_BURST) this.#exchangeFrames();
    this.#peerBell.ring();
    // Ends a pending wait of our own.
    this.#ownBell.ring();
  }

  #isSendable(segment: Packet): boolean {
    return segment.pool === this.#localPool || segment.pool === this.remotePool;
  }

  #isVirtualSegment(packet: Packet, length: number): boolean {
    const { gsoSize } = packet;
    return gsoSize > 0 && gsoSize <= this.capabilities.mtu && length <= this.capabilities.segmentation + FRAME_OVERHEAD;
  }

  #flagsOf(packet: Packet): number {
    const checksum = this.#checksumOffload ? packet.checksumState : ChecksumState.UNKNOWN;
    return (packet.gsoSize << Descriptor.GSO_SHIFT) | (checksum << Descriptor.CHECKSUM_SHIFT);
  }

  /** Writes the descriptor of a segment and passes its frame to the peer. */
  #describe(words: Int32Array, at: number, segment: Packet, flags: number): void {
    words[at + Descriptor.FRAME] = segment.frame;
    words[at + Descriptor.OFFSET] = segment.offset;
    words[at + Descriptor.LENGTH] = segment.length;
    words[at + Descriptor.FLAGS] = flags;
    this.#atPeer[segment.frame] = 1;
    segment.pool.lend(segment);
  }

  /**
   * A packet of several segments, or one whose frames are not ours to give away and must be copied. Returns the number
   * of descriptors written, 0 when there is no room for all (the packet stays the caller's), -1 when it was dropped.
   */
  #sendChain(packet: Packet, length: number, reserved: number): number {
    let segments = 0;
    let sendable = !isShared(packet);
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      segments = (segments + 1) | 0;
      if (!this.#isSendable(segment)) sendable = false;
    }
    if (!sendable || segments > this.#maximumSegments) {
      sendable = false;
      segments = this.#segmentsOfCopy(packet, length);
      if (segments > this.#maximumSegments || segments > this.#localFrames) {
        packet.release();
        return -1;
      }
    }
    const room = this.#transmitRing.free;
    if (room - reserved < segments) {
      this.#neededRoom = segments;
      return 0;
    }
    let first: Packet | null = packet;
    if (!sendable) {
      if (this.#localPool.available < segments) {
        this.#neededFrames = segments;
        return 0;
      }
      first = packet.copyTo(this.#localPool);
      packet.release();
      if (first === null) return -1;
    }
    const flags = this.#flagsOf(first);
    let written = 0;
    let segment: Packet | null = first;
    while (segment !== null) {
      const next: Packet | null = segment.nextSegment;
      const at = this.#transmitRing.reserve();
      this.#describe(this.#transmitRing.words, at, segment, next === null ? flags : flags | Descriptor.MORE);
      written = (written + 1) | 0;
      segment = next;
    }
    return written;
  }

  #segmentsOfCopy(packet: Packet, length: number): number {
    const room = (this.#localPool.memory.layout.frameSize - HEADROOM) | 0;
    return Math.max(1, Math.ceil((length + (packet.offset & 3)) / room));
  }

  /** Descriptors of the packet that starts `ahead` records from here: up to one without MORE, the limit, or the end of the ring. */
  #chainLength(ahead: number): number {
    const { words } = this.#receiveRing;
    let segments = 0;
    while (segments <= this.#maximumSegments) {
      const at = this.#receiveRing.peek((ahead + segments) | 0);
      if (at < 0) return Math.max(1, segments);
      segments = (segments + 1) | 0;
      if ((words[at + Descriptor.FLAGS]! & Descriptor.MORE) === 0) break;
    }
    return segments;
  }

  /** All segments or none: a packet with one bad descriptor is dropped, and its good frames go back. */
  #adoptChain(ahead: number, segments: number): Packet | null {
    const ring = this.#receiveRing;
    let whole = segments <= this.#maximumSegments;
    let first: Packet | null = null;
    let last: Packet | null = null;
    for (let i = 0; i < segments; i = (i + 1) | 0) {
      const at = ring.peek((ahead + i) | 0);
      const more = (ring.words[at + Descriptor.FLAGS]! & Descriptor.MORE) !== 0;
      // Packets are committed whole: a chain that ends with MORE, or goes on without it, is the work of a broken peer.
      if (more !== i < segments - 1) whole = false;
      const segment = this.#adopt(at);
      if (segment === null) whole = false;
      else if (last === null) first = segment;
      else last.nextSegment = segment;
      if (segment !== null) last = segment;
    }
    if (whole) return first;
    first?.release();
    return null;
  }

  /** The packet of the descriptor at `at`; null when it makes no sense. Each word is read once: the peer may write at any time. */
  #adopt(at: number): Packet | null {
    const { words } = this.#receiveRing;
    const frame = words[at + Descriptor.FRAME]!;
    const offset = words[at + Descriptor.OFFSET]!;
    const length = words[at + Descriptor.LENGTH]!;
    const flags = words[at + Descriptor.FLAGS]!;
    // Also false (undefined) for a number that is no frame's.
    if (this.#atPeer[frame] !== 1) return null;
    const index = (frame - this.#firstLocalFrame) | 0;
    const isLocal = index >= 0 && index < this.#localFrames;
    const pool = isLocal ? this.#localPool : this.remotePool;
    const packet = pool.adopt(frame, offset, length);
    if (packet === null) {
      this.#refuseFrame(frame, isLocal);
      return null;
    }
    this.#atPeer[frame] = 0;
    if (flags >>> Descriptor.CHECKSUM_SHIFT !== 0) {
      packet.gsoSize = flags >>> Descriptor.GSO_SHIFT;
      if (this.#checksumOffload && ((flags >>> Descriptor.CHECKSUM_SHIFT) & Descriptor.CHECKSUM_MASK) !== 0) {
        // PARTIAL or VERIFIED at the other end: nothing can have happened to the bytes since.
        packet.checksumState = ChecksumState.VERIFIED;
      }
    }
    return packet;
  }

  /** The frame of a descriptor with an impossible range: the frame itself goes where it belongs. */
  #refuseFrame(frame: number, isLocal: boolean): void {
    if (isLocal) {
      if (this.#localPool.reclaim(frame)) this.#atPeer[frame] = 0;
      return;
    }
    const { layout } = this.remotePool.memory;
    const packet = this.remotePool.adopt(frame, layout.packetOffset + frame * layout.frameSize, 0);
    if (packet === null) return;
    this.#atPeer[frame] = 0;
    packet.release();
  }

  /** Takes own frames back and gives released ones of the peer back, a bounded number of each. */
  #exchangeFrames(): void {
    const returned = this.#returned;
    const count = this.#returnedRing.dequeueBurst(returned, 0, RETURN_BURST);
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const frame = returned[i]!;
      if (this.#atPeer[frame] === 1 && this.#localPool.reclaim(frame)) this.#atPeer[frame] = 0;
      else this.statistics.countDropped(1);
    }
    const { remotePool } = this;
    let left = Math.min(RETURN_BURST, remotePool.available);
    if (left === 0) return;
    const ring = this.#returnRing;
    for (; left > 0; left = (left - 1) | 0) {
      const at = ring.reserve();
      if (at < 0) break;
      const frame = remotePool.takeReleasedFrame();
      this.#atPeer[frame] = 1;
      ring.words[at] = frame;
    }
    ring.commit();
    this.#madeRoom = true;
  }

  /**
   * What rings publish lazily is published before this end goes quiet, or the peer would wait for it for ever. True
   * when frames came back to a pool that was exhausted.
   */
  #settle(): boolean {
    const exhausted = this.#localPool.available === 0;
    this.#exchangeFrames();
    this.#receiveRing.release();
    this.#returnedRing.release();
    this.#answerWaitingPeer();
    if (this.#wantsFrames() || this.#neededRoom !== 0) Atomics.store(this.#words, this.#layout.ownWaiting, 1);
    return exhausted && this.#localPool.available > 0;
  }

  /** The peer waits for room or frames: it gets what there is, and a ring of its bell. */
  #answerWaitingPeer(): void {
    if (!this.#madeRoom) return;
    const waiting = this.#layout.peerWaiting;
    if (Atomics.load(this.#words, waiting) === 0) return;
    this.#madeRoom = false;
    this.#receiveRing.release();
    Atomics.store(this.#words, waiting, 0);
    this.#peerBell.ring();
  }

  #wantsFrames(): boolean {
    return this.#neededFrames !== 0 || this.#localPool.available === 0;
  }

  #isReady(): boolean {
    if (this.#closed) return false;
    if (this.#receiveRing.length > 0) return true;
    if (this.#wantsFrames() && this.#returnedRing.length > 0) return true;
    return this.#hasRoomAgain();
  }

  /** A refused packet would be taken now. */
  #hasRoomAgain(): boolean {
    if (this.#neededFrames !== 0) return this.#localPool.available >= this.#neededFrames;
    return this.#neededRoom !== 0 && (this.#transmitRing.free >= this.#neededRoom || this.#isPeerClosed());
  }

  #wait(): void {
    this.#waiting = true;
    void this.#ownBell.waitAsync(this.#isIdle).then(() => {
      this.#waiting = false;
      const wake = this.#wake;
      if (wake === null) return;
      if (!this.#settle() && !this.#isReady()) {
        this.#wait();
        return;
      }
      this.#wake = null;
      wake();
    });
  }

  #isPeerClosed(): boolean {
    if (this.#peerClosed) return true;
    if (Atomics.load(this.#words, this.#layout.peerClosed) === 0) return false;
    this.#peerClosed = true;
    this.#takeBackUnread();
    return true;
  }

  /** Frames that were sent while the peer closed: it reads no more, so that its side of the ring is ours. */
  #takeBackUnread(): void {
    const { buffer } = this.#localPool.memory;
    const { capacity } = this.#transmitRing;
    const byteOffset = this.#layout.transmitRing;
    const unread = new SpscRing({ buffer, byteOffset, capacity, wordsPerItem: Descriptor.WORDS });
    for (let left = capacity; left > 0; left--) {
      const at = unread.peek();
      if (at < 0) return;
      const frame = unread.words[at + Descriptor.FRAME]!;
      if (this.#atPeer[frame] === 1 && this.#localPool.reclaim(frame)) this.#atPeer[frame] = 0;
      unread.consume();
    }
  }
}

/**
 * Opens one end of a link that `createSharedMemoryLink` made. `memory` and `localPool` are this thread's own objects;
 * the two ends must have different pools.
 *
 * @throws EINVAL when the pool lies in another memory.
 */
export function openSharedMemoryLink(
  memory: PacketMemory,
  end: SharedMemoryLinkEnd,
  localPool: PacketPool,
): SharedMemoryLink {
  return new SharedMemoryLink(memory, end, localPool);
}

/**
 * The bell that wakes the thread of this end from {@link SharedMemoryLink.sleep}: for a third thread that has other work
 * for it.
 */
export function sharedMemoryBell(memory: PacketMemory, end: SharedMemoryLinkEnd): Doorbell {
  return new Doorbell({ buffer: memory.buffer, byteOffset: layoutOf(end).ownBell });
}
