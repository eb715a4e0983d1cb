import { readFileSync, writeFileSync } from 'node:fs';
import { congestionControlNames } from '@prism-net/congestion';
import { describe, expect, it } from 'vitest';
import { conformanceScenarios } from '../conformance.js';
import { MARKS_POINTS, measureMarks } from './marks.js';
import { formatTable, measureAlgorithm, measureResponses } from './table.js';

const SNAPSHOT = new URL('../../congestion.snapshot.md', import.meta.url);

const responses = measureResponses();
const marks = MARKS_POINTS.map((point) => measureMarks('dctcp', point));
const figures = congestionControlNames().map(measureAlgorithm);
const of = (algorithm: string, scenario: string) =>
  figures.find((each) => each.algorithm === algorithm)!.results.get(scenario)!.measurement!;

it('the figures are what congestion.snapshot.md says (PRISM_UPDATE_SNAPSHOTS=1 writes it anew)', () => {
  const text = formatTable(responses, marks, figures);
  if (process.env['PRISM_UPDATE_SNAPSHOTS'] === '1') writeFileSync(SNAPSHOT, text);
  expect(text).toBe(readFileSync(SNAPSHOT, 'utf8'));
});

describe('what the table must show', () => {
  it.each(responses)(
    'the mean window of $algorithm is within 10 % of its response function: one in $every, $roundTripMicroseconds µs',
    ({ window, sent, published }) => {
      expect(Math.abs(window / published - 1)).toBeLessThan(0.1);
      // Of 20 segments the part that fits no more, and the round trip of the repair, are more than a tenth.
      expect(Math.abs(sent / published - 1)).toBeLessThan(published > 30 ? 0.1 : 0.12);
    },
  );

  it('the points lie in both regions of CUBIC', () => {
    expect(new Set(responses.map(({ region }) => region))).toEqual(new Set(['Reno-friendly', 'cubic', 'AIMD']));
  });

  it('BBR keeps the queue of a deep buffer, which CUBIC fills, below 1.5 products and uses nine tenths of the rate', () => {
    expect(of('cubic', 'deep-buffer').queue95).toBeGreaterThan(3);
    const { queueMean, queue95, utilisation } = of('bbr', 'deep-buffer');
    expect(queueMean).toBeLessThan(1.5);
    expect(queue95).toBeLessThan(1.5);
    expect(utilisation).toBeGreaterThanOrEqual(0.9);
  });

  it.each(marks)('$flows flows of DCTCP keep the queue within twice a threshold of $markAt frames', (each) => {
    expect(each.maximum).toBeLessThanOrEqual(2);
    expect(each.measurement.utilisation).toBeGreaterThanOrEqual(0.9);
    expect(each.measurement.jain).toBeGreaterThanOrEqual(0.95);
    expect(each.measurement.loss).toBe(0);
  });

  it.each(figures)('$algorithm keeps all bounds of the kit', ({ report }) => {
    expect(report.results.filter(({ verdict }) => verdict === 'FAIL')).toEqual([]);
    expect(report.results).toHaveLength(conformanceScenarios().length);
  });

  it.each(figures)('equal flows of $algorithm share equally', ({ algorithm }) => {
    for (const flows of [2, 4, 8]) expect(of(algorithm, `fairness-${flows}`).jain).toBeGreaterThanOrEqual(0.95);
  });
});
