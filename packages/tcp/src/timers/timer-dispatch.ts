import type { Instant, TimerHandler } from '@prism-net/time';
import type { ConnectionTable } from '../layer/connection-table.js';

/**
 * Which connection a timer of the wheel belongs to: its number in the table of connections, so that the timer outlives the
 * control block of a connection that is parked. One object for all fast timers of a layer, one for all slow ones.
 */
export class TimerDispatch implements TimerHandler {
  readonly #table: ConnectionTable;
  readonly #isSlow: boolean;

  constructor(table: ConnectionTable, isSlow: boolean) {
    this.#table = table;
    this.#isSlow = isSlow;
  }

  onTimer(_timer: number, slot: number, now: Instant): void {
    const connection = this.#table.at(slot);
    if (connection === null) return;
    const { timers } = connection.wake();
    if (this.#isSlow) timers.slowFired(now);
    else timers.fastFired(now);
  }
}
