#!/usr/bin/env node
// From a fresh clone to a running command, with nothing but Node and npm: fetches pnpm, installs, builds, runs.
// Usage: node tooling/scripts/bootstrap.mjs <start|test|bench|replay|packet-script|trace|soak|congestion|doctor|netlab|build|check|format> [arguments]
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const PNPM_VERSION = '10.34.9';
const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');
const pnpmHome = join(root, '.tools', `pnpm-${PNPM_VERSION}`);
const programs = {
  start: 'apps/order-gateway/dist/main.js',
  bench: 'apps/bench/dist/main.js',
  replay: 'apps/replay/dist/main.js',
  'packet-script': 'packages/packet-script/dist/main.js',
  trace: 'apps/trace/dist/main.js',
  soak: 'apps/soak/dist/main.js',
  congestion: 'apps/congestion-lab/dist/main.js',
  doctor: 'packages/cli/dist/main.js',
  netlab: 'tooling/netlab/dist/main.js',
  test: 'tooling/scripts/test.mjs',
  check: 'tooling/scripts/check.mjs',
  build: undefined,
  format: undefined,
};

const [command, ...rest] = process.argv.slice(2);
if (!Object.hasOwn(programs, command)) {
  console.error(`prism: unknown command '${command}'; one of: ${Object.keys(programs).join(', ')}`);
  process.exit(2);
}
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(`prism: needs Node.js 20.19 or newer; this is ${process.versions.node}`);
  process.exit(1);
}

// `npm run` exports its whole configuration to children; pnpm and npm would take it for their own.
const environment = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^npm_(config|package|lifecycle)_/i.test(name)),
);
environment.PATH = [join(pnpmHome, 'node_modules', '.bin'), join(root, 'node_modules', '.bin'), environment.PATH].join(
  delimiter,
);
environment.TURBO_TELEMETRY_DISABLED = '1';
environment.DO_NOT_TRACK = '1';

// Progress goes to stderr: standard output belongs to the program (`bench --json` is read by machines).
const say = (text) => console.error(`prism: ${text}`);

function run(step, program, args) {
  const result = spawnSync(program, args, { cwd: root, env: environment, stdio: ['ignore', 'pipe', 'pipe'] });
  if (result.status === 0) return;
  process.stderr.write(result.stdout ?? '');
  process.stderr.write(result.stderr ?? '');
  say(`${step} failed${result.error ? `: ${result.error.message}` : ''}`);
  process.exit(1);
}

function installPackageManager() {
  if (existsSync(join(pnpmHome, 'node_modules', '.bin', 'pnpm'))) return;
  say(`fetching pnpm ${PNPM_VERSION} into .tools/`);
  mkdirSync(pnpmHome, { recursive: true });
  const npm = ['install', '--prefix', pnpmHome, '--no-save', '--no-audit', '--no-fund', `pnpm@${PNPM_VERSION}`];
  run('fetching pnpm', 'npm', npm);
}

/** The package.json of every workspace package: a new dependency there has to be linked. */
function manifests() {
  return ['packages', 'apps', 'tooling'].flatMap((folder) =>
    readdirSync(join(root, folder))
      .map((name) => join(folder, name, 'package.json'))
      .filter((file) => existsSync(join(root, file))),
  );
}

function installDependencies() {
  const stampFile = join(root, 'node_modules', '.prism-install');
  const hash = createHash('sha256').update(PNPM_VERSION).update(process.version);
  for (const file of ['pnpm-lock.yaml', 'pnpm-workspace.yaml', 'package.json', ...manifests()]) {
    hash.update(readFileSync(join(root, file)));
  }
  const stamp = hash.digest('hex');
  if (existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp) return;
  say('installing dependencies');
  run('installing dependencies', 'pnpm', ['install', '--frozen-lockfile', '--prefer-offline']);
  writeFileSync(stampFile, stamp);
}

/** What native builds depend on and turbo cannot see: without it a build skipped for want of cmake would stay skipped. */
function nativeProbe() {
  const firstLine = (program) =>
    spawnSync(program, ['--version'], { encoding: 'utf8' }).stdout?.split('\n')[0] ?? 'none';
  const libc = process.platform === 'linux' ? process.report.getReport().header.glibcVersionRuntime : '';
  return [process.platform, process.arch, libc, firstLine('cmake'), firstLine('c++')].join('|');
}

function build() {
  say('building');
  environment.PRISM_NATIVE_PROBE = nativeProbe();
  if (process.env.CI === 'true' && process.platform === 'linux') environment.PRISM_REQUIRE_NATIVE = '1';
  run('building', 'turbo', ['run', 'build', 'build:native', '--output-logs=errors-only', '--log-prefix=none']);
}

installPackageManager();
installDependencies();
if (command === 'format') {
  const { status } = spawnSync('biome', ['check', '--write', '.'], { cwd: root, env: environment, stdio: 'inherit' });
  process.exit(status ?? 1);
}
build();

const program = programs[command];
if (program === undefined) {
  // Running needs no types; writing against the packages does.
  say('writing type declarations');
  run('writing type declarations', 'tsc', ['-b']);
  say('built');
  process.exit(0);
}
if (command === 'start') say('starting the order gateway and its load generator (Ctrl-C stops, --help explains)');
// npm runs scripts in the project's root; a relative file argument was meant from where the user stood.
// The doctor is a command of `prism`, the others are programs of their own.
const first = command === 'doctor' ? ['doctor'] : [];
const child = spawn(process.execPath, [join(root, program), ...first, ...rest], {
  cwd: process.env.INIT_CWD ?? process.cwd(),
  env: environment,
  stdio: 'inherit',
});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 1)));
