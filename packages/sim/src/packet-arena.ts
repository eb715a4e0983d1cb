import { PacketMemory, PacketPool } from '@prism-net/buffers';

/** Frames of one packet memory. Only those that were used once take real memory. */
const CHUNK_FRAMES = 16_384;

/** Arenas of simulations that have ended. */
const idle: PacketArena[] = [];

/**
 * Packet memory for one simulation at a time. What a simulation leaves in order the next one uses: to make some thousand
 * packets and have them collected costs more than a short simulation does.
 */
export class PacketArena {
  readonly #frameSize: number;
  readonly #debug: boolean;
  readonly #used: PacketPool[] = [];
  readonly #free: PacketPool[] = [];
  #memory: PacketMemory;

  private constructor(frameSize: number, debug: boolean) {
    this.#frameSize = frameSize;
    this.#debug = debug;
    this.#memory = this.#createMemory(CHUNK_FRAMES);
  }

  static acquire(frameSize: number, debug: boolean): PacketArena {
    const at = idle.findIndex((arena) => arena.#frameSize === frameSize && arena.#debug === debug);
    return at < 0 ? new PacketArena(frameSize, debug) : idle.splice(at, 1)[0]!;
  }

  /** A pool that nobody else uses. Its name says nothing. */
  pool(frames: number): PacketPool {
    const at = this.#free.findIndex(({ region }) => region.frames === frames);
    const pool = at < 0 ? this.#createPool(frames) : this.#free.splice(at, 1)[0]!;
    this.#used.push(pool);
    return pool;
  }

  /** The simulation has ended. Where packets are still out, nothing is used again. */
  release(): void {
    for (const pool of this.#used) {
      if (pool.outstanding !== 0 || pool.statistics.doubleReleases !== 0) return;
    }
    for (const pool of this.#used.splice(0)) {
      pool.peak = 0;
      pool.statistics.exhausted = 0;
      this.#free.push(pool);
    }
    idle.push(this);
  }

  #createPool(frames: number): PacketPool {
    if (this.#memory.unreservedFrames < frames) this.#memory = this.#createMemory(Math.max(CHUNK_FRAMES, frames));
    return PacketPool.create(this.#memory, frames);
  }

  #createMemory(frames: number): PacketMemory {
    return PacketMemory.create({ frames, frameSize: this.#frameSize, debug: this.#debug });
  }
}
