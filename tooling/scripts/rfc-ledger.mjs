#!/usr/bin/env node
// Writes docs/rfc-ledger.md anew from the citations in sources, tests and packet scripts. Usage: node tooling/scripts/rfc-ledger.mjs
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const vitest = join(root, 'node_modules', '.bin', 'vitest');
const test = 'tooling/checks/src/rfc-ledger.test.ts';
const { status } = spawnSync(vitest, ['run', test, '--update'], { cwd: root, stdio: 'inherit' });
process.exit(status ?? 1);
