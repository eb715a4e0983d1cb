import { invalidArgument, requireWholeNumber } from '@prism-net/errors';
import type { Instant } from './clock.js';

export interface TimerHandler {
  /**
   * Called from {@link TimerWheel.advance} after the timer was disarmed. May arm, cancel, create or destroy any
   * timer, this one included. `argument` is what {@link TimerWheel.create} was given.
   */
  onTimer(timer: number, argument: number, now: Instant): void;
}

export interface TimerWheelOptions {
  /** How many timers can exist at once. Memory is taken for those that do, by doubling. */
  readonly capacity: number;
  /** Resolution: a power of two, 1 to 2^20. Default 256. */
  readonly tickMicroseconds?: number;
  /** The time at which the wheel starts. */
  readonly now: Instant;
}

const SLOT_BITS = 5;
const SLOTS = 1 << SLOT_BITS;
const SLOT_MASK = SLOTS - 1;
/** Six levels of 5 bits and one of the 2 bits that are left of a 32-bit tick. */
const LEVELS = 7;
const TOP_LEVEL = LEVELS - 1;
const TOP_SHIFT = TOP_LEVEL * SLOT_BITS;
const TOP_SLOT_MASK = 3;
/** The heads of the slots come first in the arrays; behind them, from this number on, the timers. */
const HEADS = LEVELS * SLOTS;
/** Timers there is room for at first. */
const INITIAL_TIMERS = 256;

/**
 * Longest leg in ticks. With every deadline less than 2^30 ticks ahead, the top level holds at most the slot after
 * the current one. A longer delay waits several legs.
 */
const LEG_TICKS = 1 << 29;

/** Below this, delay + offset + a tick cannot reach 2^30, whatever the tick. */
const SHORT_MICROSECONDS = (1 << 29) - (1 << 20);

/** The longest sleep {@link TimerWheel.nextExpiry} recommends: far enough, and the clock cannot wrap in it. */
const MAXIMUM_SLEEP_MICROSECONDS = 1 << 30;

/**
 * A clock reading up to this much older than the newest one is a stale `now` of the same burst and is ignored.
 * Anything older means that the clock was set back, or that nobody called for more than 2^31 µs.
 */
const STALE_MICROSECONDS = 1 << 20;

const IDLE = -1;

class UnusedHandler implements TimerHandler {
  onTimer(): void {}
}
const UNUSED: TimerHandler = new UnusedHandler();

/**
 * A hierarchical timer wheel (Varghese and Lauck, scheme 7) in typed arrays: arming and cancelling are O(1), and
 * allocate nothing; only when there were never so many timers before, the arrays are doubled.
 *
 * A timer lies on the level of the highest 5-bit digit in which its deadline differs from the current tick, in the
 * slot of that digit. So the earliest timer is always in the first occupied slot of the lowest occupied level, and
 * one bitmap word per level finds it however far the clock has jumped. When the current tick reaches a slot above
 * level 0, its timers move down (the cascade).
 *
 * Timers never fire early, and they fire in the order of their ticks.
 */
export class TimerWheel {
  /** Timers now armed. */
  armed = 0;

  readonly #capacity: number;
  readonly #tickShift: number;
  /** Circular doubly linked lists; the first entries are the heads of the slots, IDLE = not in a list. */
  #next: Int32Array = new Int32Array(HEADS);
  #previous: Int32Array = new Int32Array(HEADS);
  #deadlines: Int32Array = new Int32Array(HEADS);
  /** Legs of LEG_TICKS still to wait after the deadline. */
  #legs: Int32Array = new Int32Array(HEADS);
  #live: Uint8Array = new Uint8Array(HEADS);
  #arguments: Int32Array = new Int32Array(HEADS);
  readonly #handlers: TimerHandler[] = new Array<TimerHandler>(HEADS).fill(UNUSED);
  /** Bit s of word l: slot s of level l is occupied. */
  readonly #occupied: Int32Array;
  /** Bit l: level l has an occupied slot. */
  #occupiedLevels = 0;
  #firstFree = IDLE;

  /** How far the wheel has turned; int32, wraps. */
  #tick = 0;
  /** How far it may turn: the tick of the newest instant it was shown. Ahead of `tick` when the budget ran out. */
  #target = 0;
  /** The instant at which `target` began. */
  #targetInstant: Instant;
  /** The list head of the slot that is being cascaded, or IDLE. */
  #cascading = IDLE;

  constructor(options: TimerWheelOptions) {
    const { capacity, tickMicroseconds = 256, now } = options;
    requireWholeNumber('TimerWheel', 'capacity', capacity, 1, 1 << 28);
    const tickShift = 31 - Math.clz32(tickMicroseconds);
    if (1 << tickShift !== tickMicroseconds || tickShift < 0 || tickShift > 20) {
      throw invalidArgument(
        'TimerWheel',
        `tickMicroseconds must be a power of two up to 2^20, not ${tickMicroseconds}`,
      );
    }
    this.#capacity = capacity;
    this.#tickShift = tickShift;
    this.#occupied = new Int32Array(LEVELS);
    for (let head = 0; head < HEADS; head++) {
      this.#next[head] = head;
      this.#previous[head] = head;
    }
    this.#grow(Math.min(capacity, INITIAL_TIMERS));
    this.#targetInstant = now & -tickMicroseconds;
  }

  /** Makes a timer, not yet armed. Returns its id (≥ 0), or -1 when `capacity` timers exist. */
  create(handler: TimerHandler, argument: number): number {
    if (this.#firstFree === IDLE) {
      const timers = this.#next.length - HEADS;
      if (timers === this.#capacity) return -1;
      this.#grow(Math.min(timers * 2, this.#capacity));
    }
    const timer = this.#firstFree;
    this.#firstFree = this.#next[timer]!;
    this.#live[timer] = 1;
    this.#handlers[timer] = handler;
    this.#arguments[timer] = argument;
    return timer;
  }

  /** Cancels the timer and gives its id back; the id may then come from {@link create} again. */
  destroy(timer: number): void {
    if (this.#live[timer] !== 1) return;
    this.cancel(timer);
    this.#live[timer] = 0;
    this.#handlers[timer] = UNUSED;
    this.#next[timer] = this.#firstFree;
    this.#firstFree = timer;
  }

  /**
   * Arms the timer to fire at the first tick at or after `now + delayMicroseconds`, but in no case within the
   * `advance` that is running. An armed timer is moved. The delay may exceed 2^32 µs; a negative one counts as 0.
   */
  arm(timer: number, delayMicroseconds: number, now: Instant): void {
    if (this.#live[timer] !== 1) return;
    if (this.#previous[timer]! >= 0) this.#unlink(timer);
    else this.armed = (this.armed + 1) | 0;

    let offset = (now - this.#targetInstant) | 0;
    if (offset < -STALE_MICROSECONDS) offset = 0; // the wheel will follow at the next advance
    let ticks: number;
    if (delayMicroseconds < SHORT_MICROSECONDS && offset < SHORT_MICROSECONDS) {
      const delay = delayMicroseconds > 0 ? Math.ceil(delayMicroseconds) | 0 : 0;
      ticks = (offset + delay + (1 << this.#tickShift) - 1) >> this.#tickShift;
      this.#legs[timer] = 0;
    } else {
      ticks = this.#longDelay(timer, delayMicroseconds > 0 ? delayMicroseconds + offset : offset);
    }
    if (ticks < 1) ticks = 1; // else a timer that re-arms itself with 0 would fire for ever in one advance
    this.#deadlines[timer] = this.#target + ticks;
    this.#link(timer);
  }

  /** Disarms the timer; no effect when it is not armed. */
  cancel(timer: number): void {
    if (!this.isArmed(timer)) return;
    this.#unlink(timer);
    this.armed = (this.armed - 1) | 0;
  }

  isArmed(timer: number): boolean {
    return this.#live[timer] === 1 && this.#previous[timer]! >= 0;
  }

  /**
   * Turns the wheel to `now` and calls the handlers of the timers that are due, at most `maximumExpirations`.
   * Returns how many were called. The others, and cascades that would exceed the same order of work, follow at the
   * next call. A clock that was set back stops the wheel for an instant and loses no timer.
   */
  advance(now: Instant, maximumExpirations: number): number {
    this.#follow(now);
    let expired = 0;
    let moves = (Math.min(maximumExpirations, 1 << 24) << 2) + 64;
    // Everything is read anew after a handler ran: it may have changed any list.
    for (;;) {
      if (this.#cascading !== IDLE) {
        const head = this.#cascading;
        let timer = this.#next[head]!;
        while (timer !== head) {
          if (--moves < 0) return expired;
          this.#unlink(timer);
          this.#link(timer);
          timer = this.#next[head]!;
        }
        this.#cascading = IDLE;
      }

      const due = this.#tick & SLOT_MASK;
      if (((this.#occupied[0]! >>> due) & 1) !== 0) {
        const timer = this.#next[due]!;
        if (this.#legs[timer]! > 0) {
          if (--moves < 0) return expired;
          this.#unlink(timer);
          this.#legs[timer] = this.#legs[timer]! - 1;
          this.#deadlines[timer] = this.#deadlines[timer]! + LEG_TICKS;
          this.#link(timer);
          continue;
        }
        if (expired >= maximumExpirations) return expired;
        this.#unlink(timer);
        this.armed = (this.armed - 1) | 0;
        expired = (expired + 1) | 0;
        this.#handlers[timer]!.onTimer(timer, this.#arguments[timer]!, now);
        continue;
      }

      if (this.#occupiedLevels === 0) break;
      const level = lowestBit(this.#occupiedLevels);
      const start = this.#slotStart(level);
      if (((start - this.#target) | 0) > 0) break;
      this.#tick = start;
      if (level > 0) {
        this.#cascading = level * SLOTS + ((start >>> (level * SLOT_BITS)) & SLOT_MASK);
      }
    }
    this.#tick = this.#target;
    return expired;
  }

  /**
   * Microseconds from `now` until {@link advance} should be called: 0 if it is overdue, -1 if no timer is armed.
   * May be early (a cascade is due, or the sleep was capped at 2^30 µs) but never late.
   */
  nextExpiry(now: Instant): number {
    if (this.armed === 0) return -1;
    if (this.#cascading !== IDLE || ((this.#occupied[0]! >>> (this.#tick & SLOT_MASK)) & 1) !== 0) return 0;
    const ticks = (this.#slotStart(lowestBit(this.#occupiedLevels)) - this.#target) | 0;
    if (ticks <= 0) return 0;
    let offset = (now - this.#targetInstant) | 0;
    if (offset < -STALE_MICROSECONDS) offset = 0;
    const cap = MAXIMUM_SLEEP_MICROSECONDS >> this.#tickShift;
    const sleep = (Math.min(ticks, cap) << this.#tickShift) - offset;
    return Math.max(0, Math.min(sleep, MAXIMUM_SLEEP_MICROSECONDS)) | 0;
  }

  /** Room for so many timers. */
  #grow(timers: number): void {
    const first = this.#next.length;
    const end = HEADS + timers;
    this.#next = longer(this.#next, end);
    this.#previous = longer(this.#previous, end);
    this.#deadlines = longer(this.#deadlines, end);
    this.#legs = longer(this.#legs, end);
    this.#arguments = longer(this.#arguments, end);
    const live = new Uint8Array(end);
    live.set(this.#live);
    this.#live = live;
    for (let timer = first; timer < end; timer++) {
      this.#handlers.push(UNUSED);
      this.#next[timer] = timer + 1 < end ? timer + 1 : IDLE;
      this.#previous[timer] = IDLE;
    }
    this.#firstFree = first;
  }

  /** Moves `target` to `now`. */
  #follow(now: Instant): void {
    const offset = (now - this.#targetInstant) | 0;
    if (offset >= 0) {
      const ticks = offset >> this.#tickShift;
      this.#targetInstant = (this.#targetInstant + (ticks << this.#tickShift)) | 0;
      this.#target = (this.#target + ticks) | 0;
    } else if (offset < -STALE_MICROSECONDS) {
      // Carry on from the new reading; rounded up so that nothing fires early by a part of a tick.
      const tickMicroseconds = 1 << this.#tickShift;
      this.#targetInstant = (now + tickMicroseconds - 1) & -tickMicroseconds;
    }
  }

  /** Splits a long delay into the first leg, which is returned in ticks, and further whole legs. */
  #longDelay(timer: number, microseconds: number): number {
    const ticks = Math.ceil(microseconds / (1 << this.#tickShift));
    const legs = Math.min(Math.floor(ticks / LEG_TICKS), 0x7fff_ffff);
    this.#legs[timer] = legs;
    return Math.min(ticks - legs * LEG_TICKS, LEG_TICKS) | 0;
  }

  /** The first tick of the first occupied slot of an occupied level. */
  #slotStart(level: number): number {
    if (level === TOP_LEVEL) return (((this.#tick >>> TOP_SHIFT) + 1) & TOP_SLOT_MASK) << TOP_SHIFT;
    const shift = level * SLOT_BITS;
    return (this.#tick & -(SLOTS << shift)) | (lowestBit(this.#occupied[level]!) << shift);
  }

  #link(timer: number): void {
    const deadline = this.#deadlines[timer]!;
    const difference = deadline ^ this.#tick;
    // The highest differing bit divided by 5: n * 13 >> 6 is floor(n / 5) for n ≤ 31. Equal ticks: level 0.
    const level = ((31 - Math.clz32(difference | 1)) * 13) >> 6;
    const slot = (deadline >>> (level * SLOT_BITS)) & SLOT_MASK;
    const head = level * SLOTS + slot;
    const last = this.#previous[head]!;
    this.#next[last] = timer;
    this.#previous[timer] = last;
    this.#next[timer] = head;
    this.#previous[head] = timer;
    this.#occupied[level] = this.#occupied[level]! | (1 << slot);
    this.#occupiedLevels |= 1 << level;
  }

  #unlink(timer: number): void {
    const after = this.#next[timer]!;
    const before = this.#previous[timer]!;
    this.#next[before] = after;
    this.#previous[after] = before;
    this.#previous[timer] = IDLE;
    if (before !== after) return;
    // Only the head is left: the slot is empty.
    if (before >= HEADS) return;
    const level = before >> SLOT_BITS;
    const bits = this.#occupied[level]! & ~(1 << (before & SLOT_MASK));
    this.#occupied[level] = bits;
    if (bits === 0) this.#occupiedLevels &= ~(1 << level);
  }
}

function lowestBit(bits: number): number {
  return 31 - Math.clz32(bits & -bits);
}

function longer(words: Int32Array, length: number): Int32Array {
  const copy = new Int32Array(length);
  copy.set(words);
  return copy;
}
