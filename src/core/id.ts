import { randomFillSync } from 'node:crypto';
import { monotonicFactory } from 'ulid';

const pool = new Uint32Array(256);
let used = pool.length;

/** Ids that rise with time, so that an index on them grows at its end (see store/schema.ts). */
const ulid = monotonicFactory(randomShare);

export type IdPrefix = 'ev' | 'at' | 'rc' | 'run';

/** `ev_01J…`: unique, opaque, and in order of making. `now` is ms since the epoch. */
export function newId(prefix: IdPrefix, now: number): string {
  return `${prefix}_${ulid(Math.floor(now))}`;
}

/** A number in [0, 1) from the system's generator, fetched many at a time. */
function randomShare(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] as number) / 2 ** 32;
}
