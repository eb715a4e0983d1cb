import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { abort } from '../closing.js';
import type { ControlBlock } from '../control-block.js';

/**
 * Connections their applications have closed and that still have something to do. The oldest gives way when there are too
 * many.
 *
 * A list through the connections. In a JavaScript `Set` that is added to and deleted from all the time, each table that was
 * outgrown points to the next one; once such a table is old, the collector takes all that came after it for alive.
 */
export class Orphans {
  readonly #limit: number;
  #oldest: ControlBlock | null = null;
  #newest: ControlBlock | null = null;
  #size = 0;
  /** Reset because there were too many. */
  evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#size;
  }

  add(block: ControlBlock, now: Instant): void {
    if (block.isListedOrphan) return;
    block.isListedOrphan = true;
    block.olderOrphan = this.#newest;
    if (this.#newest === null) this.#oldest = block;
    else this.#newest.newerOrphan = block;
    this.#newest = block;
    this.#size = (this.#size + 1) | 0;
    if (this.#size <= this.#limit) return;
    this.evicted++;
    abort(this.#oldest!, Errno.ECONNABORTED, now);
  }

  has(block: ControlBlock): boolean {
    return block.isListedOrphan;
  }

  delete(block: ControlBlock): void {
    if (!block.isListedOrphan) return;
    const { newerOrphan, olderOrphan } = block;
    if (olderOrphan === null) this.#oldest = newerOrphan;
    else olderOrphan.newerOrphan = newerOrphan;
    if (newerOrphan === null) this.#newest = olderOrphan;
    else newerOrphan.olderOrphan = olderOrphan;
    block.isListedOrphan = false;
    block.olderOrphan = null;
    block.newerOrphan = null;
    this.#size = (this.#size - 1) | 0;
  }
}
