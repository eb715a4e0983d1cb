import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vitest/config';

const tooling = fileURLToPath(new URL('./tooling/', import.meta.url));
const apps = fileURLToPath(new URL('./apps/', import.meta.url));
const packages = fileURLToPath(new URL('./packages/', import.meta.url));

export default defineConfig({
  // Tests run on the sources, so that a stale build cannot make them pass. (Real worker threads load dist.)
  resolve: {
    alias: [
      { find: '@prism-net/measure', replacement: `${tooling}measure/src/allocation-meter.ts` },
      { find: '@prism-net/netlab', replacement: `${tooling}netlab/src/index.ts` },
      { find: '@prism-net/bench', replacement: `${apps}bench/src/cycles/cycle-pair.ts` },
      { find: /^@prism-net\/([a-z0-9-]+)$/, replacement: `${packages}$1/src/index.ts` },
    ],
  },
  test: {
    include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts', 'tooling/*/src/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    coverage: { provider: 'v8', include: ['packages/*/src/**', 'apps/*/src/**'], reporter: ['text-summary'] },
  },
});
