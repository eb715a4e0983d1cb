import { describe, expect, it } from 'vitest';
import { LatencyHistogram } from './latency-histogram.js';
import { formatDuration, renderTerminalHistogram } from './terminal-histogram.js';

function example(): LatencyHistogram {
  const histogram = new LatencyHistogram();
  const add = (times: number, nanoseconds: number) => {
    for (let n = 0; n < times; n++) histogram.record(nanoseconds);
  };
  add(50_000, 3_000);
  add(100_000, 7_000);
  add(40_000, 15_000);
  add(9_900, 30_000);
  add(99, 300_000);
  add(1, 12_000_000);
  return histogram;
}

describe('terminal histogram', () => {
  it('shows percentiles and one bar per range, empty ranges in between too', () => {
    expect(renderTerminalHistogram(example(), { title: 'round trip', width: 72 })).toBe(
      [
        'round trip (200,000 samples)',
        '  p50 7.0 µs   p90 15 µs   p99 30 µs   p99.9 30 µs   max 12 ms',
        '  2.0 µs – 5.0 µs │██████████████████████                         25.0 %',
        '  5.0 µs –  10 µs │████████████████████████████████████████████   50.0 %',
        '   10 µs –  20 µs │█████████████████▋                             20.0 %',
        '   20 µs –  50 µs │████▍                                           5.0 %',
        '   50 µs – 100 µs │                                                    -',
        '  100 µs – 200 µs │                                                    -',
        '  200 µs – 500 µs │▏                                             0.050 %',
        '  500 µs – 1.0 ms │                                                    -',
        '  1.0 ms – 2.0 ms │                                                    -',
        '  2.0 ms – 5.0 ms │                                                    -',
        '  5.0 ms –  10 ms │                                                    -',
        '   10 ms –  20 ms │▏                                            <0.001 %',
        '',
      ].join('\n'),
    );
  });

  it('is never wider than the terminal, nor ends a line in blanks', () => {
    for (const width of [40, 63, 72, 80, 200]) {
      const lines = renderTerminalHistogram(example(), { title: 'x', width }).split('\n').slice(2, -1);
      for (const line of lines) {
        expect(line.length).toBe(width);
        expect(line).toBe(line.trimEnd());
      }
    }
  });

  it('says so when nothing was recorded', () => {
    expect(renderTerminalHistogram(new LatencyHistogram(), { title: 'round trip' })).toBe('round trip (0 samples)\n');
  });

  it('has a place for the least and the greatest value', () => {
    const histogram = new LatencyHistogram();
    histogram.record(0);
    histogram.record(-1); // 2^32 - 1
    const lines = renderTerminalHistogram(histogram, { title: 'ends' }).trimEnd().split('\n');
    expect(lines[2]).toContain('0 ns –   1 ns');
    expect(lines.at(-1)).toContain('2.0 s –  5.0 s');
    expect(lines).toHaveLength(2 + 1 + 29);
  });
});

describe('durations', () => {
  it('are written in the unit people read, with no more than six columns', () => {
    const cases: [number, string][] = [
      [0, '0 ns'],
      [870, '870 ns'],
      [999, '999 ns'],
      [999.6, '1.0 µs'],
      [1_000, '1.0 µs'],
      [3_549, '3.5 µs'],
      [9_960, '10 µs'],
      [120_400, '120 µs'],
      [999_600, '1.0 ms'],
      [1_500_000, '1.5 ms'],
      [999_600_000, '1.0 s'],
      [2_000_000_000, '2.0 s'],
      [4_294_967_295, '4.3 s'],
    ];
    for (const [nanoseconds, text] of cases) expect(formatDuration(nanoseconds)).toBe(text);
  });
});
