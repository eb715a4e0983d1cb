import { expect, it } from 'vitest';
import { LIVE_DOUBLES, Live } from '../runtime/run-plan.js';
import { LatencyHistogram } from './latency-histogram.js';
import { bothPortsLine, liveLine, serviceLine, sessionLine } from './live-line.js';

it('the live line tells rate, totals and round trips in one line', () => {
  const live = new Float64Array(LIVE_DOUBLES);
  live[Live.sent] = 5_000_100;
  live[Live.answered] = 5_000_000;
  live[Live.rejected] = 25_000;
  live[Live.fills] = 3_000_000;
  const latencies = new LatencyHistogram();
  for (let i = 0; i < 100; i++) latencies.record(i < 98 ? 50_000 : 2_000_000);
  expect(liveLine(live, 512_345.6, latencies)).toMatch(
    /^512,346 orders\/s {2}5,000,000 answered {2}25,000 rejected {2}3,000,000 later fills {2}p50 50 µs {2}p99 2\.0 ms$/,
  );
});

it('the live line is whole before the first answer', () => {
  expect(liveLine(new Float64Array(LIVE_DOUBLES), 0, new LatencyHistogram())).toBe(
    '0 orders/s  0 answered  0 rejected  0 later fills  p50 0 ns  p99 0 ns',
  );
});

it('the live line of both ports has them side by side, and fits 80 columns without its totals', () => {
  const live = new Float64Array(LIVE_DOUBLES);
  live[Live.answered] = 5_000_000;
  live[Live.sessionAnswered] = 1_000_000;
  const latencies = new LatencyHistogram();
  for (let i = 0; i < 100; i++) latencies.record(i < 98 ? 50_000 : 2_000_000);
  expect(bothPortsLine(live, 512_345.6, latencies, 120_000, latencies, true)).toBe(
    'UDP 512,346 orders/s  5,000,000 answered  p50 50 µs  p99 2.0 ms │ TCP 120,000 orders/s  1,000,000 answered  p50 50 µs  p99 2.0 ms',
  );
  const narrow = bothPortsLine(live, 512_345.6, latencies, 120_000, latencies, false);
  expect(sessionLine(live, 120_000, latencies)).toBe('120,000 orders/s  1,000,000 answered  p50 50 µs  p99 2.0 ms');
  expect(narrow).toBe('UDP 512,346/s p50 50 µs p99 2.0 ms │ TCP 120,000/s p50 50 µs p99 2.0 ms');
});

it('the live line of a gateway that serves counts the orders of both ports, and those of sessions alone', () => {
  const live = new Float64Array(LIVE_DOUBLES);
  live[Live.sessionSent] = 40;
  live[Live.sessionAnswered] = 55;
  expect(serviceLine(live, 4)).toBe('4 orders/s  40 orders  55 answers and fills');
  live[Live.sent] = 1000;
  live[Live.answered] = 1500;
  expect(serviceLine(live, 4)).toBe('4 orders/s  1,040 orders  1,555 answers and fills');
});
