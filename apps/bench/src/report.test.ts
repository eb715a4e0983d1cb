import { describe, expect, it } from 'vitest';
import { ratios, toJson, toTable } from './report.js';
import type { ScenarioResult } from './scenario.js';

const alone: ScenarioResult = {
  figures: { nsPerThing: 123.456789, thingsPerSecond: 8_100_000.4 },
  spread: { nsPerThing: { min: 100, max: 150 } },
  runs: 7,
  conditions: { link: 'pipe', mtu: 1500 },
};
const compared: ScenarioResult = {
  ...alone,
  baseline: { nsPerThing: 246.913578, other: 1 },
  baselineName: 'the old way',
  others: { 'a third way': { nsPerThing: 1 } },
};

describe('ratios', () => {
  it('are Prism ÷ baseline, for the figures that both have', () => {
    expect(ratios({ a: 1, b: 2, c: 3 }, { a: 3, b: 1, d: 4 })).toEqual({ a: 0.3333, b: 2 });
  });

  it('leave out what nothing can be divided by', () => {
    expect(ratios({ a: 1 }, { a: 0 })).toEqual({});
  });
});

describe('report as JSON', () => {
  it('has the shape of the contract', () => {
    expect(toJson('udp-path', compared, { node: 'v20', link: 'other' })).toEqual({
      scenario: 'udp-path',
      figures: compared.figures,
      baseline: compared.baseline,
      ratio: { nsPerThing: 0.5 },
      others: compared.others,
      spread: compared.spread,
      runs: 7,
      // The scenario knows its conditions better than the machine.
      conditions: { node: 'v20', link: 'pipe', mtu: 1500, baseline: 'the old way' },
    });
  });

  it('leaves out what was not measured', () => {
    const json = toJson('ring', alone, {});
    for (const name of ['baseline', 'ratio', 'others']) expect(json).not.toHaveProperty(name);
    expect(json).toMatchObject({ scenario: 'ring', conditions: { link: 'pipe', mtu: 1500 } });
  });
});

describe('report as a table', () => {
  it('shows figures, spread, baseline and ratio side by side', () => {
    const lines = toTable('udp-path', compared).split('\n');
    expect(lines[0]).toBe('udp-path: medians of 7 runs');
    expect(lines[1]).toBe('baseline: the old way');
    expect(lines[3]!.split(/ {2,}/)).toEqual(['figure', 'Prism', 'min … max', 'baseline', 'ratio']);
    expect(lines[4]!.split(/ {2,}/)).toEqual(['nsPerThing', '123.5', '100 … 150', '246.9', '0.5']);
    expect(lines[5]!.split(/ {2,}/)).toEqual(['thingsPerSecond', '8,100,000']);
    expect(lines).toContain('a third way');
    expect(lines.at(-1)).toBe('link: pipe, mtu: 1500');
    for (const line of lines) expect(line).toBe(line.trimEnd());
  });

  it('does without a baseline', () => {
    const table = toTable('ring', alone);
    expect(table).not.toContain('baseline');
    expect(table).not.toContain('ratio');
  });
});
