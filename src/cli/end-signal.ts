import type { Context } from './context.ts';

/** Ends the run on Ctrl-C, when stdout's reader has gone, when its time is up, or on request. */
export function endSignal({ io }: Context, forMs: number | null) {
  const requested = new AbortController();
  // Unreferenced: where listening fails, it must not keep the process waiting.
  const timer = forMs === null ? undefined : setTimeout(() => requested.abort(), forMs).unref();
  const signal = AbortSignal.any([io.interrupted, io.closed, requested.signal]);
  const ended = new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      resolve();
    };
    if (signal.aborted) done();
    else signal.addEventListener('abort', done, { once: true });
  });
  return { signal, ended, end: () => requested.abort(), interrupted: () => io.interrupted.aborted };
}
