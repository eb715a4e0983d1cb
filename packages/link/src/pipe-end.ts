import { type Packet, TimestampSource } from '@prism-net/buffers';
import type { MacAddress } from '@prism-net/wire';
import { takeExclusive } from './exclusive-packet.js';
import type { Link, LinkCapabilities } from './link.js';
import { FRAME_OVERHEAD } from './link-options.js';
import { LinkStatistics } from './link-statistics.js';
import { PacketRing } from './packet-ring.js';
import { type Schedule, Wakeup } from './wakeup.js';
import { enterWire } from './wire-metadata.js';

export interface PipeEndOptions {
  readonly name: string;
  readonly mtu: number;
  readonly capacity: number;
  readonly macAddress: MacAddress;
  readonly loopback: boolean;
  readonly checksumOffload: boolean;
  /** Bytes of IP datagram up to which virtual segments cross whole. */
  readonly segmentation: number;
  /** Bits of PacketFlag that every received packet gets. */
  readonly packetFlags: number;
  readonly schedule: Schedule;
}

/** One end of a cable inside one thread: packets change owner and stay where they are. Connected to itself it is a loopback. */
export class PipeEnd implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics = new LinkStatistics();

  readonly #maximumFrame: number;
  readonly #packetFlags: number;
  readonly #checksumOffload: boolean;
  readonly #segmentation: number;
  readonly #inbound: PacketRing;
  readonly #wakeup: Wakeup;
  #peer: PipeEnd = this;
  #closed = false;
  /** The last transmit was refused in part, and nobody has been told of room since. */
  #refused = false;

  constructor(options: PipeEndOptions) {
    const { name, mtu, macAddress, loopback, checksumOffload, segmentation } = options;
    this.name = name;
    this.#maximumFrame = mtu + FRAME_OVERHEAD;
    this.#packetFlags = options.packetFlags;
    this.#checksumOffload = checksumOffload;
    this.#segmentation = segmentation;
    this.#inbound = new PacketRing(options.capacity);
    this.#wakeup = new Wakeup(this, options.schedule);
    this.capabilities = {
      mtu,
      macAddress,
      mode: 'in-process',
      loopback,
      receiveChecksum: checksumOffload,
      transmitChecksum: checksumOffload,
      segmentation,
      maximumSegments: 65_535,
      timestamps: TimestampSource.NONE,
      queues: 1,
    };
  }

  /** Plugs the two ends together. */
  static connect(left: PipeEnd, right: PipeEnd): void {
    left.#peer = right;
    right.#peer = left;
  }

  receive(burst: Packet[], maximum: number): number {
    const count = this.#inbound.receive(burst, maximum, this.statistics);
    if (count === 0) return 0;
    const peer = this.#peer;
    if (peer.#refused) peer.#wakeup.notify();
    return count;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    const peer = this.#peer;
    if (this.#closed || peer.#closed) return this.#discard(burst, from, count);
    const ring = peer.#inbound;
    const { slots, mask } = ring;
    const checksumOffload = this.#checksumOffload;
    const packetFlags = this.#packetFlags;
    const segmentation = this.#segmentation > 0;
    let tail = ring.tail;
    const taken = Math.min(count, (ring.capacity - ((tail - ring.head) | 0)) | 0);
    const first = tail;
    let bytes = 0;
    for (let i = 0; i < taken; i = (i + 1) | 0) {
      let packet: Packet | null = burst[(from + i) | 0]!;
      let length = packet.length;
      if (packet.nextSegment !== null || packet.references !== 1) {
        packet = takeExclusive(packet);
        if (packet === null) continue;
        length = packet.totalLength;
      }
      if (length > this.#maximumFrame && !this.#isVirtualSegment(packet, length)) {
        packet.release();
        continue;
      }
      enterWire(packet, packetFlags, checksumOffload, segmentation);
      slots[tail & mask] = packet;
      tail = (tail + 1) | 0;
      bytes = (bytes + length) | 0;
    }
    ring.tail = tail;
    const sent = (tail - first) | 0;
    if (sent !== 0) {
      this.statistics.countTransmitted(sent, bytes);
      peer.#wakeup.notify();
    }
    if (sent !== taken) this.statistics.countDropped((taken - sent) | 0);
    this.#refused = taken < count;
    if (taken < count) this.statistics.countRefused((count - taken) | 0);
    return taken;
  }

  /** Reports room for transmit (once) after a refusal, as well as waiting packets. */
  arm(wake: () => void): boolean {
    if (this.#closed) return true;
    if (this.#wakeup.arm(wake)) return true;
    // False tells of room too: once is enough for a sender that gave up.
    if (this.#peer.#inbound.room > 0) this.#refused = false;
    return false;
  }

  isReady(): boolean {
    if (this.#closed) return false;
    return this.#inbound.length > 0 || (this.#refused && this.#peer.#inbound.room > 0);
  }

  nextReceive(): number {
    return this.#inbound.length > 0 ? 0 : -1;
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#wakeup.disarm();
    this.#inbound.clear();
    // A peer that waits for room gets it: from now on its frames end here.
    if (this.#peer.#refused) this.#peer.#wakeup.notify();
  }

  /** Longer than any frame, but to be cut where it leaves memory for a wire. */
  #isVirtualSegment(packet: Packet, length: number): boolean {
    const { gsoSize } = packet;
    return gsoSize > 0 && gsoSize <= this.capabilities.mtu && length <= this.#segmentation + FRAME_OVERHEAD;
  }

  /** An unplugged cable takes everything and loses it. */
  #discard(burst: Packet[], from: number, count: number): number {
    for (let i = from; i < from + count; i++) burst[i]!.release();
    this.statistics.countDropped(count);
    return count;
  }
}
