import type { CongestionControl } from './congestion-control.js';
import { Flow, SEGMENT } from './flow.testkit.js';

/**
 * A fluid model: flows that always have data share one link with a drop-tail queue. Each round trip every flow has its
 * window acknowledged; when the windows together exceed what link and queue hold, each loses something.
 */
export class Bottleneck {
  readonly flows: readonly Flow[];
  /** Average windows in segments over the rounds that {@link run} was called for, by flow. */
  readonly averages: number[];
  /** Rounds in which something was lost. */
  losses = 0;
  readonly #pipe: number;
  readonly #queue: number;
  readonly #roundTrip: number;

  /** `pipe` and `queue` in segments, `roundTrip` in µs while the queue is empty. */
  constructor(controls: readonly CongestionControl[], pipe: number, queue: number, roundTrip: number) {
    this.flows = controls.map((control) => new Flow(control, 0, roundTrip));
    this.averages = controls.map(() => 0);
    this.#pipe = pipe;
    this.#queue = queue;
    this.#roundTrip = roundTrip;
  }

  /** Runs so many rounds; {@link averages} are over these alone. */
  run(rounds: number): void {
    this.averages.fill(0);
    this.losses = 0;
    for (let round = 0; round < rounds; round++) {
      const total = this.flows.reduce((sum, flow) => sum + flow.segments, 0);
      const isOverflowing = total > this.#pipe + this.#queue;
      // What is queued lengthens the round trip for all.
      const roundTrip = Math.round(
        this.#roundTrip * Math.max(1, Math.min(total / this.#pipe, 1 + this.#queue / this.#pipe)),
      );
      for (const [i, flow] of this.flows.entries()) {
        this.averages[i]! += flow.segments / rounds;
        flow.roundTrip = roundTrip;
        if (isOverflowing) flow.congest();
        else flow.round(2 * SEGMENT);
      }
      if (isOverflowing) this.losses++;
    }
  }
}
