/** Time as both ends of a link see it; tests hand in one that they move on themselves. */
export interface Clock {
  /** ms since the epoch. After a machine has slept it has gone on. */
  now(): number;
  /** Does something again and again; the answer stops it. */
  every(ms: number, work: () => void): () => void;
  /** Does something once; the answer calls it off. */
  after(ms: number, work: () => void): () => void;
}

export const SYSTEM_CLOCK: Clock = {
  now: Date.now,
  every: (ms, work) => {
    const timer = setInterval(work, ms);
    return () => clearInterval(timer);
  },
  after: (ms, work) => {
    const timer = setTimeout(work, ms);
    return () => clearTimeout(timer);
  },
};
