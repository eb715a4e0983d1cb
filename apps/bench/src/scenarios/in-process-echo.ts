import { allocatedBytes } from '@prism-net/measure';
import { createNanosecondClock } from '@prism-net/time';
import { quantile, summarise } from '../measure.js';
import type { Figures, ScenarioOptions, ScenarioResult } from '../scenario.js';

const ALLOCATION_PASSES = 5;
const ALLOCATION_EXCHANGES = 100_000;

/** A question and its answer, one at a time, between two applications in this thread. */
export interface Echo {
  exchange(): void;
  close(): void;
}

export interface EchoContest {
  /** Takes turns with Prism: microseconds of each of so many exchanges. */
  readonly kernel: (exchanges: number) => Promise<Float64Array>;
  /** About what Prism does, to share the time out by. */
  readonly exchangesPerSecond: number;
}

/** Times an echo in alternation with the kernel's, and counts what it allocates. Closes it. */
export async function measureEcho(
  echo: Echo,
  { kernel, exchangesPerSecond }: EchoContest,
  { seconds, runs }: ScenarioOptions,
): Promise<Pick<ScenarioResult, 'figures' | 'baseline' | 'spread' | 'runs'>> {
  time(echo, 100_000);
  const exchanges = Math.max(2000, Math.min(100_000, Math.floor((seconds / 2 / runs) * exchangesPerSecond)));
  const ours: Figures[] = [];
  const theirs: Figures[] = [];
  for (let run = 0; run < runs; run++) {
    ours.push(quantiles(time(echo, exchanges)));
    theirs.push(quantiles(await kernel(Math.max(200, Math.floor(exchanges / 50)))));
  }
  const passes = Array.from({ length: ALLOCATION_PASSES }, () => ({
    bytesAllocatedPerRoundTrip: allocatedBytes(() => exchangeMany(echo, ALLOCATION_EXCHANGES)) / ALLOCATION_EXCHANGES,
  }));
  echo.close();
  const { medians, spread } = summarise(ours);
  const allocation = summarise(passes);
  return {
    figures: { ...medians, ...allocation.medians },
    baseline: summarise(theirs).medians,
    spread: { ...spread, ...allocation.spread },
    runs,
  };
}

function time(echo: Echo, exchanges: number): Float64Array {
  const clock = createNanosecondClock();
  const samples = new Float64Array(exchanges);
  for (let i = 0; i < exchanges; i++) {
    const start = clock.now();
    echo.exchange();
    samples[i] = ((clock.now() - start) | 0) / 1000;
  }
  return samples;
}

function exchangeMany(echo: Echo, count: number): void {
  for (let i = 0; i < count; i++) echo.exchange();
}

function quantiles(samples: Float64Array): Figures {
  return {
    roundTripP50Us: quantile(samples, 0.5),
    roundTripP99Us: quantile(samples, 0.99),
    roundTripP999Us: quantile(samples, 0.999),
  };
}
