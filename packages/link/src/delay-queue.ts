import type { Packet } from '@prism-net/buffers';
import type { Instant } from '@prism-net/time';
import { PacketRing } from './packet-ring.js';

/** Packets with the time they fall due, in order of both. The caller pushes no earlier time than the last one. */
export class DelayQueue {
  readonly #ring: PacketRing;
  readonly #due: Int32Array;

  constructor(capacity: number) {
    this.#ring = new PacketRing(capacity);
    this.#due = new Int32Array(this.#ring.capacity);
  }

  get length(): number {
    return this.#ring.length;
  }

  /** Takes the packet. The caller bounds the length. */
  push(packet: Packet, due: Instant): void {
    this.#due[this.#ring.tail & this.#ring.mask] = due;
    this.#ring.push(packet);
  }

  /** When the first packet falls due. Only if there is one. */
  get firstDue(): Instant {
    return this.#due[this.#ring.head & this.#ring.mask]!;
  }

  shift(): Packet | null {
    return this.#ring.shift();
  }

  clear(): void {
    this.#ring.clear();
  }
}
