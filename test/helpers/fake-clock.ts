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
  const wakeNext = (limit: number): boolean => {
    sleepers.sort((a, b) => a.at - b.at);
    const [next] = sleepers;
    if (next === undefined || next.at > limit) return false;
    sleepers.shift();
    now = Math.max(now, next.at);
    next.wake();
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
        const sleeper = { at: now + ms, wake: resolve };
        sleepers.push(sleeper);
        signal.addEventListener('abort', () => {
          const at = sleepers.indexOf(sleeper);
          if (at >= 0) sleepers.splice(at, 1);
          resolve();
        });
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
