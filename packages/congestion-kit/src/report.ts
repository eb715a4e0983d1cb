import type { ConformanceReport, ScenarioResult } from './conformance.js';
import type { Measurement } from './measurement.js';

interface Column {
  readonly title: string;
  readonly width: number;
  readonly cell: (measurement: Measurement, result: ScenarioResult) => string;
}

const percent = (share: number): string => (share * 100).toFixed(share < 0.1 ? 2 : 1);

const COLUMNS: readonly Column[] = [
  { title: 'used %', width: 7, cell: ({ utilisation }) => percent(utilisation) },
  { title: 'queue', width: 6, cell: ({ queueMean }) => queueMean.toFixed(2) },
  { title: '95 %', width: 5, cell: ({ queue95 }) => queue95.toFixed(2) },
  { title: 'max', width: 5, cell: ({ queueMaximum }) => queueMaximum.toFixed(2) },
  { title: 'lost %', width: 7, cell: ({ loss }) => percent(loss) },
  { title: 'again %', width: 8, cell: ({ retransmitted }) => percent(retransmitted) },
  { title: 'Jain', width: 6, cell: ({ jain, goodputs }) => (goodputs.length > 1 ? jain.toFixed(3) : '') },
  { title: 'settled', width: 8, cell: (_, { settledSeconds }) => settled(settledSeconds) },
];

/** The report as a table of text, a line for each scenario. */
export function formatReport({ name, seed, results, verdict }: ConformanceReport): string {
  const longest = Math.max(8, ...results.map(({ scenario }) => scenario.length));
  const titles = COLUMNS.map(({ title, width }) => title.padStart(width)).join(' ');
  const lines = [
    `${name}: ${describe(results)} (seed ${seed}; queues in bandwidth-delay products)`,
    '',
    `${'scenario'.padEnd(longest)} ${'     '} ${titles}  why`,
    ...results.map((result) => formatResult(result, longest)),
  ];
  return `${lines.join('\n')}\n${verdict === 'FAIL' ? `\n${name} does not conform.\n` : ''}`;
}

/** One line of the table. */
export function formatResult(result: ScenarioResult, longest = 16): string {
  const { scenario, verdict, measurement, reason } = result;
  const cells = COLUMNS.map(({ width, cell }) =>
    (measurement === null ? '' : cell(measurement, result)).padStart(width),
  ).join(' ');
  return `${scenario.padEnd(longest)} ${verdict.padEnd(5)} ${cells}  ${reason}`.trimEnd();
}

function describe(results: readonly ScenarioResult[]): string {
  const count = (verdict: string): number => results.filter((result) => result.verdict === verdict).length;
  return `${count('pass')} of ${results.length} scenarios pass, ${count('note')} with notes, ${count('FAIL')} fail`;
}

function settled(seconds: number | null): string {
  if (seconds === null) return '';
  return seconds < 0 ? 'never' : `${seconds.toFixed(1)} s`;
}
