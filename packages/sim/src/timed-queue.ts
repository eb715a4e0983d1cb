import type { Packet } from '@prism-net/buffers';

/** Packets in the order in which they fall due; those due at the same time in the order they came. */
export class TimedQueue {
  length = 0;
  #packets: (Packet | null)[] = new Array<Packet | null>(16).fill(null);
  #due = new Float64Array(16);
  #head = 0;

  /** Takes the packet. Cheap where it is due after most others. */
  push(packet: Packet, due: number): void {
    if (this.length === this.#packets.length) this.#grow();
    const packets = this.#packets;
    const times = this.#due;
    const mask = packets.length - 1;
    let at = (this.#head + this.length) & mask;
    for (let left = this.length; left > 0; left = (left - 1) | 0) {
      const before = (at - 1) & mask;
      if (times[before]! <= due) break;
      packets[at] = packets[before]!;
      times[at] = times[before]!;
      at = before;
    }
    packets[at] = packet;
    times[at] = due;
    this.length = (this.length + 1) | 0;
  }

  /** When the first packet falls due, Infinity when there is none. */
  get firstDue(): number {
    return this.length === 0 ? Number.POSITIVE_INFINITY : this.#due[this.#head]!;
  }

  /** The first packet, now the caller's. Only if there is one. */
  shift(): Packet {
    const packet = this.#packets[this.#head]!;
    this.#packets[this.#head] = null;
    this.#head = (this.#head + 1) & (this.#packets.length - 1);
    this.length = (this.length - 1) | 0;
    return packet;
  }

  clear(): void {
    while (this.length > 0) this.shift().release();
  }

  #grow(): void {
    const { length } = this;
    const mask = length - 1;
    const packets = new Array<Packet | null>(length * 2).fill(null);
    const due = new Float64Array(length * 2);
    for (let i = 0; i < length; i++) {
      packets[i] = this.#packets[(this.#head + i) & mask]!;
      due[i] = this.#due[(this.#head + i) & mask]!;
    }
    this.#packets = packets;
    this.#due = due;
    this.#head = 0;
  }
}
