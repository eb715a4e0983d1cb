import { readFileSync, writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { goodputTable, measureGoodput } from './goodput.js';

const SNAPSHOT = new URL('../../goodput.snapshot.md', import.meta.url);

it('the goodput of every algorithm is what goodput.snapshot.md says (PRISM_UPDATE_SNAPSHOTS=1 writes it anew)', () => {
  const table = goodputTable(['cubic', 'newreno']);
  if (process.env['PRISM_UPDATE_SNAPSHOTS'] === '1') writeFileSync(SNAPSHOT, table);
  expect(table).toBe(readFileSync(SNAPSHOT, 'utf8'));
});

it('a clean link is used to more than nine tenths, and loss costs', () => {
  const cell = { congestionControl: 'cubic', roundTripMicroseconds: 20_000, buffer: 1 };
  const clean = measureGoodput({ ...cell, loss: 0 });
  expect(clean).toBeGreaterThan(9e6);
  expect(measureGoodput({ ...cell, loss: 0.05 })).toBeLessThan(clean / 2);
});
