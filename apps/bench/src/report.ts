import type { Figures, ScenarioResult } from './scenario.js';

/** The object the benchmark contract asks for. */
export function toJson(
  scenario: string,
  result: ScenarioResult,
  conditions: Readonly<Record<string, unknown>>,
): object {
  const { figures, baseline, baselineName, others, spread, runs } = result;
  return {
    scenario,
    figures,
    ...(baseline === undefined ? {} : { baseline, ratio: ratios(figures, baseline) }),
    ...(others === undefined ? {} : { others }),
    spread,
    runs,
    conditions: {
      ...conditions,
      ...result.conditions,
      ...(baselineName === undefined ? {} : { baseline: baselineName }),
    },
  };
}

/** Prism ÷ baseline, for the figures both have. */
export function ratios(figures: Figures, baseline: Figures): Figures {
  return Object.fromEntries(
    Object.entries(baseline)
      .filter(([name, value]) => figures[name] !== undefined && value !== 0)
      .map(([name, value]) => [name, round(figures[name]! / value)]),
  );
}

export function toTable(scenario: string, result: ScenarioResult): string {
  const { figures, baseline, baselineName, others, spread, runs, conditions } = result;
  const ratio = baseline === undefined ? {} : ratios(figures, baseline);
  const header = ['figure', 'Prism', 'min … max', ...(baseline === undefined ? [] : ['baseline', 'ratio'])];
  const rows = Object.entries(figures).map(([name, value]) => [
    name,
    format(value),
    spread[name] === undefined ? '' : `${format(spread[name].min)} … ${format(spread[name].max)}`,
    ...(baseline === undefined ? [] : [format(baseline[name]), format(ratio[name])]),
  ]);
  const lines = [`${scenario}: medians of ${runs} runs`];
  if (baselineName !== undefined) lines.push(`baseline: ${baselineName}`);
  lines.push('', ...columns([header, ...rows]));
  for (const [name, measured] of Object.entries(others ?? {})) {
    lines.push('', name, ...columns(Object.entries(measured).map(([figure, value]) => [figure, format(value)])));
  }
  lines.push(
    '',
    Object.entries(conditions)
      .map(([name, value]) => `${name}: ${value}`)
      .join(', '),
  );
  return lines.join('\n');
}

function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(widths[column]!) : cell.padStart(widths[column]!)))
      .join('  ')
      .trimEnd(),
  );
}

function format(value: number | undefined): string {
  if (value === undefined) return '';
  if (Math.abs(value) >= 1000) return Math.round(value).toLocaleString('en-US');
  return String(round(value));
}

function round(value: number): number {
  return Number(value.toPrecision(4));
}
