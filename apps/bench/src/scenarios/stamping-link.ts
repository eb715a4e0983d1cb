import type { Packet } from '@prism-net/buffers';
import type { Link, LinkCapabilities } from '@prism-net/link';
import type { Clock } from '@prism-net/time';

/** A link that notes when it was last handed something, and passes everything on to another. */
export class StampingLink implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics: Link['statistics'];
  /** Of {@link clock}, at the last transmit. */
  stamp = 0;
  /** Packets handed over. */
  handed = 0;
  readonly #link: Link;
  readonly #clock: Clock;

  constructor(link: Link, clock: Clock) {
    this.name = link.name;
    this.capabilities = link.capabilities;
    this.statistics = link.statistics;
    this.#link = link;
    this.#clock = clock;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    this.stamp = this.#clock.now();
    this.handed = (this.handed + count) | 0;
    return this.#link.transmit(burst, from, count);
  }

  receive(burst: Packet[], maximum: number): number {
    return this.#link.receive(burst, maximum);
  }

  arm(wake: () => void): boolean {
    return this.#link.arm(wake);
  }

  nextReceive(): number {
    return this.#link.nextReceive();
  }

  close(): void {
    this.#link.close();
  }
}
