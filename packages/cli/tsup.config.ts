import { fileURLToPath } from 'node:url';
import { defineConfig } from 'tsup';
import { libraryBuild } from '../../tooling/tsup/library.ts';

/**
 * Bundled, unlike the libraries: the network lab is not published, and the doctor makes its test network with it. From
 * its sources, so that it need not be built before.
 */
export default defineConfig({
  ...libraryBuild,
  entry: ['src/index.ts', 'src/main.ts'],
  bundle: true,
  external: [/^@prism-net\/(?!netlab$)/],
  esbuildOptions(options) {
    options.alias = {
      '@prism-net/netlab': fileURLToPath(new URL('../../tooling/netlab/src/index.ts', import.meta.url)),
    };
  },
});
