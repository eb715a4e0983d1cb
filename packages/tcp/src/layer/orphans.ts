import { Errno } from '@prism-net/errors';
import type { Instant } from '@prism-net/time';
import { abort } from '../closing.js';
import type { Connection } from '../connection.js';

/** Connections their applications have closed and that still have something to do. The oldest gives way when there are too many. */
export class Orphans {
  readonly #limit: number;
  readonly #connections = new Set<Connection>();
  /** Reset because there were too many. */
  evicted = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#connections.size;
  }

  add(connection: Connection, now: Instant): void {
    this.#connections.add(connection);
    if (this.#connections.size <= this.#limit) return;
    const [oldest] = this.#connections;
    this.evicted++;
    abort(oldest!, Errno.ECONNABORTED, now);
  }

  has(connection: Connection): boolean {
    return this.#connections.has(connection);
  }

  delete(connection: Connection): void {
    this.#connections.delete(connection);
  }
}
