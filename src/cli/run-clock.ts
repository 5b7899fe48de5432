import { setTimeout as sleep } from 'node:timers/promises';
import type { Clock } from '../sender/send.ts';
import type { Io } from './io.ts';

/** The time of a run: the wall clock at its start, carried on by the monotonic one (fault D15). */
export function runClock(io: Pick<Io, 'now'>): Clock {
  const began = io.now() - performance.now();
  return {
    now: () => began + performance.now(),
    sleep: (ms, signal) => sleep(ms, undefined, { signal }).catch(() => {}),
  };
}
