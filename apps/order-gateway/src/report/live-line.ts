import { Live } from '../runtime/run-plan.js';
import type { LatencyHistogram } from './latency-histogram.js';
import { formatDuration } from './terminal-histogram.js';

/** The same of a gateway without a load client. */
export function serviceLine(live: Float64Array, ordersPerSecond: number): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    `${number(ordersPerSecond)} orders/s`,
    `${number(live[Live.sent]!)} orders`,
    `${number(live[Live.answered]!)} answers and fills`,
  ].join('  ');
}

/** One line on how the run goes: rate, totals, round-trip times so far. */
export function liveLine(live: Float64Array, ordersPerSecond: number, latencies: LatencyHistogram): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    `${number(ordersPerSecond)} orders/s`,
    `${number(live[Live.answered]!)} answered`,
    `${number(live[Live.rejected]!)} rejected`,
    `${number(live[Live.fills]!)} later fills`,
    `p50 ${formatDuration(latencies.percentile(50))}`,
    `p99 ${formatDuration(latencies.percentile(99))}`,
  ].join('  ');
}
