import type { Link } from '@prism-net/link';
import { elapsed, type Instant } from '@prism-net/time';
import type { Scheduler } from './scheduler.js';
import type { LoopMode } from './stack-options.js';

/** What the loop drives. */
export interface Pollable {
  /** One round; returns how much work it found. */
  poll(): number;
  /** Time of the last poll. */
  readonly lastPoll: Instant;
  /** Microseconds until a timer or a link needs a poll without an outside event; -1: never. */
  nextEvent(): number;
  readonly links: readonly Link[];
}

/** Polls before the event loop gets its turn, as long as there is work. */
const ROUNDS_PER_TURN = 4;
/** Longest sleep in one go; setTimeout takes 31 bits of milliseconds, the clock wraps at 2^32 µs. */
const LONGEST_SLEEP_MILLISECONDS = 60_000;

/** Gives a stack its turns in the event loop, in one of the modes of {@link LoopMode}. */
export class Loop {
  readonly #stack: Pollable;
  readonly #mode: LoopMode;
  readonly #spinMicroseconds: number;
  readonly #scheduler: Scheduler;
  readonly #turn = (): void => this.#run();
  readonly #wake = (): void => this.request();
  #running = false;
  /** A turn is scheduled already. */
  #scheduled = false;
  #sleep: unknown;
  #lastWork: Instant = 0;
  /** Work was found less than `spinMicroseconds` ago. A flag, because instants cannot be compared after half an hour. */
  #isWarm = false;
  #keepAlive: unknown;
  #users = 0;

  constructor(stack: Pollable, mode: LoopMode, spinMicroseconds: number, scheduler: Scheduler) {
    this.#stack = stack;
    this.#mode = mode;
    this.#spinMicroseconds = spinMicroseconds;
    this.#scheduler = scheduler;
  }

  /** No turn is scheduled: the time of the last poll may be long ago. */
  get isAsleep(): boolean {
    return this.#mode !== 'manual' && !this.#scheduled;
  }

  start(): void {
    if (this.#mode === 'manual' || this.#running) return;
    this.#running = true;
    this.#holdProcess();
    this.request();
  }

  stop(): void {
    this.#running = false;
    this.#cancelSleep();
    this.#releaseProcess();
  }

  /** Asks for a turn soon. */
  request(): void {
    if (!this.#running || this.#scheduled) return;
    this.#scheduled = true;
    this.#cancelSleep();
    this.#scheduler.immediate(this.#turn);
  }

  /** An open socket keeps the process alive, as Node's own do. */
  addUser(): void {
    this.#users++;
    this.#holdProcess();
  }

  removeUser(): void {
    this.#users--;
    if (this.#users === 0) this.#releaseProcess();
  }

  #run(): void {
    this.#scheduled = false;
    if (!this.#running) return;
    let work = 0;
    try {
      for (let round = 0; round < ROUNDS_PER_TURN; round++) {
        const found = this.#stack.poll();
        work += found;
        if (found === 0) break;
      }
    } catch (error) {
      // A link's error reaches the process; should that live on, the loop does too.
      this.request();
      throw error;
    }
    if (!this.#running) return;
    const now = this.#stack.lastPoll;
    if (work > 0) {
      this.#lastWork = now;
      this.#isWarm = true;
    } else if (this.#isWarm) {
      this.#isWarm = elapsed(now, this.#lastWork) < this.#spinMicroseconds;
    }
    const spins = this.#mode === 'busy' || (this.#mode === 'adaptive' && this.#isWarm);
    if (work > 0 || spins) this.request();
    else this.#fallAsleep();
  }

  #fallAsleep(): void {
    for (const link of this.#stack.links) {
      if (link.arm(this.#wake)) continue;
      this.request();
      return;
    }
    const next = this.#stack.nextEvent();
    if (next < 0 || this.#scheduled) return;
    // Rounded up: a timer that fires early would only make the loop spin.
    const milliseconds = Math.min(Math.ceil(next / 1000), LONGEST_SLEEP_MILLISECONDS);
    this.#sleep = this.#scheduler.timeout(this.#wake, milliseconds, false);
  }

  #cancelSleep(): void {
    if (this.#sleep === undefined) return;
    this.#scheduler.cancel(this.#sleep);
    this.#sleep = undefined;
  }

  #holdProcess(): void {
    if (!this.#running || this.#users === 0 || this.#keepAlive !== undefined) return;
    const renew = () => {
      this.#keepAlive = undefined;
      this.#holdProcess();
    };
    this.#keepAlive = this.#scheduler.timeout(renew, 2 ** 31 - 1, true);
  }

  #releaseProcess(): void {
    if (this.#keepAlive === undefined) return;
    this.#scheduler.cancel(this.#keepAlive);
    this.#keepAlive = undefined;
  }
}
