import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';
import { PATIENCE_MS } from './test/helpers/patience.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    globalSetup: 'test/helpers/build.ts',
    // The files of a worker share its process, and with it what they import (half of all the time, where each has its
    // own) and its browser. So a test puts back what it changes of the process; what vitest changed for it, vitest does.
    isolate: false,
    restoreMocks: true,
    unstubEnvs: true,
    unstubGlobals: true,
    // One more than processors: most tests wait for a process, a socket or a browser now and then.
    maxWorkers: availableParallelism() + 1,
    // Nothing is to fail because it is slow. What hangs is found all the same, with the last error of what it waited for.
    expect: { poll: { timeout: PATIENCE_MS } },
    testTimeout: 3 * PATIENCE_MS,
    hookTimeout: 3 * PATIENCE_MS,
    teardownTimeout: PATIENCE_MS,
    reporters: ['default'],
  },
});
