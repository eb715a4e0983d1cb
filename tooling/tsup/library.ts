import { defineConfig } from 'tsup';

/**
 * Every package is emitted file by file: `dist` mirrors `src`, workers can be started from their own file, and
 * `export * as ipv4 from './ipv4.js'` stays a native module namespace (bundlers turn it into an object of getters).
 * Types come from one `tsc -b` over the whole workspace.
 */
export const libraryBuild = defineConfig({
  entry: ['src/**/*.ts', '!src/**/*.test.ts', '!src/**/*.testkit.ts'],
  format: ['esm'],
  target: 'node20',
  bundle: false,
  sourcemap: true,
  // tsc writes the declarations into the same folder.
  clean: ['!**/*.d.ts'],
  silent: true,
});
