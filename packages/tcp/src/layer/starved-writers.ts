import type { PacketPool } from '@prism-net/buffers';
import type { ControlBlock } from '../control-block.js';
import { State } from '../state.js';

/** Packets come back at any time, without a word: so often is looked, while somebody waits. */
export const LOOK_MICROSECONDS = 10_000;
/** Least number of packets a turn is worth. */
const SHARE = 8;
/** Connections looked at in one go. */
const LOOKS = 64;

/**
 * Connections whose writes were refused for want of packets, not of room: they may have nothing out whose acknowledgement
 * would tell them to try again. They get their turns in the order they came, before all others who want to write.
 */
export class StarvedWriters {
  readonly #pool: PacketPool;
  readonly #connections = new Set<ControlBlock>();

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#connections.size;
  }

  /** Microseconds until {@link feed} should be called; -1: never. */
  get nextLook(): number {
    return this.#connections.size === 0 ? -1 : LOOK_MICROSECONDS;
  }

  add(connection: ControlBlock): void {
    if (connection.isStarved) return;
    connection.isStarved = true;
    this.#connections.add(connection);
  }

  /** How many of `length` bytes the connection may write now: packets that came back belong to those who wait. */
  allow(connection: ControlBlock, length: number): number {
    const { available, region } = this.#pool;
    const { isMoving, holdings } = connection.sendBuffer;
    // Who passes on what it takes does not stand in line behind many who keep it.
    if (isMoving && holdings.standing >= region.frames >> 1) return length;
    if (this.#connections.size === 0 && (connection.turn === 0 || available > region.frames >> 1)) {
      connection.turn = 0;
      return length;
    }
    const allowed = Math.min(length, connection.turn);
    connection.turn = (connection.turn - allowed) | 0;
    return allowed;
  }

  /** It is gone. */
  delete(connection: ControlBlock): void {
    if (!connection.isStarved) return;
    connection.isStarved = false;
    this.#connections.delete(connection);
  }

  /** Divides the packets that have come back among those who wait and may have more. */
  feed(): void {
    const waiting = this.#connections.size;
    if (waiting === 0) return;
    const { available, memory, region } = this.#pool;
    const least = Math.min(SHARE, (region.frames >> 3) + 1);
    let spare = available - (region.frames >> 2);
    const share = Math.max(least, (spare / waiting) | 0);
    let left = available - (region.frames >> 3);
    let looks = Math.min(waiting, LOOKS);
    for (const connection of this.#connections) {
      if (looks-- === 0 || left <= 0) return;
      this.#connections.delete(connection);
      if (!connection.sendBuffer.mayGrow) {
        this.#connections.add(connection); // behind the others
        continue;
      }
      const turn = spare >= share ? share : Math.min(least, left);
      spare -= turn;
      left -= turn;
      tell(connection, Math.imul(turn, memory.layout.frameSize));
    }
  }

  clear(): void {
    this.#connections.clear();
  }
}

function tell(connection: ControlBlock, turn: number): void {
  connection.isStarved = false;
  if (connection.state === State.CLOSED) return;
  connection.turn = turn;
  connection.isWriteBlocked = false;
  connection.tellWritable();
}
