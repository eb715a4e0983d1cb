import type { XdpProgram } from '@prism-net/bpf';
import type { Packet, PacketPool } from '@prism-net/buffers';
import { type Link, type LinkCapabilities, LinkStatistics } from '@prism-net/link';
import { Readable, Readiness, Writable } from '@prism-net/linux';
import { xdpAddon } from './addon.js';
import type { ArpCopies } from './arp-copies.js';
import { BurstClock } from './burst-clock.js';
import { ReceiveSide } from './receive-side.js';
import { TransmitSide } from './transmit-side.js';
import { type FrameAccount, XdpFrames } from './xdp-frames.js';
import type { XdpShare } from './xdp-share.js';
import type { XdpSocket } from './xdp-socket.js';
import { type KernelStatistics, XdpStatistics } from './xdp-statistics.js';

/** Microseconds until a sender that ran out of frames looks for completions: no event tells of those. */
const COMPLETION_MICROSECONDS = 200;

/** Calls of receive between two looks for copies of ARP; a power of two. */
const COPIES_INTERVAL = 64;

/** What openXdpLink has put together. */
export interface XdpLinkParts {
  readonly name: string;
  readonly interface: string;
  readonly queue: number;
  readonly capabilities: LinkCapabilities;
  readonly socket: XdpSocket;
  readonly pool: PacketPool;
  readonly program: XdpProgram | null;
  readonly ownsProgram: boolean;
  /** Where the kernel has the same address: ARP that goes to the kernel is heard too. */
  readonly copies: ArpCopies | null;
  readonly hasTimestamps: boolean;
  readonly fillFrames: number;
  readonly reservedFrames: number;
  readonly marksPartial: boolean;
  readonly busyPolls: boolean;
  readonly isZeroCopy: boolean;
  readonly share: (options: { readonly queue: number; readonly frames: number }) => XdpShare;
}

/**
 * One queue of an interface through AF_XDP. Its pool's frames are in the UMEM: the kernel (or the card) writes received
 * frames where the stack reads them, and reads what is sent where the stack wrote it. The rings are in the packet memory
 * too and are worked on from here; only waking the kernel is a call.
 */
export class XdpLink implements Link {
  readonly name: string;
  readonly interface: string;
  readonly queue: number;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();
  /** Counters of this kind of link. */
  readonly details = new XdpStatistics();
  readonly pool: PacketPool;
  /** The program that passes frames to this link, with its counters; null where another thread has it. */
  readonly program: XdpProgram | null;

  readonly #parts: XdpLinkParts;
  readonly #socket: XdpSocket;
  readonly #frames: XdpFrames;
  readonly #receiver: ReceiveSide;
  readonly #transmitter: TransmitSide;
  readonly #readiness: Readiness;
  readonly #copies: ArpCopies | null;
  readonly #copiesReadiness: Readiness | null;
  readonly #clock: BurstClock | null;
  readonly #callsWhenIdle: boolean;
  #receives = 0;
  #wake: (() => void) | null = null;
  readonly #ready = (): void => {
    const wake = this.#wake;
    this.#wake = null;
    this.#readiness.disarm();
    this.#copiesReadiness?.disarm();
    wake?.();
  };
  #closed = false;

  constructor(parts: XdpLinkParts) {
    const { socket } = parts;
    this.name = parts.name;
    this.interface = parts.interface;
    this.queue = parts.queue;
    this.capabilities = parts.capabilities;
    this.pool = parts.pool;
    this.program = parts.program;
    this.#parts = parts;
    this.#socket = socket;
    this.#frames = new XdpFrames(parts.pool);
    const common = {
      addon: xdpAddon(),
      descriptor: socket.native.descriptor,
      frames: this.#frames,
      statistics: this.statistics,
      details: this.details,
    };
    this.#receiver = new ReceiveSide({
      ...common,
      ring: socket.receive,
      fill: socket.fill,
      fillFrames: parts.fillFrames,
      reservedFrames: parts.reservedFrames,
      marksPartial: parts.marksPartial,
      mtu: parts.capabilities.mtu,
    });
    this.#transmitter = new TransmitSide({
      ...common,
      ring: socket.transmit,
      completion: socket.completion,
      mtu: parts.capabilities.mtu,
      maximumSegments: parts.capabilities.maximumSegments,
      metadataLength: socket.umem.metadataLength,
      completesChecksum: parts.capabilities.transmitChecksum,
    });
    parts.copies?.countIn(this.statistics, this.details);
    this.#callsWhenIdle = parts.busyPolls || parts.isZeroCopy;
    this.#readiness = new Readiness(socket.native.descriptor, socket.native);
    this.#copies = parts.copies;
    this.#copiesReadiness = parts.copies === null ? null : new Readiness(parts.copies.descriptor, parts.copies);
    this.#clock = parts.hasTimestamps ? new BurstClock(common.addon, this.details) : null;
    this.#receiver.refill();
  }

  receive(burst: Packet[], maximum: number): number {
    if (this.#closed) return 0;
    let received = this.#receiver.receive(burst, maximum);
    if (received === 0) {
      this.#idle();
      // Polling the queue may have brought some.
      if (this.#parts.busyPolls) received = this.#receiver.receive(burst, maximum);
    }
    if (this.#copies !== null) {
      this.#receives = (this.#receives + 1) | 0;
      if ((this.#receives & (COPIES_INTERVAL - 1)) === 0) received = this.#copies.receive(burst, received, maximum);
    }
    if (received !== 0 && this.#clock !== null) this.#clock.stamp(burst, received);
    return received;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    if (!this.#closed) return this.#transmitter.transmit(burst, from, count);
    for (let i = from; i < from + count; i = (i + 1) | 0) burst[i]!.release();
    this.statistics.countDropped(count);
    return count;
  }

  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    const transmitter = this.#transmitter;
    this.#idle();
    this.#receiver.refill();
    if (this.#receiver.waiting > 0 || transmitter.hasRoomAgain) {
      transmitter.forgetRefusal();
      this.#wake = null;
      this.#readiness.disarm();
      this.#copiesReadiness?.disarm();
      return false;
    }
    this.#wake = wake;
    if (this.#copiesReadiness !== null) {
      // Whoever is woken for copies must find them in the next receive.
      this.#receives = COPIES_INTERVAL - 1;
      this.#copiesReadiness.arm(Readable, this.#ready);
    }
    this.#readiness.arm(transmitter.owesKick || transmitter.hasRefused ? Readable | Writable : Readable, this.#ready);
    return true;
  }

  nextReceive(): number {
    if (this.#closed) return -1;
    if (this.#receiver.waiting > 0) return 0;
    return this.#transmitter.hasRefused && this.#frames.sending > 0 ? COMPLETION_MICROSECONDS : -1;
  }

  /** The socket's file descriptor, for `XdpProgram.setSocket` in another thread of the process. */
  get descriptor(): number {
    return this.#socket.native.descriptor;
  }

  /**
   * What another thread needs to open a queue of this interface on the same packet memory: it gets frames of its own, and
   * the UMEM is shared. To be called by the thread that made the memory; can be passed by `postMessage`. That thread
   * calls `openXdpLink({ share })`, and this one `program.setSocket(queue, descriptor)` with the descriptor of its link.
   *
   * @throws PosixError ENOMEM when the memory has no frames or ring pages left.
   */
  share(options: { readonly queue: number; readonly frames: number }): XdpShare {
    return this.#parts.share(options);
  }

  /** Where the frames of the pool are now. */
  frames(): FrameAccount {
    const { pool } = this;
    const { receiving, sending } = this.#frames;
    const receive = this.#closed ? 0 : Math.min(this.#socket.receive.length, receiving);
    const completion = this.#closed ? 0 : Math.min(this.#socket.completion.length, sending);
    return {
      fill: receiving - receive,
      receive,
      transmit: sending - completion,
      completion,
      available: pool.available,
      outstanding: pool.outstanding,
      elsewhere: pool.lent - receiving - sending,
      total: pool.region.frames,
    };
  }

  /** What the kernel counts; one call. All zero once closed. */
  kernelStatistics(): KernelStatistics {
    const counts = new Float64Array(6);
    if (!this.#closed) this.#socket.native.statistics(counts);
    const [receiveDropped = 0, receiveInvalid = 0, transmitInvalid = 0] = counts;
    const [, , , receiveRingFull = 0, fillRingEmpty = 0, transmitRingEmpty = 0] = counts;
    return { receiveDropped, receiveInvalid, transmitInvalid, receiveRingFull, fillRingEmpty, transmitRingEmpty };
  }

  /** Native calls on the data path, both ways; `details` tells them apart. */
  get nativeCalls(): number {
    return this.details.receiveCalls + this.details.transmitCalls;
  }

  /** Times an index of the kernel made no sense. */
  get disorder(): number {
    const { receive, transmit, fill, completion } = this.#socket;
    return receive.disorder + transmit.disorder + fill.disorder + completion.disorder;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wake = null;
    this.#readiness.close();
    this.#copiesReadiness?.close();
    this.#copies?.close();
    if (this.#parts.ownsProgram) this.program?.close();
    this.#socket.close();
    this.#frames.takeBackAll();
  }

  #idle(): void {
    const transmitter = this.#transmitter;
    if (transmitter.owesKick) transmitter.kick();
    else if (this.#frames.sending !== 0) transmitter.complete();
    if (this.#callsWhenIdle) this.#receiver.poll(this.#parts.busyPolls);
  }
}
