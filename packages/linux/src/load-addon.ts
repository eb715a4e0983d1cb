import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { libc } from './libc.js';
import { LinkUnavailableError } from './link-unavailable-error.js';

/** The repository has them; a package that was installed from its tarball does not. */
const NEEDS =
  "needs cmake, a C++ compiler and, outside Prism's repository, 'npm install --no-save cmake-js node-addon-api' beforehand";
const INSTEAD = 'createPipe() and createLoopbackLink() of @prism-net/link need neither';

/** Opened once per process and thread; the addons themselves allow any number of threads. */
const loaded = new Map<string, unknown>();

/**
 * The native addon of a package, loaded at its first use and not at import: the packages import anywhere. Looked for in
 * `build/Release` (built here), then in `prebuilds` (shipped).
 *
 * `moduleUrl` is the `import.meta.url` of a file in the package's `src` or `dist`, `name` that of the package: 'link-tap'.
 *
 * @throws LinkUnavailableError PLATFORM, NO_BINARY, LOAD.
 */
export function loadAddon<T>(moduleUrl: string, name: string): T {
  const known = loaded.get(name);
  if (known !== undefined) return known as T;
  if (process.platform !== 'linux') {
    throw new LinkUnavailableError('PLATFORM', name, `needs Linux, this is ${process.platform}`, INSTEAD);
  }
  const root = fileURLToPath(new URL('..', moduleUrl));
  const file = `prism_${name.replaceAll('-', '_')}.node`;
  const built = join(root, 'build', 'Release', file);
  const system = `${process.platform}-${process.arch}-${libc()}`;
  const shipped = join(root, 'prebuilds', system, file);
  const found = [built, shipped].find((path) => existsSync(path));
  if (found === undefined) {
    throw new LinkUnavailableError(
      'NO_BINARY',
      name,
      `has no native addon for ${system} (looked in ${built} and ${shipped})`,
      `build it in ${root} by 'npx cmake-js compile' (${NEEDS}); ${INSTEAD}`,
    );
  }
  try {
    const addon = createRequire(moduleUrl)(found) as T;
    loaded.set(name, addon);
    return addon;
  } catch (cause) {
    throw new LinkUnavailableError(
      'LOAD',
      name,
      `cannot load ${found}: ${(cause as Error).message}`,
      `build it anew in ${root} by 'npx cmake-js rebuild' (${NEEDS}); ${INSTEAD}`,
      cause,
    );
  }
}
