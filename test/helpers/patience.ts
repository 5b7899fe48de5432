/**
 * How long a test waits for what must happen, ms. Waiting ends when it happens; the limit is far beyond what any machine
 * needs, so that a busy one makes tests slow, never red.
 */
export const PATIENCE_MS = 60_000;
