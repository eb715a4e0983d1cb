import { defineConfig } from 'tsup';
import { libraryBuild } from '../../tooling/tsup/library.ts';

/** Bundled, unlike the libraries: the network lab is not published, and the doctor makes its test network with it. */
export default defineConfig({
  ...libraryBuild,
  entry: ['src/index.ts', 'src/main.ts'],
  bundle: true,
  noExternal: ['@prism-net/netlab'],
  external: [/^@prism-net\/(?!netlab$)/],
});
