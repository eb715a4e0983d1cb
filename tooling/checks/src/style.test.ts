import { describe, expect, it } from 'vitest';
import { exists, filesBelow, projects, readText } from './workspace.js';

const LONGEST_FILE = 500;
const { packages: layers, native } = JSON.parse(readText('tooling/layers.json')) as Record<
  'packages' | 'native',
  string[]
>;
const packages = projects('packages');
const everything = [...packages, ...projects('apps')];
const sources = filesBelow('packages').filter((path) => /^packages\/[^/]+\/src\/.*\.ts$/.test(path));
const products = sources.filter((path) => !/\.(test|testkit|fixture)\./.test(path));
/** What runs in a browser: not the Linux packages, and not the commands of packages that have one. */
const pure = products.filter((path) => !native.includes(path.split('/')[1]!) && !path.endsWith('/src/main.ts'));

function withoutComments(source: string): string {
  return source.replace(/\/\*.*?\*\//gs, '').replace(/(^|\s)\/\/.*$/gm, '');
}

/** 'path: what matched' for each file in which a pattern occurs outside comments. */
function occurrences(paths: readonly string[], pattern: RegExp): string[] {
  return paths.flatMap((path) => {
    const match = pattern.exec(withoutComments(readText(path)));
    return match === null ? [] : [`${path}: ${match[0].trim()}`];
  });
}

function references(tsconfig: string): string[] {
  const { references: list = [] } = JSON.parse(readText(tsconfig)) as { references?: { path: string }[] };
  return list.map(({ path }) => path);
}

describe('packages', () => {
  it.each(packages)('$folder has a README, the MIT license and exports', ({ folder, manifest }) => {
    expect(exists(`${folder}/README.md`), `write ${folder}/README.md`).toBe(true);
    expect(manifest.license, `set "license" in ${folder}/package.json`).toBe('MIT');
    expect(manifest.exports, `set "exports" in ${folder}/package.json`).toBeDefined();
    expect(manifest.name, 'the folder and the package have one name').toBe(`@prism-net/${folder.split('/')[1]}`);
  });

  it('each have a layer', () => {
    const missing = packages.map(({ name }) => name).filter((name) => !layers.includes(name));
    expect(missing, 'give these their place in tooling/layers.json').toEqual([]);
  });

  it.each(packages)('$folder depends on lower layers only', ({ name, dependencies }) => {
    const below = layers.slice(0, layers.indexOf(name));
    const others = dependencies.filter((dependency) => !exists(`tooling/${dependency}`));
    const wrong = others.filter((dependency) => !below.includes(dependency));
    expect(wrong, `dependencies of ${name} that stand above it in tooling/layers.json`).toEqual([]);
  });

  it.each(everything)('$folder: references in tsconfig.json are its dependencies', ({ folder, dependencies }) => {
    const names = references(`${folder}/tsconfig.json`).map((path) => path.split('/').at(-1)!);
    expect(names.sort(), `make references in ${folder}/tsconfig.json match package.json`).toEqual(
      [...dependencies].sort(),
    );
  });

  it('are all referenced by the tsconfig.json of the root', () => {
    const known = references('tsconfig.json');
    const missing = everything.map(({ folder }) => folder).filter((folder) => !known.includes(folder));
    expect(missing, 'add these to references in tsconfig.json').toEqual([]);
  });
});

describe('sources', () => {
  it('have no default export', () => {
    const found = occurrences(sources, /\bexport\s+default\b|\bas\s+default\b/);
    expect(found, 'export by name instead').toEqual([]);
  });

  it('of tests skip for want of a command only by labUnavailable, which lets nothing be skipped with CI=true', () => {
    const tests = [...filesBelow('packages'), ...filesBelow('apps')].filter((path) => path.endsWith('.test.ts'));
    const found = occurrences(tests, /\bisInstalled\b|(?:skipIf|runIf)\([^)]*missingForLab/);
    expect(found, 'ask labUnavailable(…commands) of @prism-net/netlab instead').toEqual([]);
  });

  it('import nothing of node: outside tests and the Linux packages', () => {
    const found = occurrences(pure, /\b(?:from|import|require)\s*\(?\s*['"]node:[^'"]*/);
    expect(found, 'these packages run in a browser too: pass in what they need').toEqual([]);
  });

  it('take clock, randomness and timers as arguments below the stack', () => {
    const below = layers.slice(0, layers.indexOf('stack'));
    const clock = 'packages/time/src/clock.ts';
    const paths = products.filter((path) => below.includes(path.split('/')[1]!) && path !== clock);
    const pattern =
      /\bMath\.random\b|\bDate\.now\b|\bnew Date\b|\bperformance\.now\b|\bset(?:Timeout|Interval|Immediate)\b/;
    expect(occurrences(paths, pattern), 'a failure must be reproducible from its seed, in virtual time').toEqual([]);
  });

  it(`have at most ${LONGEST_FILE} lines`, () => {
    const lengths = sources.map((path) => ({ path, lines: readText(path).split('\n').length - 1 }));
    const long = lengths.filter(({ lines }) => lines > LONGEST_FILE).map(({ path, lines }) => `${path}: ${lines}`);
    expect(long, 'one concern a file: split these').toEqual([]);
  });
});

it('no text names a folder of one machine', () => {
  const pattern = /(?<![\w.~/-])\/(?:work|root|tmp)\/[\w.-]*/;
  const found = filesBelow('').flatMap((path) => {
    const text = readText(path);
    const match = text.includes('\0') ? null : pattern.exec(text);
    return match === null ? [] : [`${path}: ${match[0]}`];
  });
  expect(found, 'write paths from the root of the repository, or use os.tmpdir()').toEqual([]);
});
