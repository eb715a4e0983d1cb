import type { PacketPool } from '@prism-net/buffers';

/** Frames a buffer may hold that has not shown that what it takes leaves again. */
const FEW = 4;
/** A turn takes at least so long, in ms, or so many frames: a single burst says nothing. */
const TURN = 100;
const TURN_FRAMES = 64;
/** So long ago at most, in ms, that what went through then says something about now. */
const FRESH = 2000;
/** {@link Holding.reserve} of what was received. */
export const RECEIVING = 3;
const ANY = 0x3fff_ffff;

/**
 * What one buffer of a connection holds of the packet pool. It is *moving* when everything it held at some moment has left
 * since, and that not long ago: the application reads, or the peer acknowledges. Queues are first in, first out, so that
 * counting frames is enough.
 */
export class Holding {
  /** The part of the pool it leaves alone while it moves: a half to this power. */
  readonly reserve: number;
  /** Frames held. */
  frames = 0;
  isMoving = false;
  /** When the turn under way began, in ms of the layer's clock. */
  turnBeganAt = 0;
  /** Frames that went through in the last turn. */
  turned = 0;
  /** Frames held when the turn began, and how many have left since. */
  #toPass = 0;
  #passed = 0;
  readonly holdings: Holdings;

  constructor(holdings: Holdings, reserve: number) {
    this.reserve = reserve;
    this.holdings = holdings;
    this.turnBeganAt = holdings.milliseconds;
  }

  protected hold(frames: number): void {
    const { holdings } = this;
    if (this.frames === 0) {
      const passed = (holdings.milliseconds - this.turnBeganAt) | 0;
      if (passed > FRESH || passed < 0) this.#restart();
    }
    this.frames = (this.frames + frames) | 0;
    if (!this.isMoving) holdings.standing = (holdings.standing + frames) | 0;
  }

  protected unhold(frames: number): void {
    const { holdings } = this;
    this.frames = (this.frames - frames) | 0;
    if (!this.isMoving) holdings.standing = (holdings.standing - frames) | 0;
    this.#passed = (this.#passed + frames) | 0;
    const { milliseconds } = holdings;
    if (this.#passed < this.#toPass) return;
    const isOver = ((milliseconds - this.turnBeganAt) | 0) >= TURN;
    if (!isOver && this.#passed < TURN_FRAMES) return;
    if (!this.isMoving) holdings.standing = (holdings.standing - this.frames) | 0;
    this.isMoving = true;
    if (isOver || this.#passed > this.turned) this.turned = this.#passed;
    if (!isOver) return;
    this.#passed = 0;
    this.#toPass = this.frames;
    this.turnBeganAt = milliseconds;
  }

  /** Everything was given up: what comes next is somebody else's. */
  protected forget(): void {
    if (!this.isMoving) this.holdings.standing = (this.holdings.standing - this.frames) | 0;
    this.frames = 0;
    this.#restart();
  }

  /** How long it has held what it holds without a turn, in ms; 0 for one that holds nothing. */
  get standsFor(): number {
    return this.frames === 0 ? 0 : (this.holdings.milliseconds - this.turnBeganAt) | 0;
  }

  /** It counts as moving no longer, if it has not moved for a while. */
  review(): void {
    if (!this.isMoving || this.standsFor <= FRESH) return;
    this.isMoving = false;
    this.turned = 0;
    this.holdings.standing = (this.holdings.standing + this.frames) | 0;
  }

  #restart(): void {
    this.isMoving = false;
    this.turned = 0;
    this.#passed = 0;
    this.#toPass = 0;
    this.turnBeganAt = this.holdings.milliseconds;
  }
}

/**
 * Who may hold how much of a packet pool when it is more than half used: those that pass on what they take before those
 * that keep it. However many peers let text lie, unread or unacknowledged, five sixteenths are never theirs; one more is for
 * what is received alone, so that peers who acknowledge nothing do not shut out newcomers who are read.
 *
 *     frames held by standing buffers:  0 ─────────── 1/2 ─── 9/16 ─── 10/16 ── 11/16 ────────── 1
 *     one of them may hold, to be sent    what is left │   4   │    1   │  nothing more
 *     received                            what is left │       4        │    1   │  nothing more
 *
 * Moving buffers may hold twice what went through them in their last turn, and each no more than is still free (so that k
 * of them share what there is): down to a quarter of the pool where something is to be sent, to an eighth where something
 * was received.
 */
export class Holdings {
  readonly #pool: PacketPool;
  /** Of the layer's clock. */
  milliseconds = 0;
  /** Frames held by buffers that are not moving. */
  standing = 0;

  constructor(pool: PacketPool) {
    this.#pool = pool;
  }

  /** More frames are free than are in use: everybody may hold what the windows allow. */
  get isPlenty(): boolean {
    return this.#pool.available > this.#pool.region.frames >> 1;
  }

  /** Standing buffers hold so much that newcomers have little: those who stand longest should go. */
  get isCrowded(): boolean {
    return this.standing > Math.imul(this.#pool.region.frames >> 4, 9);
  }

  /** Frames the buffer may hold in all, as things are. */
  allowance(holding: Holding): number {
    const { available, region } = this.#pool;
    const { frames } = region;
    if (available > frames >> 1) return ANY;
    if (available <= frames >> (holding.reserve + 1)) return 0;
    if (holding.isMoving) {
      const free = (available - (frames >> holding.reserve)) | 0;
      return Math.min(Math.max(FEW, holding.turned << 1), Math.max(FEW, free));
    }
    const { standing } = this;
    const part = frames >> 4;
    if (standing < frames >> 1 && available > frames >> 2) return Math.max(FEW, (frames >> 1) - standing);
    const more = holding.reserve === RECEIVING ? part : 0;
    if (standing <= Math.imul(part, 9) + more && available > frames >> 3) return FEW;
    return standing < Math.imul(part, 10) + more ? 1 : 0;
  }

  /** Text that has come, when the buffer may be empty: it is in memory already, and may be read within this poll. */
  mayReceive(holding: Holding): boolean {
    if (holding.frames > 0) return holding.frames < this.allowance(holding);
    return holding.isMoving || this.standing < Math.imul(this.#pool.region.frames >> 4, 11);
  }

  /** One more frame. */
  mayHold(holding: Holding): boolean {
    return holding.frames < this.allowance(holding);
  }
}
