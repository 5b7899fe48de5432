import { hash, randomFillSync } from 'node:crypto';
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

const CROCKFORD = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** No id made of a time begins so: times end with 7ZZZ…. */
const COPY = /^ev_R[0-9A-HJKMNP-TV-Z]{25}$/;

/** The event id of a copy, the same for the same run and record: a run that is resumed goes on with its own. */
export function copyId(run: string, record: string): string {
  const digest = hash('sha256', JSON.stringify([run, record]), 'buffer');
  return `ev_R${Array.from(digest.subarray(0, 25), (byte) => CROCKFORD[byte % 32]).join('')}`;
}

/** Whether an event id was made for a replay's copy. */
export function isCopyId(id: string): boolean {
  return COPY.test(id);
}

/** A number in [0, 1) from the system's generator, fetched many at a time. */
function randomShare(): number {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  return (pool[used++] as number) / 2 ** 32;
}
