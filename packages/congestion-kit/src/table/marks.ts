import type { Measurement } from '../measurement.js';
import { Path } from '../path.js';

/** A queue of four bandwidth-delay products (83 frames each) that marks from a threshold on. */
export interface MarksPoint {
  readonly flows: number;
  /** Frames. */
  readonly markAt: number;
}

const RATE = 100e6;
const ROUND_TRIP = 10_000;
const SETTLING_SECONDS = 1;
const SECONDS = 4;

/** RFC 8257 §3.5 leaves K to the operator; above a seventh of the product (12 frames here) the rate is kept. */
export const MARKS_POINTS: readonly MarksPoint[] = [
  { flows: 1, markAt: 20 },
  { flows: 2, markAt: 20 },
  { flows: 4, markAt: 20 },
  { flows: 8, markAt: 20 },
  { flows: 2, markAt: 40 },
  { flows: 8, markAt: 40 },
];

export interface Marks extends MarksPoint {
  readonly measurement: Measurement;
  /** Of the queue, in marking thresholds. */
  readonly mean: number;
  readonly percentile95: number;
  readonly maximum: number;
}

/** What equal flows make of a queue that marks. */
export function measureMarks(congestionControl: string, { flows, markAt }: MarksPoint): Marks {
  const path = new Path({
    seed: 1,
    bitsPerSecond: RATE,
    roundTripMicroseconds: ROUND_TRIP,
    queue: 4,
    markAt,
    jitterMicroseconds: 100,
    flows: Array.from({ length: flows }, (_, i) => ({ congestionControl, atMicroseconds: i * 20_000 })),
  });
  path.run(SETTLING_SECONDS * 1e6);
  path.mark();
  path.run(SECONDS * 1e6);
  const measurement = path.measure();
  const { product } = path;
  path.close();
  const inThresholds = (queue: number): number => (queue * product) / markAt;
  return {
    flows,
    markAt,
    measurement,
    mean: inThresholds(measurement.queueMean),
    percentile95: inThresholds(measurement.queue95),
    maximum: inThresholds(measurement.queueMaximum),
  };
}
