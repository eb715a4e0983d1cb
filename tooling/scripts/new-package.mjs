#!/usr/bin/env node
// Stamps a new workspace package: node tooling/scripts/new-package.mjs packages/NAME "description" [dependency …]
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const [folder, description, ...dependencies] = process.argv.slice(2);
if (!folder || !description || existsSync(join(folder, 'package.json'))) {
  console.error('usage: new-package.mjs packages/NAME "description" [dependency …]; NAME must not exist yet');
  process.exit(2);
}
const name = basename(folder);
const application = folder.startsWith('apps/');
mkdirSync(join(folder, 'src'), { recursive: true });
const write = (file, content) => writeFileSync(join(folder, file), content);
const json = (value) => `${JSON.stringify(value, null, 2)}\n`;

write(
  'package.json',
  json({
    name: `@prism-net/${name}`,
    version: '0.1.0',
    description,
    license: 'MIT',
    type: 'module',
    sideEffects: false,
    engines: { node: '>=20.19' },
    ...(application
      ? { bin: { [`prism-${name}`]: './dist/main.js' } }
      : {
          exports: {
            '.': { types: './dist/index.d.ts', default: './dist/index.js' },
            './package.json': './package.json',
          },
        }),
    files: ['dist', '!dist/.tsbuildinfo', '!dist/**/*.{test,testkit,fixture}.*'],
    scripts: { build: 'tsup' },
    ...(dependencies.length > 0
      ? { dependencies: Object.fromEntries(dependencies.map((d) => [`@prism-net/${d}`, 'workspace:^'])) }
      : {}),
  }),
);
write(
  'tsconfig.json',
  json({
    extends: '../../tooling/tsconfig/base.json',
    compilerOptions: { rootDir: 'src', outDir: 'dist', tsBuildInfoFile: 'dist/.tsbuildinfo' },
    include: ['src'],
    references: dependencies.map((d) => ({ path: `../../packages/${d}` })),
  }),
);
write('tsup.config.ts', "export { libraryBuild as default } from '../../tooling/tsup/library.ts';\n");
write('README.md', `# @prism-net/${name}\n\n${description}\n`);
if (!application) write('src/index.ts', 'export {};\n');

const rootConfig = JSON.parse(readFileSync('tsconfig.json', 'utf8'));
rootConfig.references.push({ path: folder });
writeFileSync('tsconfig.json', json(rootConfig));
if (!application) {
  const layers = JSON.parse(readFileSync('tooling/layers.json', 'utf8'));
  if (!layers.packages.includes(name)) layers.packages.push(name);
  writeFileSync('tooling/layers.json', json(layers));
}
spawnSync('node_modules/.bin/biome', ['check', '--write', folder, 'tsconfig.json', 'tooling/layers.json']);
console.log(
  `${folder} is there. Now: move '${name}' to its place in tooling/layers.json (bottom to top), write an example`,
);
console.log('into its README, and run `.tools/pnpm-*/node_modules/.bin/pnpm install` to link it.');
