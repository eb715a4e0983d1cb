import type { Instant } from '@prism-net/time';
import type { ControlBlock } from '../control-block.js';
import { output } from '../send/output.js';

/** Connections that have something to send, in the order they said so. */
export class Turns {
  /** Those that wait for the next {@link serve}. */
  count = 0;
  #waiting: (ControlBlock | null)[] = [];
  #serving: (ControlBlock | null)[] = [];
  #servingCount = 0;
  #served = 0;

  /** Not in the list yet: `isPending` says so. */
  add(block: ControlBlock): void {
    block.isPending = true;
    this.#waiting[this.count] = block;
    this.count = (this.count + 1) | 0;
  }

  /**
   * Each that waited gets its turn; who asks for another meanwhile has it next time. What a link throws ends this call; the
   * next one goes on behind it.
   */
  serve(now: Instant): void {
    if (this.#servingCount === 0) {
      if (this.count === 0) return;
      const list = this.#waiting;
      this.#waiting = this.#serving;
      this.#serving = list;
      this.#servingCount = this.count;
      this.count = 0;
    }
    while (this.#served < this.#servingCount) {
      const block = this.#serving[this.#served]!;
      this.#serving[this.#served] = null;
      this.#served = (this.#served + 1) | 0;
      block.isPending = false;
      output(block, now);
    }
    this.#served = 0;
    this.#servingCount = 0;
  }

  clear(): void {
    for (let i = 0; i < this.count; i++) {
      this.#waiting[i]!.isPending = false;
      this.#waiting[i] = null;
    }
    this.count = 0;
  }
}
