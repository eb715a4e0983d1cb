import type { Packet } from '@prism-net/buffers';
import type { Link, LinkCapabilities } from '@prism-net/link';

/** A link that keeps a copy of each frame it is handed, and passes everything on to another. */
export class RecordingLink implements Link {
  readonly name: string;
  readonly capabilities: LinkCapabilities;
  readonly statistics: Link['statistics'];
  #frames: Uint8Array[] = [];
  readonly #link: Link;

  constructor(link: Link) {
    this.name = link.name;
    this.capabilities = link.capabilities;
    this.statistics = link.statistics;
    this.#link = link;
  }

  /** Frames since the last call. */
  take(): Uint8Array[] {
    const frames = this.#frames;
    this.#frames = [];
    return frames;
  }

  transmit(burst: Packet[], from: number, count: number): number {
    const frames = burst.slice(from, from + count).map((packet) => packet.toBytes());
    const taken = this.#link.transmit(burst, from, count);
    this.#frames.push(...frames.slice(0, taken));
    return taken;
  }

  /** In place of {@link transmit}: keeps nothing. */
  forward(burst: Packet[], from: number, count: number): number {
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
