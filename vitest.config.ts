import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/build.ts',
    testTimeout: 20_000,
    // Most tests wait for a process, a socket or a browser now and then.
    maxWorkers: Math.max(3, availableParallelism() - 1),
    reporters: ['default'],
  },
});
