import type { Packet } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';

const BURST = 64;

export interface LaneOptions {
  /** 0: as fast as frames come. */
  readonly bitsPerSecond: number;
  readonly delayMicroseconds: number;
  /** Bytes that may wait; more are lost. */
  readonly queueBytes: number;
  /** Whether this frame is lost before it comes to the queue. */
  readonly isLost: (packet: Packet) => boolean;
  /** Looks at what arrives at the other side. */
  readonly onDelivered: (packet: Packet) => void;
}

/**
 * One direction between two links: loss, a drop-tail queue, a rate, a delay. A frame's time of departure is computed from
 * those before it, so that rate and queue are exact, however seldom {@link poll} is called; only the delay gets longer.
 */
export class Lane {
  lost = 0;
  overflowed = 0;
  forwarded = 0;
  readonly #from: Link;
  readonly #to: Link;
  readonly #options: LaneOptions;
  readonly #burst: Packet[] = [];
  readonly #packets: Packet[] = [];
  readonly #due: number[] = [];
  #head = 0;
  /** When the line has sent what it was given, µs. */
  #free = 0;

  constructor(from: Link, to: Link, options: LaneOptions) {
    this.#from = from;
    this.#to = to;
    this.#options = options;
  }

  /** Receives frames, and sends on those that are due at `now` (µs, not rounded). True when there were any. */
  poll(now: number): boolean {
    let hasWork = false;
    const burst = this.#burst;
    for (let count = this.#from.receive(burst, BURST); count > 0; count = this.#from.receive(burst, BURST)) {
      hasWork = true;
      for (let i = 0; i < count; i++) this.#take(burst[i]!, now);
      if (count < BURST) break;
    }
    while (this.#head < this.#packets.length && this.#due[this.#head]! <= now) {
      const packet = this.#packets[this.#head]!;
      this.#options.onDelivered(packet);
      burst[0] = packet;
      // A veth takes all.
      if (this.#to.transmit(burst, 0, 1) === 0) packet.release();
      this.#head++;
      this.forwarded++;
      hasWork = true;
    }
    if (this.#head > 4096) {
      this.#packets.splice(0, this.#head);
      this.#due.splice(0, this.#head);
      this.#head = 0;
    }
    return hasWork;
  }

  /** Releases what is on its way. */
  clear(): void {
    for (const packet of this.#packets.splice(this.#head)) packet.release();
    this.#packets.length = 0;
    this.#due.length = 0;
    this.#head = 0;
  }

  #take(packet: Packet, now: number): void {
    const { bitsPerSecond, delayMicroseconds, queueBytes, isLost } = this.#options;
    if (isLost(packet)) {
      this.lost++;
      packet.release();
      return;
    }
    if (bitsPerSecond > 0) {
      this.#free = Math.max(this.#free, now);
      const waiting = ((this.#free - now) * bitsPerSecond) / 8e6;
      if (waiting + packet.totalLength > queueBytes) {
        this.overflowed++;
        packet.release();
        return;
      }
      this.#free += (packet.totalLength * 8e6) / bitsPerSecond;
    } else {
      this.#free = now;
    }
    this.#packets.push(packet);
    this.#due.push(this.#free + delayMicroseconds);
  }
}
