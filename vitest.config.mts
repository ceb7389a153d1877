import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Node itself loads the built package: once per process, as a user's program does.
    server: { deps: { external: [/\/dist\//] } },
  },
});
