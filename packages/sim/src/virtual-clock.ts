import type { Clock, Instant } from '@prism-net/time';

/**
 * The time of a simulation. {@link time} counts microseconds since its start and never wraps; {@link now} is the same
 * moment as the stacks see it.
 */
export class VirtualClock implements Clock {
  /** Whole microseconds since the start; exact up to 2^53. */
  time = 0;
  readonly #start: Instant;

  constructor(start: Instant) {
    this.#start = start | 0;
  }

  now(): Instant {
    return this.instantAt(this.time);
  }

  instantAt(time: number): Instant {
    return (this.#start + time) | 0;
  }
}

/** A host's own clock: the simulation's, read in steps, as coarse clocks are. */
export class HostClock implements Clock {
  readonly granularity: number;
  readonly #clock: VirtualClock;

  constructor(clock: VirtualClock, granularity: number) {
    this.#clock = clock;
    this.granularity = granularity;
  }

  now(): Instant {
    return this.#clock.instantAt(this.time);
  }

  /** Microseconds since the start of the simulation, as this clock shows them. */
  get time(): number {
    const { time } = this.#clock;
    return this.granularity === 1 ? time : time - (time % this.granularity);
  }

  /** When this clock will show `microseconds` more than now. */
  timeAfter(microseconds: number): number {
    return Math.ceil((this.time + microseconds) / this.granularity) * this.granularity;
  }
}
