import { Errno, posixError } from '@prism-net/errors';
import { createHashKey, KeyedTable, type RandomSource, SlotList } from '@prism-net/tables';
import type { Instant, TimerHandler, TimerWheel } from '@prism-net/time';

/** RFC 1191 §6.3: "should not be less than … 10 minutes". */
const LIFETIME = 600_000_000;
/** RFC 1191 §7.1, table 7-1: for routers that do not say what fits. */
const PLATEAUS = [32_000, 17_914, 8166, 4352, 2002, 1492, 1006, 508, 296, 68];

/** Who must know that an MTU changed. */
export interface PathMtuListener {
  pathMtuChanged(): void;
}

/**
 * The MTU of paths that are narrower than their first link (RFC 1191): bounded, least recently updated first out. Values
 * only ever fall, not below a minimum, and are forgotten after ten minutes, so that a wider path is found again.
 */
export class PathMtu implements TimerHandler {
  readonly #minimum: number;
  readonly #table: KeyedTable;
  readonly #slots: SlotList;
  readonly #destinations: Int32Array;
  readonly #mtus: Int32Array;
  readonly #updated: Int32Array;
  readonly #timers: TimerWheel;
  readonly #timer: number;
  readonly #listener: PathMtuListener;

  constructor(capacity: number, minimum: number, timers: TimerWheel, random: RandomSource, listener: PathMtuListener) {
    this.#minimum = minimum;
    this.#table = new KeyedTable({ capacity, keyWords: 1, key: createHashKey(random) });
    this.#slots = new SlotList(capacity);
    this.#destinations = new Int32Array(capacity);
    this.#mtus = new Int32Array(capacity);
    this.#updated = new Int32Array(capacity);
    this.#timers = timers;
    this.#timer = timers.create(this, 0);
    if (this.#timer < 0) throw posixError(Errno.ENOMEM, 'Ipv4Layer', 'the timer wheel has no timer left');
    this.#listener = listener;
  }

  get size(): number {
    return this.#slots.size;
  }

  /** The MTU of the path to a destination, or `linkMtu` when nothing narrower is known. */
  lookup(destination: number, linkMtu: number): number {
    if (this.#slots.size === 0) return linkMtu;
    const slot = this.#table.find(destination, 0, 0, 0);
    return slot < 0 ? linkMtu : Math.min(this.#mtus[slot]!, linkMtu);
  }

  /**
   * What to believe of a "fragmentation needed" that names `mtu` for a datagram of `totalLength` bytes: 0 stands for a
   * router older than RFC 1191, and what is below the minimum would only make us send tiny fragments.
   */
  judge(mtu: number, totalLength: number): number {
    let believed = mtu;
    if (believed === 0 || believed >= totalLength) {
      believed = this.#minimum;
      for (let i = 0; i < PLATEAUS.length; i++) {
        if (PLATEAUS[i]! >= totalLength) continue;
        believed = PLATEAUS[i]!;
        break;
      }
    }
    return Math.max(believed, this.#minimum);
  }

  /** A transport recognised the datagram that was too long. Ignored unless lower than what is known. */
  update(destination: number, mtu: number, now: Instant): void {
    let slot = this.#table.find(destination, 0, 0, 0);
    if (slot >= 0) {
      if (mtu >= this.#mtus[slot]!) return;
      this.#slots.touch(slot);
    } else {
      if (this.#slots.size === this.#slots.capacity) this.#forget(this.#slots.oldest);
      slot = this.#slots.allocate();
      this.#table.insert(destination, 0, 0, 0, slot);
      this.#destinations[slot] = destination;
    }
    this.#mtus[slot] = mtu;
    this.#updated[slot] = now;
    if (!this.#timers.isArmed(this.#timer)) this.#timers.arm(this.#timer, LIFETIME, now);
    this.#listener.pathMtuChanged();
  }

  onTimer(_timer: number, _argument: number, now: Instant): void {
    // Bounded by the capacity, once in minutes.
    for (let slot = this.#slots.oldest; slot >= 0; slot = this.#slots.oldest) {
      const left = (this.#updated[slot]! + LIFETIME - now) | 0;
      if (left > 0) {
        this.#timers.arm(this.#timer, left, now);
        break;
      }
      this.#forget(slot);
    }
    this.#listener.pathMtuChanged();
  }

  close(): void {
    this.#timers.destroy(this.#timer);
  }

  #forget(slot: number): void {
    this.#table.remove(this.#destinations[slot]!, 0, 0, 0);
    this.#slots.free(slot);
  }
}
