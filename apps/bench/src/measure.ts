import type { Figures } from './scenario.js';

/** The middle value, or the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

/** The value that a share of the samples stays at or below, by nearest rank; NaN without samples. */
export function quantile(values: readonly number[] | Float64Array, share: number): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** Medians and spread, figure by figure, of repeated runs. */
export function summarise(runs: readonly Figures[]): {
  medians: Figures;
  spread: Record<string, { min: number; max: number }>;
} {
  const medians: Record<string, number> = {};
  const spread: Record<string, { min: number; max: number }> = {};
  for (const name of Object.keys(runs[0] ?? {})) {
    const values = runs.map((run) => run[name]!);
    medians[name] = median(values);
    spread[name] = { min: Math.min(...values), max: Math.max(...values) };
  }
  return { medians, spread };
}

/** Nanoseconds one call of `performance.now()` costs here, to be taken off what is timed with it. */
export function timerCostNs(): number {
  const samples: number[] = [];
  for (let i = 0; i < 200; i++) {
    const start = performance.now();
    for (let k = 0; k < 100; k++) performance.now();
    samples.push(((performance.now() - start) * 1e6) / 101);
  }
  return median(samples);
}

/** Nanoseconds per call of `work(count)`, divided by count; `work` has been warmed up by the caller. */
export function nsPerOperation(work: (count: number) => void, count: number): number {
  const start = performance.now();
  work(count);
  return ((performance.now() - start) * 1e6) / count;
}
