#!/usr/bin/env node
// The static half of `npm test`: format and lint, types, layering, dead code. Runs all, then says which failed.
import { spawnSync } from 'node:child_process';

const checks = [
  ['format and lint (biome)', 'biome', ['check', '--error-on-warnings', '.']],
  ['types (tsc)', 'tsc', ['-b']],
  ['layering (dependency-cruiser)', 'depcruise', ['--config', 'tooling/dependency-cruiser.cjs', 'packages', 'apps']],
  ['dead code (knip)', 'knip', ['--no-progress']],
];
const root = new URL('../..', import.meta.url);
let failed = 0;
for (const [name, program, args] of checks) {
  const started = performance.now();
  const result = spawnSync(program, args, { cwd: root, encoding: 'utf8' });
  const seconds = ((performance.now() - started) / 1000).toFixed(1);
  const passed = result.status === 0;
  console.log(`${passed ? 'ok    ' : 'FAILED'} ${name} (${seconds} s)`);
  if (passed) continue;
  failed++;
  console.log(result.error ? result.error.message : `${result.stdout}${result.stderr}`);
}
process.exit(failed === 0 ? 0 : 1);
