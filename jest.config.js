const rooms = ['packages', 'services', 'compose', 'tests', 'lab'];

/** Settings that the three projects share: TypeScript is stripped by swc, workspaces are read at their source. */
const project = (name, testMatch, extra = {}) => ({
  displayName: name,
  // Not the root: a stack keeps its data there, and Postgres has files that Jest would take for its snapshots.
  roots: rooms.map((room) => `<rootDir>/${room}`),
  // Never with <rootDir>: a clone may be in a folder whose name means something in a pattern.
  testMatch,
  extensionsToTreatAsEsm: ['.ts'],
  transform: {
    '^.+\\.ts$': [
      '@swc/jest',
      {
        jsc: { parser: { syntax: 'typescript' }, target: 'es2022' },
        module: { type: 'es6' },
        sourceMaps: 'inline',
      },
    ],
  },
  ...extra,
});

// Integration tests share one Postgres, Kafka and registry. A system test starts a whole stack of its own.
const stack = {
  globalSetup: '<rootDir>/packages/walpost/testing/setup.mjs',
  globalTeardown: '<rootDir>/packages/walpost/testing/teardown.mjs',
};

export default {
  projects: [
    project('unit', ['**/test/**/*.unit.test.ts']),
    project('integration', ['**/test/**/*.int.test.ts'], stack),
    project('system', ['**/tests/**/*.system.test.ts']),
    project('load', ['**/tests/**/*.load.test.ts']),
    project('compose', ['**/tests/compose/*.compose.test.ts']),
  ],
  // Only ends what hangs: a machine with a tenth of the usual speed keeps it.
  testTimeout: 300_000,
};
