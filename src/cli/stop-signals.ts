import { setMaxListeners } from 'node:events';
import type { Transport } from '../http/attempt.ts';
import type { Context } from './context.ts';

const DRAIN_MS = 5000;

/** First Ctrl-C: nothing new, five seconds for what is under way. A reader that went away ends the run likewise. */
export function stopSignals(
  { io, note }: Context,
  transport: Transport,
): { drain: AbortSignal; done: () => void } {
  const drain = AbortSignal.any([io.interrupted, io.closed]);
  setMaxListeners(0, drain);
  let timer: NodeJS.Timeout | undefined;
  const onDrain = () => {
    if (io.interrupted.aborted && io.stderr.isTTY)
      note(`\nStopping: up to ${DRAIN_MS / 1000} s for what is under way. Ctrl-C again stops at once.`);
    timer = setTimeout(() => transport.abort(), DRAIN_MS);
  };
  if (drain.aborted) onDrain();
  else drain.addEventListener('abort', onDrain, { once: true });
  return {
    drain,
    done: () => {
      clearTimeout(timer);
      drain.removeEventListener('abort', onDrain);
    },
  };
}
