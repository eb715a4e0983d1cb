import {
  ChecksumState,
  HEADROOM,
  type Packet,
  type PacketMemory,
  type PacketPool,
  TimestampSource,
} from '@prism-net/buffers';
import { Errno, posixError } from '@prism-net/errors';
import { Doorbell, SpscRing } from '@prism-net/rings';
import { DescriptorReader } from './descriptor-reader.js';
import { isShared } from './exclusive-packet.js';
import type { Link, LinkCapabilities } from './link.js';
import { FRAME_OVERHEAD } from './link-options.js';
import { LinkStatistics } from './link-statistics.js';
import { RETURN_BURST, SharedFrames } from './shared-frames.js';
import {
  Descriptor,
  type EndLayout,
  layoutOf,
  maximumSegments,
  type SharedMemoryLinkEnd,
} from './shared-memory-layout.js';

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
  /** This end's own frames: a stack on this link sends from them, so that nothing is copied. */
  readonly pool: PacketPool;
  /** The peer's frames while they are here. */
  readonly remotePool: PacketPool;

  readonly #words: Int32Array;
  readonly #layout: EndLayout;
  readonly #transmitRing: SpscRing;
  readonly #receiveRing: SpscRing;
  readonly #frames: SharedFrames;
  readonly #reader: DescriptorReader;
  readonly #ownBell: Doorbell;
  readonly #peerBell: Doorbell;
  readonly #isIdle = (): boolean =>
    !this.#isReady() && !this.#wasAnsweredEarly() && (this.#isElsewhereIdle === null || this.#isElsewhereIdle());
  readonly #maximumSegments: number;
  readonly #maximumFrame: number;
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
  /** Since the peer's last wait was answered, descriptors were read. */
  #madeRoom = false;

  constructor(memory: PacketMemory, end: SharedMemoryLinkEnd, localPool: PacketPool) {
    if (localPool.memory.buffer !== memory.buffer) {
      throw posixError(Errno.EINVAL, 'openSharedMemoryLink', 'the pool is not of the packet memory the link is in');
    }
    const { capacity, mtu, checksumOffload, segmentation } = end;
    const { buffer } = memory;
    const layout = layoutOf(end);
    this.name = end.name;
    // Two users of one end would take each other's packets, and its rings have one producer and one consumer each.
    if (Atomics.compareExchange(memory.words, layout.ownOpened, 0, 1) !== 0) {
      throw posixError(Errno.EBUSY, 'openSharedMemoryLink', `the ${end.side} end is open already`);
    }
    this.pool = localPool;
    this.#frames = new SharedFrames(memory, end, layout, localPool);
    this.remotePool = this.#frames.remotePool;
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
    this.#ownBell = new Doorbell({ buffer, byteOffset: layout.ownBell });
    this.#peerBell = new Doorbell({ buffer, byteOffset: layout.peerBell });
    this.#maximumSegments = maximumSegments(capacity);
    this.#maximumFrame = mtu + FRAME_OVERHEAD;
    this.#checksumOffload = checksumOffload;
    this.#reader = new DescriptorReader(this.#receiveRing, this.#frames, this.#maximumSegments, checksumOffload);
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
        const packet = this.#reader.read(at, consumed);
        const { segments } = this.#reader;
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
      const plain = packet.nextSegment === null && packet.references === 1 && this.#frames.isSendable(packet);
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
        const segments = this.#sendChain(packet, length);
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
      this.#reader.readSegment(at)?.release();
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
    this.#frames.send(segment);
  }

  /**
   * A packet of several segments, or one whose frames are not ours to give away and must be copied. Returns the number
   * of descriptors written, 0 when there is no room for all (the packet stays the caller's), -1 when it was dropped.
   */
  #sendChain(packet: Packet, length: number): number {
    let segments = 0;
    let sendable = !isShared(packet);
    for (let segment: Packet | null = packet; segment !== null; segment = segment.nextSegment) {
      segments = (segments + 1) | 0;
      if (!this.#frames.isSendable(segment)) sendable = false;
    }
    if (!sendable || segments > this.#maximumSegments) {
      sendable = false;
      segments = this.#segmentsOfCopy(packet, length);
      if (segments > this.#maximumSegments || segments > this.pool.region.frames) {
        packet.release();
        return -1;
      }
    }
    if (this.#transmitRing.free < segments) {
      this.#neededRoom = segments;
      return 0;
    }
    let first: Packet | null = packet;
    if (!sendable) {
      if (this.pool.available < segments) {
        this.#neededFrames = segments;
        return 0;
      }
      first = packet.copyTo(this.pool);
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
    const room = (this.pool.memory.layout.frameSize - HEADROOM) | 0;
    return Math.max(1, Math.ceil((length + (packet.offset & 3)) / room));
  }

  #exchangeFrames(): void {
    const bad = this.#frames.exchange();
    if (bad !== 0) this.statistics.countDropped(bad);
  }

  /**
   * What rings publish lazily is published before this end goes quiet, or the peer would wait for it for ever. True
   * when frames came back to a pool that was exhausted.
   */
  #settle(): boolean {
    const exhausted = this.pool.available === 0;
    this.#exchangeFrames();
    this.#receiveRing.release();
    this.#frames.publish();
    this.#answerWaitingPeer();
    if (this.#wantsFrames() || this.#neededRoom !== 0) Atomics.store(this.#words, this.#layout.ownWaiting, 1);
    return exhausted && this.pool.available > 0;
  }

  /** The peer waits for room or frames: it gets what there is, and a ring of its bell. */
  #answerWaitingPeer(): void {
    if (!this.#madeRoom && !this.#frames.gaveBack) return;
    const waiting = this.#layout.peerWaiting;
    if (Atomics.load(this.#words, waiting) === 0) return;
    this.#madeRoom = false;
    this.#frames.gaveBack = false;
    this.#receiveRing.release();
    Atomics.store(this.#words, waiting, 0);
    this.#peerBell.ring();
  }

  #wantsFrames(): boolean {
    return this.#neededFrames !== 0 || this.pool.available === 0;
  }

  #isReady(): boolean {
    if (this.#closed) return false;
    if (this.#receiveRing.length > 0) return true;
    if (this.#wantsFrames() && this.#frames.haveReturned) return true;
    return this.#hasRoomAgain();
  }

  /** A refused packet would be taken now. */
  #hasRoomAgain(): boolean {
    if (this.#neededFrames !== 0) return this.pool.available >= this.#neededFrames;
    return this.#neededRoom !== 0 && (this.#transmitRing.free >= this.#neededRoom || this.#isPeerClosed());
  }

  /**
   * The peer has answered our wait with what it had given before, and rang when this end was not asleep yet: nobody
   * would ring again. To be asked after the sleep was announced.
   */
  #wasAnsweredEarly(): boolean {
    const wants = this.#neededRoom !== 0 || this.#wantsFrames();
    return wants && !this.#closed && Atomics.load(this.#words, this.#layout.ownWaiting) === 0;
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
    const { buffer } = this.pool.memory;
    const { capacity } = this.#transmitRing;
    const byteOffset = this.#layout.transmitRing;
    let unread: SpscRing;
    try {
      unread = new SpscRing({ buffer, byteOffset, capacity, wordsPerItem: Descriptor.WORDS });
    } catch {
      return; // the peer has written over what marks the ring: its frames stay where they are
    }
    for (let left = capacity; left > 0; left--) {
      const at = unread.peek();
      if (at < 0) return;
      this.#frames.takeBack(unread.words[at + Descriptor.FRAME]!);
      unread.consume();
    }
  }
}

/**
 * Opens one end of a link that `createSharedMemoryLink` made, once. `memory` and `localPool` are this thread's own
 * objects; the two ends must have different pools. Packets of other pools are copied; a stack over this link uses
 * `localPool` unless it is given another.
 *
 * @throws EINVAL when the pool lies in another memory, EBUSY when the end is open already.
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
