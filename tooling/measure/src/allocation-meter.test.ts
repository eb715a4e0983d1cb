import { expect, it } from 'vitest';
import { allocatedBytes, steadyStateBytes } from './allocation-meter.js';

const ROUNDS = 100_000;
const kept: object[] = [];

it('sees one object a round, collected or not', () => {
  const bytes = steadyStateBytes(() => {
    for (let i = 0; i < ROUNDS; i++) kept[i & 7] = { i };
  });
  expect(bytes).toBeGreaterThan(ROUNDS * 16);
  expect(bytes).toBeLessThan(ROUNDS * 200);
});

it('counts what collections freed meanwhile', () => {
  // Far more than the young generation holds.
  const bytes = allocatedBytes(() => {
    for (let i = 0; i < 100; i++) kept[i & 7] = new Array(100_000).fill(i);
  });
  expect(bytes).toBeGreaterThan(100 * 100_000 * 7);
});

it('sees nothing where nothing is allocated', () => {
  const numbers = new Float64Array(8);
  expect(
    steadyStateBytes(() => {
      for (let i = 0; i < ROUNDS; i = (i + 1) | 0) numbers[i & 7]! += 1;
    }),
  ).toBeLessThan(4096);
});
