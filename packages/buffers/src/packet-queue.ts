import type { Packet } from './packet.js';

/** A first-in-first-out queue of packets, linked through the packets themselves: it costs nothing while empty. */
export class PacketQueue {
  length = 0;
  #first: Packet | null = null;
  #last: Packet | null = null;

  /** Takes the packet. The caller bounds the length. */
  push(packet: Packet): void {
    packet.nextInQueue = null;
    const last = this.#last;
    if (last === null) this.#first = packet;
    else last.nextInQueue = packet;
    this.#last = packet;
    this.length = (this.length + 1) | 0;
  }

  /** The oldest packet, now the caller's; null when empty. */
  shift(): Packet | null {
    const first = this.#first;
    if (first === null) return null;
    const next = first.nextInQueue;
    this.#first = next;
    if (next === null) this.#last = null;
    first.nextInQueue = null;
    this.length = (this.length - 1) | 0;
    return first;
  }

  /** The oldest packet, still the queue's; null when empty. */
  peek(): Packet | null {
    return this.#first;
  }

  /** Releases all packets and returns how many there were. */
  clear(): number {
    const count = this.length;
    for (let packet = this.shift(); packet !== null; packet = this.shift()) packet.release();
    return count;
  }
}
