import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { congestionControlNames } from '@prism-net/congestion';
import { range, renderSvg } from '@prism-net/pictures';
import { describe, expect, it } from 'vitest';
import { PICTURE_BYTES, traceGrowth } from './growth.js';

const FOLDER = new URL('../../../docs/congestion/', import.meta.url);
const README = readFileSync(new URL('../../../packages/congestion-kit/README.md', import.meta.url), 'utf8');

describe.each(congestionControlNames())('the growth of %s', (name) => {
  const trace = traceGrowth(name);

  it('is what docs/congestion shows (PRISM_UPDATE_SNAPSHOTS=1 draws it anew)', () => {
    const picture = new URL(`${name}.svg`, FOLDER);
    const svg = renderSvg(trace, { maximumBytes: PICTURE_BYTES });
    if (process.env['PRISM_UPDATE_SNAPSHOTS'] === '1') {
      mkdirSync(FOLDER, { recursive: true });
      writeFileSync(picture, svg);
    }
    expect(svg === readFileSync(picture, 'utf8'), `docs/congestion/${name}.svg is out of date`).toBe(true);
    expect(svg.length).toBeLessThan(PICTURE_BYTES);
  });

  it('stands in the README of the kit', () => {
    expect(README).toContain(`](../../docs/congestion/${name}.svg)`);
  });

  it('fills the path and does not leave it: four times what path and queue hold is never out', () => {
    expect((trace.totals.delivered * 8) / 20).toBeGreaterThan(0.8 * 20e6);
    expect(range(trace.samples, 'inFlight').maximum).toBeLessThan(4 * 132 * 1514);
  });
});
