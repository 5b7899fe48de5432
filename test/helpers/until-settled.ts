import { setImmediate as turn } from 'node:timers/promises';
import { vi } from 'vitest';

/** Lets faked time pass in small steps until this has settled; what needs no time happens in between. */
export async function untilSettled<Value>(work: Promise<Value>): Promise<Value> {
  let settled = false;
  const settle = () => {
    settled = true;
  };
  work.then(settle, settle);
  while (!settled) {
    await vi.advanceTimersByTimeAsync(10);
    await turn();
  }
  return work;
}
