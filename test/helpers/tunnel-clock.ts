import type { Clock } from '../../src/tunnel/clock.ts';

/** A clock of a tunnel that stands still until somebody moves it on. */
export interface TunnelClock extends Clock {
  /** Moves on: what becomes due meanwhile is done in order, each at its own moment, and promises run in between. */
  advance(ms: number): Promise<void>;
  /** Moves on at once, as for a machine that slept: what should have been done meanwhile is done late, and once. */
  jump(ms: number): void;
  /** Lets all that needs no time happen. */
  settle(): Promise<void>;
  /** How long it is until each of the timers that wait, the next one first, ms. */
  waits(): number[];
  /** Resolves as soon as any timer waits, for work that takes time of its own before it asks for one. */
  asked(): Promise<void>;
  /** Somebody sets the clock, by so many ms: nothing passes meanwhile. */
  set(ms: number): void;
}

interface Timer {
  at: number;
  /** Null for one that does something once. */
  everyMs: number | null;
  work: () => void;
}

/** The moment that these clocks start at. */
export const TUNNEL_START = Date.parse('2026-01-31T12:00:00.000Z');

export function tunnelClock(start = TUNNEL_START): TunnelClock {
  let now = start;
  /** What it was set by. */
  let off = 0;
  /** By when they are due; of those due together the one that was asked for first comes first. */
  let timers: Timer[] = [];
  const askers: (() => void)[] = [];

  function add(timer: Timer): () => void {
    const after = timers.findLastIndex(({ at }) => at <= timer.at);
    timers.splice(after + 1, 0, timer);
    for (const tell of askers.splice(0)) tell();
    return () => {
      timers = timers.filter((other) => other !== timer);
      timer.everyMs = null;
    };
  }

  /** Does what is due next, if that is before `limit`. */
  function doNext(limit: number): boolean {
    const next = timers[0];
    if (next === undefined || next.at > limit) return false;
    timers.shift();
    now = Math.max(now, next.at);
    // An interval goes on from when it was done, as Node's do, and may be ended by its own work.
    if (next.everyMs !== null) {
      next.at = now + next.everyMs;
      const after = timers.findLastIndex(({ at }) => at <= next.at);
      timers.splice(after + 1, 0, next);
    }
    next.work();
    return true;
  }

  async function settle(): Promise<void> {
    for (let i = 0; i < 3; i++) await new Promise((resolve) => setImmediate(resolve));
  }

  return {
    now: () => now + off,
    elapsed: () => now - start,
    uptime: () => now - start,
    set(ms) {
      off += ms;
    },
    every: (ms, work) => add({ at: now + ms, everyMs: ms, work }),
    after: (ms, work) => add({ at: now + ms, everyMs: null, work }),
    async advance(ms) {
      const until = now + ms;
      await settle();
      while (doNext(until)) await settle();
      now = Math.max(now, until);
    },
    jump(ms) {
      now += ms;
      while (doNext(now));
    },
    settle,
    waits: () => timers.map(({ at }) => at - now),
    asked: () => (timers.length > 0 ? Promise.resolve() : new Promise((resolve) => askers.push(resolve))),
  };
}
