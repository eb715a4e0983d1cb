import type { InitializeHook, ResolveHook } from 'node:module';

/** Loaded by Node.js in a thread of its own (`module.register`). */
export interface PackageHookData {
  /** Addresses of modules; what these can import is found by all. The first that finds it counts. */
  readonly parents: readonly string[];
}

let parents: readonly string[] = [];

export const initialize: InitializeHook<PackageHookData> = (data) => {
  parents = data.parents;
};

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  if (!specifier.startsWith('@prism-net/')) return nextResolve(specifier, context);
  // Node.js keeps what it is given in the context itself.
  const { parentURL: importer } = context;
  for (const parentURL of parents) {
    try {
      return await nextResolve(specifier, { ...context, parentURL });
    } catch {
      // The importer's own packages may have it; if not, the error is to name the importer.
    }
  }
  return nextResolve(specifier, { ...context, parentURL: importer });
};
