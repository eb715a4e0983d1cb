import { Agenda } from './agenda.js';
import { Schedule } from './schedule.js';
import { SimulationError } from './simulation-error.js';
import type { VirtualClock } from './virtual-clock.js';

/** Turns in one and the same microsecond that mean that time stands still. */
const STEPS_WITHOUT_TIME = 1_000_000;

/** What happens next, in a fixed order: at the same time actions first, then lines, then hosts, each as they were made. */
export class Timeline {
  readonly lineSchedule = new Schedule();
  readonly hostSchedule = new Schedule();
  readonly agenda = new Agenda();
  readonly lines: { advance(): void }[] = [];
  readonly hosts: { turn(): void }[] = [];
  /** Polls, movements on lines and actions so far. */
  steps = 0;
  /** Ends the run after the step under way. */
  failure: SimulationError | null = null;

  readonly #clock: VirtualClock;
  readonly #explain: (message: string, cause?: unknown) => SimulationError;
  /** Turns since time last moved. */
  #atThisInstant = 0;

  constructor(clock: VirtualClock, explain: (message: string, cause?: unknown) => SimulationError) {
    this.#clock = clock;
    this.#explain = explain;
  }

  /** When the next thing happens; Infinity when nothing is left. */
  get next(): number {
    const line = this.lineSchedule.first();
    const host = this.hostSchedule.first();
    let next = this.agenda.due;
    if (line >= 0) next = Math.min(next, this.lineSchedule.due[line]!);
    if (host >= 0) next = Math.min(next, this.hostSchedule.due[host]!);
    return next;
  }

  /** Does what comes next and returns true, if that is not after `end`. @throws SimulationError. */
  step(end: number): boolean {
    const line = this.lineSchedule.first();
    const host = this.hostSchedule.first();
    const lineDue = line < 0 ? Number.POSITIVE_INFINITY : this.lineSchedule.due[line]!;
    const hostDue = host < 0 ? Number.POSITIVE_INFINITY : this.hostSchedule.due[host]!;
    const agendaDue = this.agenda.due;
    const next = Math.min(agendaDue, lineDue, hostDue);
    if (next > end || next === Number.POSITIVE_INFINITY) return false;
    this.steps += 1;
    if (next > this.#clock.time) {
      this.#clock.time = next;
      this.#atThisInstant = 0;
    } else if (++this.#atThisInstant > STEPS_WITHOUT_TIME) {
      throw this.#explain('hang: time stands still');
    }
    try {
      if (agendaDue <= next) this.agenda.takeNext()();
      else if (lineDue <= next) this.lines[line]!.advance();
      else this.hosts[host]!.turn();
    } catch (cause) {
      if (cause instanceof SimulationError) throw cause;
      throw this.#explain(`${cause}`, cause);
    }
    if (this.failure !== null) throw this.failure;
    return true;
  }
}
