import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, it } from 'vitest';
import { formatResult, runScript } from './index.js';

const folder = fileURLToPath(new URL('../scripts/', import.meta.url));
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => name.endsWith('.pkt'))
  .sort();

it('there are scripts', () => {
  expect(files.length).toBeGreaterThan(0);
});

// Strict: nothing is sent that a script does not expect, and every echo of a timestamp is right.
it.each(files)('%s passes, whatever the secrets of the host', (file) => {
  const script = readFileSync(folder + file, 'utf8');
  for (const seed of [1, 2]) {
    expect(formatResult(file, runScript(script, { strict: true, seed }))).toBe(`ok ${file}`);
  }
});
