import { monotonicFactory } from 'ulid';

/** Ids that rise with time, so that an index on them grows at its end (see store/schema.ts). */
const ulid = monotonicFactory();

export type IdPrefix = 'ev' | 'at' | 'rc' | 'run';

/** `ev_01J…`: unique, opaque, and in order of making. `now` is ms since the epoch. */
export function newId(prefix: IdPrefix, now: number): string {
  return `${prefix}_${ulid(Math.floor(now))}`;
}
