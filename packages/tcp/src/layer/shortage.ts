import type { PacketPool } from '@prism-net/buffers';
import { Errno } from '@prism-net/errors';
import { DropReason } from '@prism-net/wire';
import { abort } from '../closing.js';
import type { ControlBlock } from '../control-block.js';
import { LOOK_MICROSECONDS } from './starved-writers.js';
import type { TcpLayer } from './tcp-layer.js';

/** Ranges a connection may keep ahead of gaps while packets are few. */
const FEW_RANGES = 4;
/** Ranges given up, and windows opened, in one go. */
const BUDGET = 16;
/** Connections looked at in one go, for those that stand still. */
const LOOKS = 64;

/**
 * What a shortage of packets asks for: text ahead of gaps is given up, for it can be sent again (RFC 2018 §8 allows it even
 * where it was reported), windows that could not open are opened once there are packets again, and connections that have
 * stood still for long, and hold the most, are reset when newcomers would find nothing (see {@link Holdings}).
 */
export class Shortage {
  readonly #layer: TcpLayer;
  readonly #pool: PacketPool;
  /** Connections with text ahead of a gap, the one that gives up a range next in front. */
  readonly #gaps = new Set<ControlBlock>();
  /** Connections whose application has read, and whose peers were not told. */
  readonly #windows = new Set<ControlBlock>();
  /** Reset because they stood still. */
  evicted = 0;
  /** The slot to be looked at next, and when was looked last, in ms. */
  #next = 0;
  #lookedAt = 0;

  constructor(layer: TcpLayer) {
    this.#layer = layer;
    this.#pool = layer.pool;
  }

  /** Fewer packets than writers leave alone: what may be useful later gives way to what is to be sent. */
  get isNear(): boolean {
    const { available, region } = this.#pool;
    return available <= (region.frames >> 2) + (region.frames >> 4);
  }

  /** Whether a connection may keep one more segment that came ahead of a gap. */
  mayKeep(block: ControlBlock): boolean {
    return !this.isNear || block.reassembly.count < FEW_RANGES;
  }

  noteGap(block: ControlBlock): void {
    if (block.reassembly.count === 1) this.#gaps.add(block);
  }

  noteWindow(block: ControlBlock): void {
    this.#windows.add(block);
  }

  /** Its peer is to be told of the window. */
  isWaiting(block: ControlBlock): boolean {
    return this.#windows.size > 0 && this.#windows.has(block);
  }

  delete(block: ControlBlock): void {
    this.#gaps.delete(block);
    this.#windows.delete(block);
  }

  /** Microseconds until {@link relieve} should be called though nothing came; -1: never. */
  get nextLook(): number {
    const isNeeded = this.#windows.size > 0 || (this.#gaps.size > 0 && this.isNear) || this.#mayEvict;
    return isNeeded ? LOOK_MICROSECONDS : -1;
  }

  /** To be called once per poll. */
  relieve(): void {
    const { holdings, milliseconds } = this.#layer;
    if (!holdings.isPlenty && milliseconds !== this.#lookedAt) this.#review();
    if (this.#gaps.size > 0 && this.isNear) this.#giveUpRanges();
    if (this.#windows.size > 0) this.#openWindows();
  }

  get #mayEvict(): boolean {
    const { holdings, settings } = this.#layer;
    return settings.standstillMilliseconds > 0 && holdings.isCrowded && !holdings.isPlenty;
  }

  /** Who has stopped moving counts as standing; of those that have stood for too long the one that holds most is reset. */
  #review(): void {
    const { now, settings, table } = this.#layer;
    this.#lookedAt = this.#layer.milliseconds;
    const limit = settings.standstillMilliseconds;
    let most = 0;
    let chosen: ControlBlock | null = null;
    for (let left = Math.min(LOOKS, table.slots); left > 0; left = (left - 1) | 0) {
      if (this.#next >= table.slots) this.#next = 0;
      const block = table.at(this.#next)?.block ?? null;
      this.#next = (this.#next + 1) | 0;
      if (block === null) continue;
      const { receiveBuffer, sendBuffer } = block;
      receiveBuffer.review();
      sendBuffer.review();
      const standing =
        (receiveBuffer.standsFor >= limit ? receiveBuffer.frames : 0) +
        (sendBuffer.standsFor >= limit ? sendBuffer.frames : 0);
      if (standing <= most) continue;
      most = standing;
      chosen = block;
    }
    if (chosen === null || !this.#mayEvict) return;
    this.evicted++;
    // What was received would stay for the application that does not read it.
    chosen.receiveBuffer.clear();
    abort(chosen, Errno.ENOBUFS, now);
  }

  #giveUpRanges(): void {
    const { accounts } = this.#layer;
    let left = BUDGET;
    for (const block of this.#gaps) {
      if (left-- === 0 || !this.isNear) return;
      this.#gaps.delete(block);
      const frames = block.reassembly.prune();
      accounts.unholdFrames(frames);
      accounts.countDrops(frames, DropReason.TCP_OUT_OF_ORDER_LIMIT);
      if (block.reassembly.count > 0) this.#gaps.add(block);
    }
  }

  #openWindows(): void {
    let left = BUDGET;
    for (const block of this.#windows) {
      if (left-- === 0) return;
      this.#windows.delete(block);
      block.receiveWindow.consumed(block, 0);
    }
  }
}
