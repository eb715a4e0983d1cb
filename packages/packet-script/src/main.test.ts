import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const program = fileURLToPath(new URL('../dist/main.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'packet-script-'));
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const file = join(folder, name);
  writeFileSync(file, text);
  return file;
}

function run(...words: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, [program, ...words], { encoding: 'utf8' });
}

const passing = write('passing.pkt', '0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 1\n+0 %{ print("hello") }%\n');
const failing = write('failing.pkt', '0 < S 0:0(0) win 1000\n+0 > R. 0:0(0) ack 2\n');
const unsupported = write('unsupported.pkt', '0 splice(3, NULL, 4, NULL, 1, 0) = 1\n');
const broken = write('broken.pkt', '0 close(3\n');

it('prints a line for each script and a summary, and says by its exit code whether all pass', () => {
  const good = run(passing, passing);
  expect(good).toMatchObject({ status: 0, stderr: '' });
  expect(good.stdout).toBe(`ok ${passing}\n  | hello\nok ${passing}\n  | hello\n2 passed, 0 failed, 0 unsupported\n`);

  const all = run(passing, failing, unsupported, broken);
  expect(all.status).toBe(1);
  const lines = all.stdout.split('\n');
  expect(lines).toContain(`not ok ${failing}`);
  expect(lines).toContain("  line 2, at 0.000 s: the packet's acknowledgement number should be 2, is 1");
  expect(lines).toContain(`unsupported ${unsupported}: line 1: the system call splice`);
  expect(lines).toContain(`not ok ${broken}`);
  expect(all.stdout.endsWith('\n1 passed, 2 failed, 1 unsupported\n')).toBe(true);
  expect(run(unsupported).status).toBe(1);
});

it('takes options', () => {
  const defined = write('defined.pkt', '0 < S 0:0(0) win WIN\n+.005 > R. 0:0(0) ack 1\n');
  expect(run(defined).stdout).toContain('symbol WIN without a definition');
  expect(run('-D', 'WIN=5', defined).stdout).toContain('too early');
  expect(run('--define', 'WIN=5', '--tolerance', '6000', '--quiet', defined).stdout).toBe(
    '1 passed, 0 failed, 0 unsupported\n',
  );
});

it.each([
  [[], 'name at least one script'],
  [['--nonsense', passing], '--nonsense'],
  [['--tolerance', 'x', passing], '--tolerance must be a whole number'],
  [['-D', 'x', passing], '-D needs NAME=VALUE'],
  [[join(folder, 'missing.pkt')], 'cannot read'],
])('refuses %j', (words, message) => {
  const { status, stderr } = run(...words);
  expect(status).toBe(2);
  expect(stderr).toContain(message);
});

it('explains itself', () => {
  const { status, stdout } = run('--help');
  expect(status).toBe(0);
  for (const option of ['--tolerance', '-D', '--strict', '--seed', '--quiet']) expect(stdout).toContain(option);
});
