import type { Events } from './events.testkit.js';

export interface LinkOptions {
  readonly bytesPerSecond: number;
  /** What the queue holds besides the packet that is leaving; more is dropped. Infinity: everything. */
  readonly queueBytes: number;
  /** A packet that arrives while so much or more is queued is marked (step marking, RFC 8257 §3.1). Default: never. */
  readonly markBytes?: number;
  /** Share of packets that get lost at random. Default 0. */
  readonly loss?: number;
  /** Each of so many packets gets lost. Default: none. */
  readonly loseEvery?: number;
  /** Of the random losses. Default 1. */
  readonly seed?: number;
}

/** The bottleneck: a queue, dropping or marking, before a line of one rate. */
export class Link {
  /** Overrides what happens to the next packets: one entry each. */
  readonly fates: ('lose' | 'mark')[] = [];
  /** Nothing gets through. */
  isCut = false;
  queuedBytes = 0;

  deliveredBytes = 0;
  dropped = 0;
  marked = 0;
  largestQueue = 0;
  bytesPerSecond: number;
  readonly #events: Events;
  readonly #options: LinkOptions;
  #random: number;
  #freeAt = 0;
  #count = 0;
  #area = 0;
  #changedAt = 0;
  #measuredFrom = 0;

  constructor(events: Events, options: LinkOptions) {
    this.#events = events;
    this.#options = options;
    this.bytesPerSecond = options.bytesPerSecond;
    this.#random = options.seed ?? 1;
  }

  /** Measuring begins now. */
  measure(): void {
    this.#note();
    this.#measuredFrom = this.#events.now;
    this.#area = 0;
    this.deliveredBytes = 0;
    this.dropped = 0;
    this.marked = 0;
    this.largestQueue = this.queuedBytes;
  }

  /** Share of the rate that was used since {@link measure}. */
  get utilisation(): number {
    return this.deliveredBytes / ((this.bytesPerSecond * (this.#events.now - this.#measuredFrom)) / 1e6);
  }

  /** Bytes queued since {@link measure}, averaged over time. */
  get averageQueue(): number {
    this.#note();
    return this.#area / (this.#events.now - this.#measuredFrom);
  }

  /** `deliver` is called when the packet has left, or never. */
  send(bytes: number, deliver: (isMarked: boolean) => void): void {
    const events = this.#events;
    const { queueBytes, markBytes = Number.POSITIVE_INFINITY, loss = 0, loseEvery = 0 } = this.#options;
    this.#count++;
    const fate = this.fates.shift();
    const isUnlucky = (loss > 0 && this.#next() < loss) || (loseEvery > 0 && this.#count % loseEvery === 0);
    if (this.isCut || fate === 'lose' || isUnlucky || this.queuedBytes + bytes > queueBytes) {
      this.dropped++;
      return;
    }
    const isMarked = fate === 'mark' || this.queuedBytes >= markBytes;
    if (isMarked) this.marked++;
    this.#note();
    this.queuedBytes += bytes;
    this.largestQueue = Math.max(this.largestQueue, this.queuedBytes);
    const begins = Math.max(events.now, this.#freeAt);
    const ends = begins + (bytes / this.bytesPerSecond) * 1e6;
    this.#freeAt = ends;
    events.at(begins, () => {
      this.#note();
      this.queuedBytes -= bytes;
    });
    events.at(ends, () => {
      this.deliveredBytes += bytes;
      deliver(isMarked);
    });
  }

  #note(): void {
    const { now } = this.#events;
    this.#area += this.queuedBytes * (now - this.#changedAt);
    this.#changedAt = now;
  }

  /** mulberry32. */
  #next(): number {
    this.#random = (this.#random + 0x6d2b79f5) | 0;
    let t = Math.imul(this.#random ^ (this.#random >>> 15), 1 | this.#random);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  }
}
