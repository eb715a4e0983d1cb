import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { type ImpairedLink, type Impairments, impair, type Link, LinkStatistics } from '@prism-net/link';
import type { VirtualClock } from './virtual-clock.js';

/** A link from which exactly the packet can be received that was put in. */
class Feed implements Link {
  readonly name = 'feed';
  readonly capabilities = {
    mtu: 65_535,
    macAddress: { high: 0x0200, low: 0 },
    mode: 'in-process',
    loopback: false,
    receiveChecksum: true,
    transmitChecksum: true,
    segmentation: 0,
    maximumSegments: 65_535,
    timestamps: TimestampSource.NONE,
    queues: 1,
  };
  readonly statistics = new LinkStatistics();
  packet: Packet | null = null;

  receive(burst: Packet[]): number {
    if (this.packet === null) return 0;
    burst[0] = this.packet;
    this.packet = null;
    return 1;
  }

  transmit(): number {
    return 0;
  }

  arm(): boolean {
    return true;
  }

  nextReceive(): number {
    return -1;
  }

  close(): void {
    this.packet?.release();
    this.packet = null;
  }
}

/** Decides, packet by packet, what befalls it at once: loss, corruption, duplication. The work is `impair`'s. */
export class Fate {
  /** What came of the last packet. */
  readonly survivors: Packet[] = [];
  isCorrupted = false;
  isDuplicated = false;

  readonly #feed = new Feed();
  readonly #link: ImpairedLink;

  constructor(impairments: Impairments, seed: number, clock: VirtualClock, pool: PacketPool) {
    // A packet and its duplicate are out before the next comes: small queues will do.
    const receive = { ...impairments, queueLimit: 2 };
    this.#link = impair(this.#feed, { seed, clock, pool, receive, transmit: { queueLimit: 1 } });
  }

  /** Takes the packet; returns how many are left of it: 0, 1 or 2, in {@link survivors}, the caller's. */
  meet(packet: Packet): number {
    const { receive: counts } = this.#link.impairments;
    const { corrupted, duplicated } = counts;
    this.#feed.packet = packet;
    const count = this.#link.receive(this.survivors, 2);
    this.isCorrupted = counts.corrupted !== corrupted;
    this.isDuplicated = counts.duplicated !== duplicated;
    return count;
  }
}
