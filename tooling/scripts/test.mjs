#!/usr/bin/env node
// `npm test`: the static checks, then every test; closes with one plain line `Tests: N passed, N failed, N skipped`.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const report = `${root}test-results/vitest.json`;
const filters = process.argv.slice(2);
mkdirSync(`${root}test-results`, { recursive: true });
rmSync(report, { force: true });

console.log('prism: static checks');
const checks = spawnSync(process.execPath, ['tooling/scripts/check.mjs'], { cwd: root, stdio: 'inherit' });

console.log('prism: tests');
const vitest = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters];
const tests = spawnSync('vitest', vitest, { cwd: root, stdio: 'inherit' });

let result;
try {
  result = JSON.parse(readFileSync(report, 'utf8'));
} catch {
  console.error('prism: the test runner left no report');
  process.exit(1);
}
const skipped = result.numPendingTests + (result.numTodoTests ?? 0);
let status = tests.status === 0 && checks.status === 0 ? 0 : 1;
if (process.env.CI === 'true' && skipped > 0) {
  console.log(`prism: ${skipped} skipped under CI=true; a skip there is a failure`);
  status = 1;
}
if (checks.status !== 0) console.log('prism: static checks FAILED (see above)');
console.log(`Tests: ${result.numPassedTests} passed, ${result.numFailedTests} failed, ${skipped} skipped`);
process.exit(status);
