import { uptime } from 'node:os';
import type { TimeSource } from '../core/time-source.ts';

/** Time as both ends of a link see it; tests hand in one that they move on themselves. */
export interface Clock extends TimeSource {
  /** ms since the machine was started, the time in which it slept among them. */
  uptime(): number;
  /** Does something again and again; the answer stops it. */
  every(ms: number, work: () => void): () => void;
  /** Does something once; the answer calls it off. */
  after(ms: number, work: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  elapsed: () => performance.now(),
  uptime: () => uptime() * 1000,
  every: (ms, work) => {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};
