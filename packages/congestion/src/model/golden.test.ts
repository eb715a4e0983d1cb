import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Bbr } from '../bbr/bbr.js';
import type { CongestionControl } from '../congestion-control.js';
import { Cubic } from '../cubic.js';
import { Dctcp } from '../dctcp.js';
import { NewReno } from '../new-reno.js';
import { goldenTrace } from './golden-trace.testkit.js';

const algorithms: readonly (readonly [string, () => CongestionControl])[] = [
  ['newreno', () => new NewReno()],
  ['cubic', () => new Cubic()],
  ['dctcp', () => new Dctcp()],
  ['bbr', () => new Bbr({ seed: 1 })],
  ['bbr-ecn', () => new Bbr({ seed: 1, ecn: true })],
];

describe.each(algorithms)('%s', (name, make) => {
  it(`does what golden/${name}.txt says (PRISM_UPDATE_SNAPSHOTS=1 writes it anew)`, () => {
    const file = new URL(`../golden/${name}.txt`, import.meta.url);
    const trace = goldenTrace(make());
    if (process.env['PRISM_UPDATE_SNAPSHOTS'] === '1') writeFileSync(file, trace);
    expect(trace).toBe(readFileSync(file, 'utf8'));
  });
});
