import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/** A folder where each run leaves its results as JSON, for .ci/run. */
const reports = process.env.TEST_REPORTS;

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    // Needs TensorFlow's library, which `npm run test:variants` sets up.
    exclude: [...configDefaults.exclude, ...(process.env.TENSORFLOW_PROJECT ? [] : ['test/tensorflow/**'])],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // Node itself loads the built package: once per process, as a user's program does.
    server: { deps: { external: [/\/dist\//] } },
    reporters: reports
      ? ['default', ['json', { outputFile: join(reports, `vitest-${process.pid}.json`) }]]
      : ['default'],
  },
});
