import { execFile } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, describe, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
// Outside the workspace, where nothing but the command leads to @prism-net/congestion; and within.
const folder = mkdtempSync(join(tmpdir(), 'prism-congestion-'));
const inside = mkdtempSync(fileURLToPath(new URL('../dist/test-', import.meta.url)));
afterAll(() => {
  rmSync(folder, { recursive: true });
  rmSync(inside, { recursive: true });
});

// What starts the tests may lead `require` to the workspace.
const { NODE_PATH: _, ...env } = process.env;

function run(...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  return new Promise((resolve) => {
    execFile(process.execPath, [program, ...args], { env }, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : Number(error.code), stdout, stderr });
    });
  });
}

function file(name: string, code: string, where = folder): string {
  const path = join(where, name);
  writeFileSync(path, code);
  return path;
}

function module(name: string, body: string, where = folder): string {
  const code = `import { NewReno, registerCongestionControl } from '@prism-net/congestion';
    class Mine extends NewReno { ${body} }
    registerCongestionControl('${name}', () => new Mine());`;
  return file(`${name}.mjs`, code, where);
}

describe('the command', () => {
  it('prints the report of the scenarios asked for', async () => {
    const { code, stdout, stderr } = await run('conformance', 'cubic', '--scenario', 'app-limited', '--seed', '3');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout).toMatch(/^cubic: 1 of 1 scenarios pass, 0 with notes, 0 fail \(seed 3/);
    expect(stdout).toMatch(/^app-limited +pass/m);
  });

  it.each([
    ['outside the workspace', folder],
    ['of the workspace', inside],
  ])("runs a user's own algorithm, from a folder %s, and no other unless asked", async (_where, where) => {
    const good = module('mine', '', where);
    const { code, stdout, stderr } = await run('conformance', '--module', good, '--scenario', 'slow-start');
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.match(/scenarios pass/g)).toHaveLength(1);
    expect(stdout).toContain('mine: 1 of 1');
  });

  it("fails, with exit code 1, for a user's algorithm that gives up nothing", async () => {
    const bad = module('greedy', 'onAcknowledgement(window) { window.window += 8 * window.maximumSegmentSize; }');
    const { code, stdout } = await run('conformance', '--module', bad, '--scenario', 'slow-start');
    expect(code).toBe(1);
    expect(stdout).toContain('greedy does not conform.');
  });

  it('runs a scenario, and an algorithm, once that is named twice', async () => {
    const { stdout } = await run('conformance', 'cubic', 'cubic', '--scenario', 'ecn', '--scenario', 'ecn');
    expect(stdout.match(/scenarios pass/g)).toHaveLength(1);
    expect(stdout).toMatch(/^cubic: 1 of 1 scenarios pass/);
  });

  it('says in a line what an algorithm throws, with exit code 1, and goes on with the next', async () => {
    const bugs = file(
      'bugs.mjs',
      `import { NewReno, registerCongestionControl } from '@prism-net/congestion';
      let made = 0;
      registerCongestionControl('unlucky', () => {
        if (made++ > 0) throw new Error('no luck\\nat all');
        return new NewReno();
      });
      registerCongestionControl('lost', () =>
        Object.assign(new NewReno(), { onAcknowledgement() { throw new Error('out of ideas'); } }));`,
    );
    const report = await run('conformance', 'unlucky', 'cubic', '--module', bugs, '--scenario', 'app-limited');
    expect([report.code, report.stdout]).toEqual([1, expect.stringContaining('cubic: 1 of 1')]);
    expect(report.stderr).toBe("congestion: unlucky: runConformance EINVAL: 'unlucky' cannot be made: no luck\n");
    const growth = await run('growth', 'lost', '--module', bugs);
    expect([growth.code, growth.stdout]).toEqual([1, '']);
    expect(growth.stderr).toMatch(/^congestion: lost: .*out of ideas\n$/);
  });

  it('says that a picture cannot be written, with exit code 1', async () => {
    const { code, stdout, stderr } = await run('growth', 'newreno', '--out', join(file('plain', ''), 'x'));
    expect([code, stdout]).toEqual([1, '']);
    expect(stderr).toMatch(/^congestion: newreno: cannot write .*newreno\.svg: a part of the path is no folder\n$/);
  });

  it.each([
    [
      'lacks.mjs',
      "import { registerCongestionControl as r } from '@prism-net/congestion'; r('lacks', () => ({}));",
      /'lacks' has no name\n$/,
    ],
    ['throws.mjs', "throw 'a tantrum';", /throws\.mjs: a tantrum\n$/],
    [
      'unknown.mjs',
      "import '@prism-net/nothing';",
      /package '@prism-net\/nothing' imported from .*unknown\.mjs; there is no such/,
    ],
    ['common.cjs', "require('@prism-net/congestion');", /common\.cjs: Cannot find module .*; use import, not require/],
    ['cut.mjs', 'class {', /cut\.mjs: Unexpected token .*; 'node \S+cut\.mjs' shows where\n$/],
    ['idle.mjs', '', /no algorithm is registered by what --module names\n$/],
  ])('says in a line why %s is of no use, with exit code 2', async (name, code, message) => {
    const { code: exitCode, stdout, stderr } = await run('conformance', '--module', file(name, code));
    expect([exitCode, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^congestion: [^\n]+\n$/);
    expect(stderr).toMatch(message);
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
    [['growth', 'cubic', '--seconds', 'abc'], /--seconds is for linux, not for growth/],
    [['fairness', 'cubic', '--scenario', 'ecn'], /--scenario is for conformance, not for fairness/],
    [['growth', 'cubic', '--width', 'wide'], /--width must be a whole number/],
    [['linux', 'cubic', 'newreno'], /one algorithm at a time, not also newreno/],
    [['response', 'dctcp'], /response functions are published of cubic and newreno only/],
  ])('says what is wrong with %s, with exit code 2', async (args, message) => {
    const { code, stdout, stderr } = await run(...args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  it('names its commands on --help', async () => {
    const { code, stdout } = await run('--help');
    expect(code).toBe(0);
    for (const word of ['conformance', 'growth', 'fairness', 'response', 'table', '--module'])
      expect(stdout).toContain(word);
  });
});
