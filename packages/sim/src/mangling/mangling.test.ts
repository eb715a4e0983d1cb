import { expect, it } from 'vitest';
import { runMangling } from './mangling-run.js';

/** PRISM_SEED repeats one seed. */
const ONE = process.env['PRISM_SEED'];
/** The share of the tests; `npm run soak -- mangle` sends a million. */
const RUNS = 10;
const SEGMENTS = 3000;

it('mangled and forged segments between two live hosts break no connection and no byte; nothing throws, leaks or hangs', () => {
  if (ONE !== undefined) {
    console.log(runMangling(Number(ONE), SEGMENTS));
    return;
  }
  const reasons = new Set<string>();
  let segments = 0;
  for (let seed = 0; seed < RUNS; seed++) {
    const run = runMangling(seed, SEGMENTS);
    segments += run.segments;
    for (const reason of run.reasons) reasons.add(reason);
    expect(run.peakFrames).toBeLessThan(1024);
    expect(run.delivered).toBeGreaterThan(0);
  }
  expect(segments).toBe(RUNS * SEGMENTS);
  expect(reasons.size).toBeGreaterThan(30);
});

it('the same seed makes the same attack', () => {
  expect(runMangling(3, 500).digest).toBe(runMangling(3, 500).digest);
});
