import { type Packet, type PacketPool, TimestampSource } from '@prism-net/buffers';
import { type Clock, elapsed, type Instant } from '@prism-net/time';
import type { Link, LinkCapabilities } from '../link.js';
import type { LinkStatistics } from '../link-statistics.js';
import { CaptureDirection, type PcapWriter } from './pcap-writer.js';

export interface CaptureOptions {
  /** Default 'both'. */
  readonly directions?: 'both' | 'receive' | 'transmit';
  /**
   * Stamps packets that bring no receive time of their own. Without it they get the time of the last one that did.
   * It must be asked at least every half hour, by a packet.
   */
  readonly clock?: Clock;
  /** Seconds since 1970 when the capture starts, for `clock`. Default 0. */
  readonly startSeconds?: number;
}

class CaptureLink implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics: LinkStatistics;
  readonly pool?: PacketPool;

  readonly #link: Link;
  readonly #writer: PcapWriter;
  readonly #receives: boolean;
  readonly #transmits: boolean;
  readonly #clock: Clock | undefined;
  #last: Instant = 0;
  #seconds: number;
  #nanoseconds = 0;
  /** Where in the writer each packet of a burst ends. */
  readonly #positions: number[] = [];
  #closed = false;

  constructor(link: Link, writer: PcapWriter, options: CaptureOptions) {
    const { directions = 'both', startSeconds = 0, clock } = options;
    this.name = link.name;
    if (link.pool !== undefined) this.pool = link.pool;
    // A capture shows the frames of the wire: virtual segments are cut before they get here.
    this.capabilities = { ...link.capabilities, segmentation: 0 };
    this.statistics = link.statistics;
    this.#link = link;
    this.#writer = writer;
    this.#receives = directions !== 'transmit';
    this.#transmits = directions !== 'receive';
    this.#clock = clock;
    this.#seconds = startSeconds;
    if (clock !== undefined) this.#last = clock.now();
  }

  receive(burst: Packet[], maximum: number): number {
    const count = this.#link.receive(burst, maximum);
    if (count === 0 || !this.#receives) return count;
    this.#readClock();
    for (let i = 0; i < count; i = (i + 1) | 0) this.#write(burst[i]!, CaptureDirection.RECEIVED);
    this.#writer.commit();
    return count;
  }

  /** Written first, because the packets are the link's afterwards; what it did not take is struck out again. */
  transmit(burst: Packet[], from: number, count: number): number {
    if (!this.#transmits || this.#closed) return this.#link.transmit(burst, from, count);
    const writer = this.#writer;
    const positions = this.#positions;
    this.#readClock();
    for (let i = 0; i < count; i = (i + 1) | 0) {
      positions[i] = writer.position;
      this.#write(burst[(from + i) | 0]!, CaptureDirection.TRANSMITTED);
    }
    const taken = this.#link.transmit(burst, from, count);
    if (taken < count) writer.truncate(positions[taken]!);
    writer.commit();
    return taken;
  }

  arm(wake: () => void): boolean {
    return this.#link.arm(wake);
  }

  nextReceive(): number {
    return this.#link.nextReceive();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#link.close();
    this.#writer.flush();
  }

  #write(packet: Packet, direction: CaptureDirection): void {
    if (direction === CaptureDirection.RECEIVED && packet.timestampSource !== TimestampSource.NONE) {
      this.#writer.write(packet, packet.timestampSeconds >>> 0, packet.timestampNanoseconds, direction);
      if (this.#clock !== undefined) return;
      this.#seconds = packet.timestampSeconds >>> 0;
      this.#nanoseconds = packet.timestampNanoseconds;
      return;
    }
    this.#writer.write(packet, this.#seconds, this.#nanoseconds, direction);
  }

  #readClock(): void {
    if (this.#clock === undefined) return;
    const now = this.#clock.now();
    const nanoseconds = this.#nanoseconds + elapsed(now, this.#last) * 1000;
    this.#last = now;
    const seconds = Math.floor(nanoseconds / 1e9);
    this.#seconds += seconds;
    this.#nanoseconds = nanoseconds - seconds * 1e9;
  }
}

/**
 * Writes every packet that passes a link to a capture: received ones as they come up, transmitted ones when the link
 * takes them. Owns the link: closing the result closes it and flushes the writer, which can be used on.
 */
export function capture(link: Link, writer: PcapWriter, options: CaptureOptions = {}): Link {
  return new CaptureLink(link, writer, options);
}
