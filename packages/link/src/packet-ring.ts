import type { Packet } from '@prism-net/buffers';
import type { LinkStatistics } from './link-statistics.js';

/** A bounded first-in-first-out queue of packets in a circular array, for one thread. The fields are open: the loops over a burst run on them directly. */
export class PacketRing {
  readonly capacity: number;
  readonly mask: number;
  readonly slots: (Packet | null)[];
  /** Packets ever taken out and put in, modulo 2^32. */
  head = 0;
  tail = 0;

  /** `capacity` is rounded up to a power of two. */
  constructor(capacity: number) {
    this.capacity = 2 ** Math.ceil(Math.log2(capacity));
    this.mask = this.capacity - 1;
    this.slots = new Array<Packet | null>(this.capacity).fill(null);
  }

  get length(): number {
    return (this.tail - this.head) | 0;
  }

  get room(): number {
    return (this.capacity - this.length) | 0;
  }

  /** Takes the packet. The caller has looked at {@link room}. */
  push(packet: Packet): void {
    this.slots[this.tail & this.mask] = packet;
    this.tail = (this.tail + 1) | 0;
  }

  /** The oldest packet, now the caller's; null when empty. */
  shift(): Packet | null {
    if (this.head === this.tail) return null;
    const packet = this.slots[this.head & this.mask]!;
    this.head = (this.head + 1) | 0;
    return packet;
  }

  /** Moves up to `maximum` packets to `burst`, from index 0, and counts them as received. They are the caller's. */
  receive(burst: Packet[], maximum: number, statistics: LinkStatistics): number {
    const { slots, mask } = this;
    let head = this.head;
    const count = Math.min(maximum, (this.tail - head) | 0);
    if (count <= 0) return 0;
    let bytes = 0;
    for (let i = 0; i < count; i = (i + 1) | 0) {
      const packet = slots[head & mask]!;
      burst[i] = packet;
      bytes = (bytes + (packet.nextSegment === null ? packet.length : packet.totalLength)) | 0;
      head = (head + 1) | 0;
    }
    this.head = head;
    statistics.countReceived(count, bytes);
    return count;
  }

  /** Releases all packets and forgets them. */
  clear(): void {
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release();
    this.slots.fill(null);
  }
}
