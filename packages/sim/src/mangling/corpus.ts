import type { Packet } from '@prism-net/buffers';
import type { SeededRandom } from '@prism-net/tables';

const RECENT = 64;
const OLD = 32;
const LONGEST = 1600;

/** Frames that went by: the latest, and some of all times, the first among them. */
export class Corpus {
  readonly #frames: Uint8Array[] = [];
  readonly #lengths = new Int32Array(RECENT + OLD);
  #seen = 0;

  /** Keeps a copy. */
  add(packet: Packet, random: SeededRandom): void {
    if (packet.nextSegment !== null || packet.length > LONGEST) return;
    this.#store(this.#seen % RECENT, packet);
    // The first are the handshake; later ones take the place of others at random.
    if (this.#seen < OLD >> 1) this.#store(RECENT + this.#seen, packet);
    else if (random.nextBelow(16) === 0) this.#store(RECENT + (OLD >> 1) + random.nextBelow(OLD >> 1), packet);
    this.#seen++;
  }

  /** One of the frames, {@link length} bytes long; null while there is none. */
  draw(random: SeededRandom): Uint8Array | null {
    const slot = random.nextBelow(RECENT + OLD);
    const frame = this.#frames[slot] ?? this.#frames[0];
    this.length = frame === undefined ? 0 : this.#lengths[this.#frames[slot] === undefined ? 0 : slot]!;
    return frame ?? null;
  }
  length = 0;

  #store(slot: number, packet: Packet): void {
    const frame = (this.#frames[slot] ??= new Uint8Array(LONGEST));
    packet.memory.read(packet.offset, frame, 0, packet.length);
    this.#lengths[slot] = packet.length;
  }
}
