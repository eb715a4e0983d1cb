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
  readonly #blocks = new Set<ControlBlock>();

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  get size(): number {
    return this.#blocks.size;
  }

  /** Microseconds until {@link feed} should be called; -1: never. */
  get nextLook(): number {
    return this.#blocks.size === 0 ? -1 : LOOK_MICROSECONDS;
  }

  add(block: ControlBlock): void {
    if (block.isStarved) return;
    block.isStarved = true;
    this.#blocks.add(block);
  }

  /** How many of `length` bytes the connection may write now: packets that came back belong to those who wait. */
  allow(block: ControlBlock, length: number): number {
    const { available, region } = this.#pool;
    const { isMoving, holdings } = block.sendBuffer;
    // Who passes on what it takes does not stand in line behind many who keep it.
    if (isMoving && holdings.standing >= region.frames >> 1) return length;
    if (this.#blocks.size === 0 && (block.turn === 0 || available > region.frames >> 1)) {
      block.turn = 0;
      return length;
    }
    const allowed = Math.min(length, block.turn);
    block.turn = (block.turn - allowed) | 0;
    return allowed;
  }

  /** It is gone. */
  delete(block: ControlBlock): void {
    if (!block.isStarved) return;
    block.isStarved = false;
    this.#blocks.delete(block);
  }

  /** Divides the packets that have come back among those who wait and may have more. */
  feed(): void {
    const waiting = this.#blocks.size;
    if (waiting === 0) return;
    const { available, memory, region } = this.#pool;
    const least = Math.min(SHARE, (region.frames >> 3) + 1);
    let spare = available - (region.frames >> 2);
    const share = Math.max(least, (spare / waiting) | 0);
    let left = available - (region.frames >> 3);
    let looks = Math.min(waiting, LOOKS);
    for (const block of this.#blocks) {
      if (looks-- === 0 || left <= 0) return;
      this.#blocks.delete(block);
      if (!block.sendBuffer.mayGrow) {
        this.#blocks.add(block); // behind the others
        continue;
      }
      const turn = spare >= share ? share : Math.min(least, left);
      spare -= turn;
      left -= turn;
      tell(block, Math.imul(turn, memory.layout.frameSize));
    }
  }

  clear(): void {
    this.#blocks.clear();
  }
}

function tell(block: ControlBlock, turn: number): void {
  block.isStarved = false;
  if (block.state === State.CLOSED) return;
  block.turn = turn;
  block.isWriteBlocked = false;
  block.tellWritable();
}
