#!/usr/bin/env node
// Builds the native addon of the package in the current folder: node ../../tooling/scripts/native-build.mjs
// A machine that lacks what an addon needs skips it with one line: importing the package still works, opening its link
// says what is missing. With PRISM_REQUIRE_NATIVE set (CI) a skip is a failure.
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const manifest = JSON.parse(readFileSync('package.json', 'utf8'));
const addon = `prism_${manifest.name.slice('@prism-net/'.length).replaceAll('-', '_')}`;
const answers = (program, ...args) => spawnSync(program, args, { stdio: 'ignore' }).status === 0;

function missing() {
  if (process.platform !== 'linux') return `needs Linux; this is ${process.platform}`;
  if (!answers('cmake', '--version')) return 'cmake not found';
  if (!answers('c++', '--version')) return 'no C++ compiler found (c++)';
  for (const module of manifest.prism?.pkgConfig ?? []) {
    if (!answers('pkg-config', '--exists', module)) return `${module} not found by pkg-config`;
  }
  return '';
}

const reason = missing();
if (reason !== '') {
  console.log(`[native] ${manifest.name}: SKIPPED - ${reason}`);
  process.exit(process.env.PRISM_REQUIRE_NATIVE ? 1 : 0);
}
const compiler = createRequire(join(process.cwd(), 'package.json')).resolve('cmake-js/bin/cmake-js');
const built = spawnSync(process.execPath, [compiler, 'compile'], { encoding: 'utf8' });
if (built.status !== 0) {
  console.error(`[native] ${manifest.name}: FAILED\n${built.stdout}${built.stderr}`);
  process.exit(1);
}
// Published with the package, so that its users need no compiler.
const libc = process.report.getReport().header.glibcVersionRuntime === undefined ? 'musl' : 'glibc';
const folder = join('prebuilds', `${process.platform}-${process.arch}-${libc}`);
mkdirSync(folder, { recursive: true });
const file = join(folder, `${addon}.node`);
copyFileSync(join('build', 'Release', `${addon}.node`), file);
spawnSync('strip', ['--strip-unneeded', file], { stdio: 'ignore' });
