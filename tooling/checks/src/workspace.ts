import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../../', import.meta.url));

/** The folders that `.gitignore` names, and Git's own. */
const IGNORED = new Set([
  '.git',
  'node_modules',
  'dist',
  'build',
  'prebuilds',
  '.turbo',
  '.tools',
  'coverage',
  'test-results',
]);

export interface Manifest {
  readonly name: string;
  readonly license?: string;
  readonly exports?: unknown;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

export interface Project {
  /** 'packages/wire' */
  readonly folder: string;
  /** 'wire' */
  readonly name: string;
  readonly manifest: Manifest;
  /** Names, without the scope, of the workspace packages its manifest depends on. */
  readonly dependencies: readonly string[];
}

export function readText(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

export function exists(path: string): boolean {
  return existsSync(join(root, path));
}

/** The packages below 'packages' or 'apps'; folders without a package.json are not ours to judge. */
export function projects(parent: 'packages' | 'apps'): Project[] {
  return folders(parent).map((name) => {
    const folder = `${parent}/${name}`;
    const manifest = JSON.parse(readText(`${folder}/package.json`)) as Manifest;
    const all = Object.keys({
      ...manifest.dependencies,
      ...manifest.devDependencies,
      ...manifest.optionalDependencies,
    });
    const own = all.filter((dependency) => dependency.startsWith('@prism-net/'));
    return { folder, name, manifest, dependencies: own.map((dependency) => dependency.slice('@prism-net/'.length)) };
  });
}

function folders(parent: string): string[] {
  return readdirSync(join(root, parent)).filter((name) => exists(`${parent}/${name}/package.json`));
}

/** All files below a folder ('' is the root), as paths from the root; what a build makes is left out. */
export function filesBelow(folder: string): string[] {
  const found: string[] = [];
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isDirectory() && !IGNORED.has(entry.name)) found.push(...filesBelow(path));
    else if (entry.isFile() && !entry.name.includes('.generated.') && !entry.name.endsWith('.tsbuildinfo'))
      found.push(path);
  }
  return found;
}
