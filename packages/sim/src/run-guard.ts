import { formatTime } from './event-log.js';
import type { Simulation } from './simulation.js';
import type { Timeline } from './timeline.js';

/** What ends a run that would not end. */
export interface RunLimits {
  /** Of virtual time. Default 600 s. */
  readonly microseconds?: number;
  /** Polls, movements on lines and actions. Default 50 million. */
  readonly steps?: number;
  /** A number that grows as long as things go on, such as bytes delivered … */
  readonly progress?: () => number;
  /** … and how long it may stay as it is. Default 300 s. */
  readonly stallMicroseconds?: number;
}

/** Lets a simulation go on, step by step, as long as it gets somewhere. */
export class RunGuard {
  readonly #simulation: Simulation;
  readonly #timeline: Timeline;
  readonly #microseconds: number;
  readonly #end: number;
  readonly #steps: number;
  readonly #lastStep: number;
  readonly #progress: (() => number) | undefined;
  readonly #stallMicroseconds: number;
  #reached: number;
  #nextCheck: number;

  constructor(simulation: Simulation, timeline: Timeline, limits: RunLimits) {
    const { microseconds = 600e6, steps = 50e6, stallMicroseconds = 300e6, progress } = limits;
    this.#simulation = simulation;
    this.#timeline = timeline;
    this.#microseconds = microseconds;
    this.#end = simulation.time + microseconds;
    this.#steps = steps;
    this.#lastStep = timeline.steps + steps;
    this.#progress = progress;
    this.#stallMicroseconds = stallMicroseconds;
    this.#reached = progress?.() ?? 0;
    this.#nextCheck = progress === undefined ? this.#end : simulation.time + stallMicroseconds;
  }

  /** @throws SimulationError when nothing is left to happen, or a limit is reached. */
  step(): void {
    const simulation = this.#simulation;
    const timeline = this.#timeline;
    if (timeline.steps >= this.#lastStep) throw simulation.error(`not done after ${this.#steps} steps`);
    while (!timeline.step(Math.min(this.#end, this.#nextCheck))) this.#check(timeline.next);
  }

  /** Nothing happens before the next check. */
  #check(next: number): void {
    const simulation = this.#simulation;
    if (next === Number.POSITIVE_INFINITY) throw simulation.error('hang: nothing is left to happen');
    if (next > this.#end) throw simulation.error(`not done after ${formatTime(this.#microseconds)} of virtual time`);
    const now = this.#progress!();
    if (now === this.#reached) {
      throw simulation.error(`hang: no progress for ${formatTime(this.#stallMicroseconds)}, at ${now}`);
    }
    this.#reached = now;
    this.#nextCheck = next + this.#stallMicroseconds;
  }
}
