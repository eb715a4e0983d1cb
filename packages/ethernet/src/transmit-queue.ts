import type { Packet } from '@prism-net/buffers';
import type { Link } from '@prism-net/link';

/**
 * The burst an interface keeps for its link: packets in the order they were sent, handed over together. What the link
 * refuses stays, up to a bound.
 */
export class TransmitQueue {
  readonly #link: Link;
  readonly #limit: number;
  readonly #burst: number;
  /** Twice as long as ever needed, so that moving what is left to the front costs at most one move per packet. */
  readonly #packets: Packet[] = [];
  #first = 0;
  #end = 0;
  /** Length at which the queue is handed over without being asked; grows while the link refuses. */
  #flushAt: number;

  constructor(link: Link, limit: number, burst: number) {
    this.#link = link;
    this.#limit = limit;
    this.#burst = burst;
    this.#flushAt = burst;
  }

  get length(): number {
    return (this.#end - this.#first) | 0;
  }

  /** Packets that are taken for certain, whatever the link does. */
  get room(): number {
    return (this.#limit - this.#end + this.#first) | 0;
  }

  /** Takes the packet; false, and the packet stays the caller's, when the queue is full and the link takes nothing. */
  push(packet: Packet): boolean {
    if (this.#end - this.#first >= this.#limit) {
      this.flush();
      if (this.#end - this.#first >= this.#limit) return false;
    }
    if (this.#end >= this.#limit << 1) this.#moveToFront();
    this.#packets[this.#end] = packet;
    this.#end = (this.#end + 1) | 0;
    if (this.#end - this.#first >= this.#flushAt) this.flush();
    return true;
  }

  /** What {@link push} does, less the taking: the packet stays the caller's. False when there would be no room. */
  rehearse(packet: Packet): boolean {
    if (this.#end - this.#first >= this.#limit) return false;
    if (this.#end >= this.#limit << 1) this.#moveToFront();
    this.#packets[this.#end] = packet;
    return true;
  }

  flush(): void {
    const count = (this.#end - this.#first) | 0;
    if (count === 0) return;
    const taken = this.#link.transmit(this.#packets, this.#first, count);
    if (taken >= count) {
      this.#first = 0;
      this.#end = 0;
      this.#flushAt = this.#burst;
      return;
    }
    this.#first = (this.#first + taken) | 0;
    this.#flushAt = (count - taken + this.#burst) | 0;
  }

  /** The oldest packet, now the caller's; null when empty. */
  shift(): Packet | null {
    if (this.#first === this.#end) return null;
    const packet = this.#packets[this.#first]!;
    this.#first = (this.#first + 1) | 0;
    return packet;
  }

  #moveToFront(): void {
    let to = 0;
    for (let from = this.#first; from < this.#end; from = (from + 1) | 0) {
      this.#packets[to] = this.#packets[from]!;
      to = (to + 1) | 0;
    }
    this.#first = 0;
    this.#end = to;
  }
}
