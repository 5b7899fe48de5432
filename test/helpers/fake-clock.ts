import type { Clock } from '../../src/sender/send.ts';

/** A clock on which no time passes but that which somebody sleeps through. */
export interface FakeClock extends Clock {
  /** Lets everything happen that can, moving on to the next wake-up whenever all are asleep. */
  run<T>(work: Promise<T>): Promise<T>;
  /** The same up to this moment, ms after the start. */
  advanceTo(ms: number): Promise<void>;
  /** ms since the clock's start. */
  elapsed(): number;
  /** Every pause that was asked for, ms. */
  readonly pauses: number[];
}

/** The moment that fake clocks start at. */
export const START = Date.parse('2026-01-31T12:00:00.000Z');

export function fakeClock(): FakeClock {
  let now = START;
  const pauses: number[] = [];
  const sleepers: { at: number; wake: () => void }[] = [];
  /** Wakes all who are to be woken next, unless that is after `limit`. */
  const wakeNext = (limit: number): boolean => {
    const at = sleepers[0]?.at ?? Number.POSITIVE_INFINITY;
    if (at === Number.POSITIVE_INFINITY || at > limit) return false;
    now = Math.max(now, at);
    while (sleepers[0]?.at === at) sleepers.shift()?.wake();
    return true;
  };
  return {
    now: () => now,
    elapsed: () => now - START,
    pauses,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        pauses.push(ms);
        if (signal.aborted) return resolve();
        const stop = () => {
          const place = sleepers.indexOf(sleeper);
          if (place >= 0) sleepers.splice(place, 1);
          resolve();
        };
        const wake = () => {
          signal.removeEventListener('abort', stop);
          resolve();
        };
        const sleeper = { at: now + ms, wake };
        const after = sleepers.findLastIndex(({ at }) => at <= sleeper.at);
        sleepers.splice(after + 1, 0, sleeper);
        signal.addEventListener('abort', stop);
      }),
    async run(work) {
      let over = false;
      const ended = work.finally(() => {
        over = true;
      });
      ended.catch(() => {});
      for (await settle(); !over; await settle()) {
        if (!wakeNext(Number.POSITIVE_INFINITY)) {
          throw new Error('Everything waits, and nobody is asleep: a deadlock.');
        }
      }
      return ended;
    },
    async advanceTo(ms) {
      await settle();
      while (wakeNext(START + ms)) await settle();
      now = Math.max(now, START + ms);
    },
  };
}

/** Lets promises run until none of them has anything left to do. */
function settle(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
