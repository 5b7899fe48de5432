import { setTimeout as pause } from 'node:timers/promises';
import { PATIENCE_MS } from './patience.ts';

/** Resolves to what this answers once it no longer throws; rejects with its last error when patience ends. */
export async function eventually<Value>(look: () => Value | Promise<Value>): Promise<Value> {
  // In neither of these has the time a part that tests fake.
  const patience = AbortSignal.timeout(PATIENCE_MS);
  for (;;) {
    try {
      return await look();
    } catch (error) {
      if (patience.aborted) throw error;
    }
    await pause(10);
  }
}
