import { LatencyHistogram } from './latency-histogram.js';

export interface TerminalHistogramOptions {
  readonly title: string;
  /** Columns of the terminal; at least 40 are used. Default 80. */
  readonly width?: number;
}

const PERCENTILES = [50, 90, 99, 99.9] as const;
const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];
const STEPS_OF_DECADE = [1, 2, 5] as const;

/**
 * Draws a histogram for the terminal: the percentiles, then one bar per range of a 1-2-5 scale. Whatever was counted
 * shows at least a sliver of a bar. Lines end without blanks and none is wider than the terminal.
 */
export function renderTerminalHistogram(histogram: LatencyHistogram, options: TerminalHistogramOptions): string {
  const count = histogram.count;
  const heading = `${options.title} (${count.toLocaleString('en-US')} samples)`;
  if (count === 0) return `${heading}\n`;
  const figures = PERCENTILES.map((percent) => `p${percent} ${formatDuration(histogram.percentile(percent))}`);
  figures.push(`max ${formatDuration(histogram.maximum)}`);
  const lines = [heading, `  ${figures.join('   ')}`];

  const rows = rowsOf(histogram);
  const most = Math.max(...rows.map((row) => row.count));
  // 2 + lower + 3 + upper + 1, a bar, 1 + share.
  const room = Math.max(40, options.width ?? 80) - 2 - 6 - 3 - 6 - 2 - 1 - 8;
  for (const row of rows) {
    const range = `${formatDuration(row.from).padStart(6)} – ${formatDuration(row.to).padStart(6)}`;
    const share = `${formatShare(row.count / count).padStart(8)}`;
    lines.push(`  ${range} │${bar(row.count / most, room).padEnd(room)} ${share}`);
  }
  return `${lines.join('\n')}\n`;
}

/** A duration as people read it, in at most six columns: `870 ns`, `3.5 µs`, `120 µs`, `1.5 ms`, `2.0 s`. */
export function formatDuration(nanoseconds: number): string {
  if (nanoseconds < 999.5) return `${Math.round(nanoseconds)} ns`;
  if (nanoseconds < 999_500) return `${threeDigits(nanoseconds / 1e3)} µs`;
  if (nanoseconds < 999_500_000) return `${threeDigits(nanoseconds / 1e6)} ms`;
  return `${threeDigits(nanoseconds / 1e9)} s`;
}

interface Row {
  readonly from: number;
  readonly to: number;
  count: number;
}

/** The 1-2-5 ranges from the first that holds something to the last. A bucket goes where its middle lies. */
function rowsOf(histogram: LatencyHistogram): Row[] {
  const rows: Row[] = [{ from: 0, to: 1, count: 0 }];
  for (let decade = 1; decade <= 1e9; decade *= 10) {
    for (const [index, step] of STEPS_OF_DECADE.entries()) {
      rows.push({ from: step * decade, to: (STEPS_OF_DECADE[index + 1] ?? 10) * decade, count: 0 });
    }
  }
  let row = 0;
  for (let bucket = 0; bucket < LatencyHistogram.buckets; bucket++) {
    const middle = (LatencyHistogram.lowerBound(bucket) + LatencyHistogram.upperBound(bucket)) / 2;
    while (middle >= rows[row]!.to) row++;
    rows[row]!.count += histogram.countAt(bucket);
  }
  const filled = rows.map((candidate) => candidate.count > 0);
  return rows.slice(filled.indexOf(true), filled.lastIndexOf(true) + 1);
}

function bar(share: number, room: number): string {
  const eighths = share === 0 ? 0 : Math.max(1, Math.round(share * room * 8));
  return '█'.repeat(eighths >>> 3) + EIGHTHS[eighths & 7]!;
}

/** `45.3 %`, `0.012 %`, and never 0 for what is not nothing. */
function formatShare(share: number): string {
  if (share === 0) return '-';
  const percent = share * 100;
  if (percent < 0.001) return '<0.001 %';
  if (percent < 0.1) return `${percent.toFixed(3)} %`;
  return `${percent.toFixed(1)} %`;
}

function threeDigits(value: number): string {
  return value < 9.95 ? value.toFixed(1) : value.toFixed(0);
}
