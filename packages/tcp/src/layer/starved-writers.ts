import type { PacketPool } from '@prism-net/buffers';
import type { Connection } from '../connection.js';
import { State } from '../state.js';

/** Packets come back at any time, without a word: so often is looked, while somebody waits. */
const LOOK_MICROSECONDS = 10_000;

/**
 * Connections whose writes were refused for want of packets, not of room: they may have nothing out whose acknowledgement
 * would tell them to try again.
 */
export class StarvedWriters {
  readonly #pool: PacketPool;
  #connections: Connection[] = [];
  #spare: Connection[] = [];

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** Microseconds until {@link feed} should be called; -1: never. */
  get nextLook(): number {
    return this.#connections.length === 0 ? -1 : LOOK_MICROSECONDS;
  }

  add(connection: Connection): void {
    if (connection.isStarved) return;
    connection.isStarved = true;
    this.#connections.push(connection);
  }

  /** Tells them when the pool has recovered: beyond the quarter that writes leave alone, so that it is worth their while. */
  feed(): void {
    const list = this.#connections;
    if (list.length === 0) return;
    const { frames } = this.#pool.region;
    if (this.#pool.available <= (frames >> 2) + (frames >> 5)) return;
    this.#connections = this.#spare;
    this.#spare = list;
    // Whoever was first, and may have taken everything, is last this time.
    for (let i = 1; i < list.length; i = (i + 1) | 0) tell(list[i]!);
    tell(list[0]!);
    list.length = 0;
  }

  clear(): void {
    this.#connections.length = 0;
  }
}

function tell(connection: Connection): void {
  connection.isStarved = false;
  if (connection.state === State.CLOSED) return;
  connection.isWriteBlocked = false;
  connection.handler?.writable(connection);
}
