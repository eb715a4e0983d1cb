import { Live } from '../runtime/run-plan.js';
import type { LatencyHistogram } from './latency-histogram.js';
import { formatDuration } from './terminal-histogram.js';

/** The same of a gateway without a load client, of both ports together. */
export function serviceLine(live: Float64Array, ordersPerSecond: number): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    `${number(ordersPerSecond)} orders/s`,
    `${number(live[Live.sent]! + live[Live.sessionSent]!)} orders`,
    `${number(live[Live.answered]! + live[Live.sessionAnswered]!)} answers and fills`,
  ].join('  ');
}

/** Both ports side by side, in at most 80 columns unless there is room for totals. */
export function bothPortsLine(
  live: Float64Array,
  ordersPerSecond: number,
  latencies: LatencyHistogram,
  sessionOrdersPerSecond: number,
  sessionLatencies: LatencyHistogram,
  isWide: boolean,
): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  const port = (name: string, rate: number, answered: number, histogram: LatencyHistogram): string =>
    [
      `${name} ${number(rate)}${isWide ? ' orders' : ''}/s`,
      ...(isWide ? [`${number(answered)} answered`] : []),
      `p50 ${formatDuration(histogram.percentile(50))}`,
      `p99 ${formatDuration(histogram.percentile(99))}`,
    ].join(isWide ? '  ' : ' ');
  const datagrams = port('UDP', ordersPerSecond, live[Live.answered]!, latencies);
  const session = port('TCP', sessionOrdersPerSecond, live[Live.sessionAnswered]!, sessionLatencies);
  return `${datagrams} │ ${session}`;
}

/** Of a run with the session port alone. */
export function sessionLine(live: Float64Array, ordersPerSecond: number, latencies: LatencyHistogram): string {
  const number = (value: number): string => Math.round(value).toLocaleString('en-US');
  return [
    `${number(ordersPerSecond)} orders/s`,
    `${number(live[Live.sessionAnswered]!)} answered`,
    `p50 ${formatDuration(latencies.percentile(50))}`,
    `p99 ${formatDuration(latencies.percentile(99))}`,
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
