import { type ByteHash, hashText } from '../core/byte-hash.ts';
import { EventTable } from '../core/event-table.ts';
import { KILLED } from '../core/record.ts';
import type { ReplayState, Store } from '../core/store.ts';

/** What became of each delivery in an earlier process of the same run. */
export interface EarlierRun {
  state: ReplayState;
  /** How many deliveries have come to their end. */
  done: number;
  /** Null where nothing is on record. */
  of(id: string): EarlierDelivery | null;
}

export interface EarlierDelivery {
  done: boolean;
  /** How many attempts were made of it, and when it was due, ms since the epoch; 0 where it is as good as not begun. */
  attempts: number;
  dueAt: number;
}

/** A table's value for what is done; else `attempts` and `dueAt` in one number. */
const DONE = -1;
const MOST_ATTEMPTS = 128;

/** Reads the run's attempts back; 16 bytes a delivery. */
export async function readEarlierRun(store: Store, state: ReplayState): Promise<EarlierRun> {
  const known = new EventTable();
  const hash: ByteHash = { low: 0, high: 0 };
  let done = 0;
  for await (const attempt of store.attempts({ run: state.run })) {
    if (attempt.replayOf === null || attempt.fault === KILLED) continue;
    hashText(attempt.replayOf, hash);
    const slot = known.find(hash, 0, 0);
    // What was cut off by the run's own end is as good as not begun.
    if (attempt.outcome === 'aborted' || known.valueAt(slot) === DONE) continue;
    if (attempt.final) {
      known.setAt(slot, DONE);
      done += 1;
    } else known.setAt(slot, attempt.dueAt * MOST_ATTEMPTS + attempt.attempt);
  }
  return {
    state,
    done,
    of(id) {
      hashText(id, hash);
      const value = known.get(hash, 0);
      if (value === undefined) return null;
      if (value === DONE) return { done: true, attempts: 0, dueAt: 0 };
      return { done: false, attempts: value % MOST_ATTEMPTS, dueAt: Math.floor(value / MOST_ATTEMPTS) };
    },
  };
}
