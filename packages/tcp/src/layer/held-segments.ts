import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { releaseHeld } from '../input/coalescing.js';

/** Connections that hold a segment until the end of the burst (see input/coalescing.ts). */
export class HeldSegments {
  readonly #blocks: (ControlBlock | null)[] = [];
  #count = 0;
  #released = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  add(block: ControlBlock): void {
    const last = this.#count - 1;
    if (last >= 0 && this.#blocks[last] === block) return;
    this.#blocks[this.#count] = block;
    this.#count = (this.#count + 1) | 0;
  }

  /** Hands them to TCP. What a link throws ends this call; the next call continues behind it. */
  release(now: Instant): void {
    while (this.#released < this.#count) {
      const block = this.#blocks[this.#released]!;
      this.#blocks[this.#released] = null;
      this.#released = (this.#released + 1) | 0;
      releaseHeld(block, now);
    }
    this.#released = 0;
    this.#count = 0;
  }
}
