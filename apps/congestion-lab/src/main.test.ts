import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
// Below the package, so that the module finds @prism-net/congestion.
const folder = mkdtempSync(fileURLToPath(new URL('../dist/test-', import.meta.url)));
afterAll(() => rmSync(folder, { recursive: true }));

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function module(name: string, body: string): string {
  const file = join(folder, `${name}.mjs`);
  const code = `import { NewReno, registerCongestionControl } from '@prism-net/congestion';
    class Mine extends NewReno { ${body} }
    registerCongestionControl('${name}', () => new Mine());`;
  writeFileSync(file, code);
  return file;
}

describe('the command', () => {
  it('prints the report of the scenarios asked for', async () => {
    const { code, stdout, stderr } = await run('conformance', 'cubic', '--scenario', 'app-limited', '--seed', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^cubic: 1 of 1 scenarios pass, 0 with notes, 0 fail \(seed 3/);
    expect(stdout).toMatch(/^app-limited +pass/m);
  });

  it("runs a user's own algorithm, and no other unless asked", async () => {
    const good = module('mine', '');
    const { code, stdout } = await run('conformance', '--module', good, '--scenario', 'slow-start');
    expect(code).toBe(0);
    expect(stdout.match(/scenarios pass/g)).toHaveLength(1);
    expect(stdout).toContain('mine: 1 of 1');
  });

  it("fails, with exit code 1, for a user's algorithm that gives up nothing", async () => {
    const bad = module('greedy', 'onAcknowledgement(window) { window.window += 8 * window.maximumSegmentSize; }');
    const { code, stdout } = await run('conformance', '--module', bad, '--scenario', 'slow-start');
    expect(code).toBe(1);
    expect(stdout).toContain('greedy does not conform.');
  });

  it('draws the growth, in characters and as SVG', async () => {
    const { code, stdout } = await run('growth', 'newreno', '--out', folder, '--width', '70');
    expect(code).toBe(0);
    expect(stdout).toContain('congestion window');
    expect(Math.max(...stdout.split('\n').map((line) => line.length))).toBeLessThanOrEqual(70);
    expect(readFileSync(join(folder, 'newreno.svg'), 'utf8')).toMatch(/^<svg /);
  });

  it.each<[string[], RegExp]>([
    [['dance'], /there is no command 'dance': conformance/],
    [['conformance', 'nobody'], /there is no 'nobody'; there are newreno, cubic/],
    [['conformance', 'cubic', '--scenario', 'x'], /there is no scenario 'x'/],
    [['conformance', 'cubic', '--seed', 'x'], /--seed must be a whole number/],
    [['conformance', '--module', './none.js'], /cannot load \.\/none\.js: /],
    [['conformance', '--fast'], /Unknown option '--fast' \(--help lists the options\)/],
    [['response', 'dctcp'], /response functions are published of cubic and newreno only/],
  ])('says what is wrong with %s, with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('explains itself', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const word of ['conformance', 'growth', 'fairness', 'response', 'table', '--module'])
      expect(stdout).toContain(word);
  });
});
