import { type ConformanceReport, runConformance, type ScenarioResult } from '../conformance.js';
import { formatReport } from '../report.js';
import type { Marks } from './marks.js';
import { cubicResponse, type MeasuredResponse, measureResponse, type ResponsePoint, renoResponse } from './response.js';

/** Points of the response functions, in both of CUBIC's regions. */
export const CUBIC_POINTS: readonly ResponsePoint[] = [
  { every: 300, roundTripMicroseconds: 20_000 },
  { every: 1000, roundTripMicroseconds: 40_000 },
  { every: 3000, roundTripMicroseconds: 20_000 },
  { every: 3000, roundTripMicroseconds: 100_000 },
  { every: 3000, roundTripMicroseconds: 200_000 },
  { every: 10_000, roundTripMicroseconds: 100_000 },
  { every: 10_000, roundTripMicroseconds: 200_000 },
];
export const RENO_POINTS: readonly ResponsePoint[] = CUBIC_POINTS.slice(1, 4);

/** A measured mean window beside the published one, in segments. */
export interface Response extends ResponsePoint, MeasuredResponse {
  readonly algorithm: string;
  readonly region: string;
  readonly published: number;
}

/** Measures the algorithms that have a published response function: `cubic` and `newreno`. */
export function measureResponses(algorithms: readonly string[] = ['cubic', 'newreno']): Response[] {
  return algorithms.flatMap((algorithm) => {
    if (algorithm === 'cubic') {
      return CUBIC_POINTS.map((point) => {
        const { window, region } = cubicResponse(point);
        return { ...point, algorithm, region, published: window, ...measureResponse(algorithm, point, window) };
      });
    }
    if (algorithm !== 'newreno') return [];
    return RENO_POINTS.map((point) => {
      const published = renoResponse(point);
      return { ...point, algorithm, region: 'AIMD', published, ...measureResponse(algorithm, point, published) };
    });
  });
}

/** The scenarios whose figures the table compares. */
const SHARING = ['fairness-2', 'fairness-4', 'fairness-8', 'rtt-1:4', 'with-cubic'];
const QUEUES = ['shallow-buffer', 'deep-buffer', 'ecn'];

export interface AlgorithmFigures {
  readonly algorithm: string;
  readonly report: ConformanceReport;
  readonly results: ReadonlyMap<string, ScenarioResult>;
}

export function measureAlgorithm(algorithm: string): AlgorithmFigures {
  const report = runConformance(algorithm);
  return { algorithm, report, results: new Map(report.results.map((result) => [result.scenario, result])) };
}

/** The table as Markdown: what every algorithm does, in virtual time, so that a change of behaviour shows as a diff. */
export function formatTable(
  responses: readonly Response[],
  marks: readonly Marks[],
  figures: readonly AlgorithmFigures[],
): string {
  return `${[
    '# Congestion control in figures',
    '',
    'Measured over the whole stack in virtual time: the figures are the same on every machine.',
    '`PRISM_UPDATE_SNAPSHOTS=1 vitest run packages/congestion-kit` writes them anew.',
    '',
    '## Response functions',
    '',
    'Mean window in segments with one segment in N lost, beside what RFC 9438 (§5.1, §4.3) says of it; and what is sent in a',
    'round trip by that window.',
    '',
    ...formatResponses(responses),
    '',
    '## Queues',
    '',
    'One flow, 20 Mbit/s, 40 ms. Queues in bandwidth-delay products (66 frames).',
    '',
    ...QUEUES.flatMap((scenario) => [...queueLines(scenario, figures), '']),
    '## DCTCP, and its marking threshold',
    '',
    'Equal flows over 100 Mbit/s, 10 ms (83 frames); the queue holds 332 frames, marks from K on; queues in thresholds.',
    '',
    ...marksLines(marks),
    '',
    '## Sharing',
    '',
    "Jain's index of 2, 4 and 8 equal flows; the share of the flow with 20 ms beside one with 80 ms; the share beside CUBIC.",
    '',
    ...sharingLines(figures),
    '',
    '## Conformance',
    ...figures.flatMap(({ report }) => ['', '```text', formatReport(report).trimEnd(), '```']),
  ].join('\n')}\n`;
}

/** The response functions alone, as lines of Markdown. */
export function formatResponses(responses: readonly Response[]): string[] {
  const rows = responses.map(({ algorithm, region, every, roundTripMicroseconds, published, window, sent }) => [
    algorithm,
    region,
    `${every}`,
    `${roundTripMicroseconds / 1000} ms`,
    published.toFixed(1),
    window.toFixed(1),
    (window / published).toFixed(3),
    sent.toFixed(1),
    (sent / published).toFixed(3),
  ]);
  return table(['algorithm', 'region', 'N', 'round trip', 'published', 'window', 'ratio', 'sent', 'ratio'], rows);
}

function marksLines(marks: readonly Marks[]): string[] {
  const rows = marks.map(({ flows, markAt, measurement, mean, percentile95, maximum }) => [
    `${flows}`,
    `${markAt}`,
    percent(measurement.utilisation),
    ...[mean, percentile95, maximum].map((queue) => queue.toFixed(2)),
    percent(measurement.marked),
    percent(measurement.loss),
    measurement.jain.toFixed(3),
  ]);
  return table(['flows', 'K', 'used', 'mean', '95 %', 'max', 'marked', 'lost', 'Jain'], rows);
}

function queueLines(scenario: string, figures: readonly AlgorithmFigures[]): string[] {
  const rows = figures.map(({ algorithm, results }) => {
    const { measurement } = results.get(scenario)!;
    const { utilisation, queueMean, queue95, queueMaximum, loss, marked } = measurement!;
    const queues = [queueMean, queue95, queueMaximum].map((queue) => queue.toFixed(2));
    return [algorithm, percent(utilisation), ...queues, percent(loss), percent(marked)];
  });
  return table([scenario, 'used', 'mean', '95 %', 'max', 'lost', 'marked'], rows);
}

function sharingLines(figures: readonly AlgorithmFigures[]): string[] {
  const rows = figures.map(({ algorithm, results }) => [
    algorithm,
    ...SHARING.slice(0, 3).map((scenario) => results.get(scenario)!.measurement!.jain.toFixed(3)),
    ...SHARING.slice(3).map((scenario) => percent(firstShare(results.get(scenario)!))),
  ]);
  return table(['algorithm', 'Jain 2', 'Jain 4', 'Jain 8', '20 ms : 80 ms', 'with CUBIC'], rows);
}

/** The first flow's share of all. */
export function firstShare({ measurement }: ScenarioResult): number {
  const goodputs = measurement?.goodputs ?? [];
  return goodputs[0]! / goodputs.reduce((sum, each) => sum + each, 0);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 2 : 1)} %`;
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const widths = heads.map((head, i) => Math.max(3, head.length, ...rows.map((cells) => cells[i]!.length)));
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, i) => cell.padEnd(widths[i]!)).join(' | ')} |`;
  return [line(heads), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rows.map(line)];
}
