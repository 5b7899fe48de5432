import { setTimeout as sleep } from 'node:timers/promises';
import { MAX_TIMER_MS } from '../core/time.ts';
import type { Clock } from '../sender/send.ts';
import type { Io } from './io.ts';

/** The time of a run: the wall clock at its start, carried on by the monotonic one (fault D15). */
export function runClock(io: Pick<Io, 'now'>): Clock {
  const began = io.now() - performance.now();
  return {
    now: () => began + performance.now(),
    async sleep(ms, signal) {
      // A timer takes 24 days at most, and would end a longer one at once.
      for (let left = ms; left > 0 && !signal.aborted; left -= MAX_TIMER_MS)
        await sleep(Math.min(left, MAX_TIMER_MS), undefined, { signal }).catch(() => {});
    },
  };
}
