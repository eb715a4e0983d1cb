import type { Expectations } from './expectations.js';
import type { Judge } from './judge.js';
import type { Measurement } from './measurement.js';
import { Path } from './path.js';
import type { FlowOptions, PathOptions } from './path-options.js';

/** One thing that happens to a sender, and what must come of it. */
export interface Scenario {
  readonly name: string;
  /** What happens, in a line. */
  readonly summary: string;
  readonly run: (trial: Trial) => Outcome;
}

export interface Outcome {
  readonly measurement: Measurement;
  /** Time until the flow, or the shares of flows, were where they belong. */
  readonly settledSeconds?: number;
}

/** The path most scenarios take: 66 frames in flight, so that seconds are enough. */
export const RATE = 20e6;
export const ROUND_TRIP = 40_000;
export const SECOND = 1e6;
/** Of acknowledgements, where flows share a queue: without it equal flows would reach the queue in the same order every round. */
export const JITTER = 500;

/** One run of one scenario with one algorithm. */
export class Trial {
  /** The algorithm's registered name. */
  readonly name: string;
  readonly seed: number;
  readonly expectations: Expectations;
  readonly judge: Judge;
  readonly paths: Path[] = [];

  constructor(name: string, seed: number, expectations: Expectations, judge: Judge) {
    this.name = name;
    this.seed = seed;
    this.expectations = expectations;
    this.judge = judge;
  }

  /** A path with one greedy flow of the algorithm, unless said otherwise. */
  path(options: Partial<PathOptions> = {}): Path {
    const path = new Path({
      seed: this.seed,
      bitsPerSecond: RATE,
      roundTripMicroseconds: ROUND_TRIP,
      flows: [{ congestionControl: this.name }],
      ...options,
    });
    this.paths.push(path);
    return path;
  }

  /** So many equal flows, which begin a tenth of a second apart. */
  flows(count: number): FlowOptions[] {
    return Array.from({ length: count }, (_, i) => ({ congestionControl: this.name, atMicroseconds: i * 100_000 }));
  }
}
