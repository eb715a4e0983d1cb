import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { labUnavailable, missingForLab } from '@prism-net/netlab';
import { describe, expect, it } from 'vitest';
import type { Diagnosis } from './index.js';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));

function prism(args: readonly string[], before: readonly string[] = []) {
  const [file, ...rest] = [...before, process.execPath, program, ...args];
  return new Promise<{ code: number | string; stdout: string; stderr: string }>((resolve) => {
    execFile(file!, rest, { timeout: 30_000 }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : (error.code ?? error.signal ?? 'killed'), stdout, stderr });
    });
  });
}

describe('the command prism', () => {
  it('explains itself, and says its version', async () => {
    expect(await prism(['--help'])).toMatchObject({ code: 0, stdout: expect.stringContaining('prism doctor') });
    expect(await prism(['--version'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) });
  });

  it('answers a wrong option with one line on stderr and exit code 2', async () => {
    for (const args of [[], ['doctor', '--loud'], ['nurse']]) {
      const { code, stdout, stderr } = await prism(args);
      expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
      expect(stderr).toMatch(/^prism: .+\n$/);
    }
  });

  // Root without capabilities is as powerless as everybody else.
  const isPowerful = missingForLab() === null;
  const powerless = isPowerful ? ['setpriv', '--bounding-set=-all', '--inh-caps=-all'] : [];

  it.skipIf(isPowerful && labUnavailable('setpriv') !== null)('examines the machine without rights too', async () => {
    const { code, stdout, stderr } = await prism(['doctor', '--json'], powerless);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const { links } = JSON.parse(stdout) as Diagnosis;
    expect(links.filter(({ state }) => state === 'works').map(({ name }) => name)).toEqual(['loopback', 'pipe']);
    for (const { native, missing } of links) expect(missing === undefined).toBe(!native);

    const strict = await prism(['doctor', '--strict'], powerless);
    expect(strict.code).toBe(1);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: no colours where there is no terminal
    expect(strict.stdout).not.toMatch(/\x1b/);
    expect(strict.stdout).toMatch(/^loopback +works +in-process/m);
  });
});
