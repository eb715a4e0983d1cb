// The layering gate: imports point down the list in layers.json only, and the pure packages never import node:.
const { packages, native } = require('./layers.json');

const above = packages.map((name, position) => ({
  name: `${name}-imports-down-only`,
  severity: 'error',
  from: { path: `^packages/${name}/` },
  to: { path: `^(apps/|packages/(${packages.slice(position + 1).join('|') || 'none'})/)` },
}));

module.exports = {
  forbidden: [
    ...above,
    {
      name: 'pure-packages-do-no-io',
      comment:
        'Nothing but the Linux packages and commands may import node: (tests aside); these packages run in a browser too.',
      severity: 'error',
      from: {
        path: `^packages/(?!(${native.join('|')})/)[^/]+/src/`,
        pathNot: '\\.(test|testkit|fixture)\\.|/src/main\\.ts$',
      },
      to: { dependencyTypes: ['core'] },
    },
    {
      name: 'every-package-has-a-layer',
      severity: 'error',
      from: { path: `^packages/(?!(${packages.join('|')})/)` },
      to: {},
    },
    {
      name: 'packages-by-name-only',
      comment:
        'Reach another package by its name, never by a relative path into its folder. Test kits, which are not published, may be reached by tests.',
      severity: 'error',
      from: { path: '^packages/([^/]+)/' },
      to: { path: '^packages/', pathNot: ['^packages/$1/', '\\.testkit\\.ts$'], dependencyTypes: ['local'] },
    },
    {
      name: 'no-circles',
      comment: 'Circles of types alone are erased and harmless.',
      severity: 'error',
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: ['node_modules', '^packages/[^/]+/dist/'] },
    exclude: { path: ['/dist/', '\\.generated\\.ts$'] },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['types', 'import', 'default'] },
  },
};
