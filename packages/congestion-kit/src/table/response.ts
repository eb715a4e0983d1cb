import { Path } from '../path.js';

/** Periodic loss, on a path without a queue. */
export interface ResponsePoint {
  /** One segment in so many is lost. */
  readonly every: number;
  readonly roundTripMicroseconds: number;
}

/** Of the measured time, in segments. */
export interface MeasuredResponse {
  /** Mean of the congestion window. */
  readonly window: number;
  /** Sent in a round trip, on average: less, by the part of a segment that fits no more, and by what recovery holds back. */
  readonly sent: number;
}

/** So fast that nothing queues. */
const RATE = 1e9;
/** Losses in the measured time. */
const CYCLES = 8;
/**
 * Segments before the measured time. Where a cycle takes seconds, CUBIC's window approaches its steady state by fractions of
 * a segment per cycle, and needs longer.
 */
const SETTLING = 60_000;
const LONG_SETTLING = 400_000;

/**
 * The mean window under periodic loss, and what is sent by it. The first loss meets slow start where it
 * comes to about `expected` segments: from a window several times as large CUBIC falls below what it comes to in the end
 * (fast convergence, RFC 9438 §4.7), and returns to that in hundreds of cycles only.
 */
export function measureResponse(
  congestionControl: string,
  { every, roundTripMicroseconds }: ResponsePoint,
  expected: number,
): MeasuredResponse {
  const path = new Path({
    seed: 1,
    bitsPerSecond: RATE,
    roundTripMicroseconds,
    ecn: false,
    flows: [{ congestionControl }],
  });
  const { drops } = path;
  const [flow] = path.flows;
  // Within the round trip that it takes to hear of the loss the window doubles.
  const { connection } = flow!;
  const window = (): number => connection.wake().recovery.window.window / flow!.segmentSize;
  while (window() < expected / 2) path.run(roundTripMicroseconds / 64);
  drops.loseEvery(every);
  drops.lose(1);
  const settling = roundTripMicroseconds >= 200_000 ? LONG_SETTLING : SETTLING;
  while (drops.lost * every < settling) path.run(roundTripMicroseconds);
  let sum = 0;
  let samples = 0;
  const runToLoss = (): void => {
    const before = drops.lost;
    while (drops.lost === before) {
      path.run(roundTripMicroseconds / 4);
      sum += window();
      samples++;
    }
  };
  runToLoss();
  sum = 0;
  samples = 0;
  const begin = path.simulation.time;
  const before = flow!.segments;
  for (let cycle = 0; cycle < CYCLES; cycle++) runToLoss();
  const segments = flow!.segments - before;
  const sent = (segments * roundTripMicroseconds) / (path.simulation.time - begin);
  path.close();
  return { window: sum / samples, sent };
}

const C = 0.4;
const BETA = 0.7;

/** The mean window of Reno's additive increase and of a decrease to `beta` (RFC 9438 §4.3). */
function additive(alpha: number, beta: number, loss: number): number {
  return Math.sqrt((alpha * (1 + beta)) / (2 * (1 - beta) * loss));
}

/** NewReno's published mean window in segments (RFC 9438 §4.3 with α = 1, β = 0.5). */
export function renoResponse({ every }: ResponsePoint): number {
  return additive(1, 0.5, 1 / every);
}

/** CUBIC's published mean window in segments, and by which of its regions (RFC 9438 §5.1, §4.3). */
export function cubicResponse({ every, roundTripMicroseconds }: ResponsePoint): {
  readonly window: number;
  readonly region: 'cubic' | 'Reno-friendly';
} {
  const cubic = ((C * (3 + BETA)) / (4 * (1 - BETA))) ** 0.25 * (every * (roundTripMicroseconds / 1e6)) ** 0.75;
  const friendly = additive((3 * (1 - BETA)) / (1 + BETA), BETA, 1 / every);
  return cubic > friendly ? { window: cubic, region: 'cubic' } : { window: friendly, region: 'Reno-friendly' };
}
