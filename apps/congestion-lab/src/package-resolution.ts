import { register } from 'node:module';
import type { PackageHookData } from './package-hook.worker.js';

/**
 * From now on modules from anywhere find the `@prism-net` packages that this command has: one's own algorithm need not live
 * in this workspace, and registers with the registry that is asked, not with that of a copy.
 */
export function provideOwnPackages(): void {
  const kit = import.meta.resolve('@prism-net/congestion-kit');
  const data: PackageHookData = { parents: [import.meta.url, kit] };
  register('./package-hook.worker.js', { parentURL: import.meta.url, data });
}
