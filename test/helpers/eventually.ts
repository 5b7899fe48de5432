import { vi } from 'vitest';
import { PATIENCE_MS } from './patience.ts';

/** Resolves to what this answers once it no longer throws; rejects with its last error when patience ends. */
export function eventually<Value>(look: () => Value | Promise<Value>): Promise<Value> {
  return vi.waitFor(look, { timeout: PATIENCE_MS, interval: 10 });
}
