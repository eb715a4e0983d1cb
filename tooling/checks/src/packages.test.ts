import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'prism-packages-'));
afterAll(() => rmSync(folder, { recursive: true }));

const EXAMPLE = `
import { createPipe } from '@prism-net/link';
import { createStack } from '@prism-net/stack';
const [left, right] = createPipe();
const a = createStack({ link: left, address: '10.0.0.1/24' });
const b = createStack({ link: right, address: '10.0.0.2/24' });
const { address } = await a.ping('10.0.0.2');
console.log(address);
a.close();
b.close();
`;

it('the packages, packed, install into an empty project without network and run there', () => {
  const tarballs = join(folder, 'tarballs');
  const project = join(folder, 'project');
  mkdirSync(tarballs);
  mkdirSync(project);
  const names = readdirSync(join(root, 'packages'));
  for (const name of names) {
    execFileSync('pnpm', ['pack', '--pack-destination', tarballs], {
      cwd: join(root, 'packages', name),
      stdio: 'pipe',
    });
  }
  const files = readdirSync(tarballs);
  expect(files).toHaveLength(names.length);
  for (const file of files) {
    const list = execFileSync('tar', ['-tzf', join(tarballs, file)], { encoding: 'utf8' }).split('\n');
    expect(list).toContain('package/dist/index.js');
    expect(list).toContain('package/dist/index.d.ts');
    expect(list.filter((entry) => /\.(test|testkit|fixture)\.|tsbuildinfo/.test(entry))).toEqual([]);
  }
  writeFileSync(join(project, 'package.json'), '{ "private": true, "type": "module" }');
  writeFileSync(join(project, 'main.js'), EXAMPLE);
  const paths = files.map((file) => join(tarballs, file));
  execFileSync('npm', ['install', '--offline', '--no-audit', '--no-fund', ...paths], { cwd: project, stdio: 'pipe' });
  expect(execFileSync('node', ['main.js'], { cwd: project, encoding: 'utf8', timeout: 20_000 })).toBe('10.0.0.2\n');
});
