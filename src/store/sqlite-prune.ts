import type Database from 'libsql';
import type { PruneCounts } from '../core/store.ts';
import { OWED } from './sqlite-rows.ts';
import { WHOLE } from './sqlite-where.ts';

type Db = Database.Database;

/** A transaction removes so many rows at most, so that a receiver at work on the same store need not wait. */
const CHUNK = 1000;

const EMPTIED = `id = '', event = NULL, call_id = NULL, latency_ms = NULL, status = NULL, forward = NULL,
  owed = NULL, flags = NULL, detail = '[]', body = NULL, shown_at = NULL`;

/**
 * What an app is still owed: its event is under way, or its next delivery is to be forwarded again, for as long as one
 * may come.
 */
const OWING = `(owed IS NOT NULL AND (owed > ${OWED.failed} OR received_at >= :keys))`;
/** Receipts that a prune up to `before` may touch. */
const OLD = `received_at < :before AND NOT ${OWING}`;
/** Of those, the ones by whose key a late copy is known; the others hold nothing that is looked for. */
const KEYED = 'body_key IS NOT NULL AND received_at >= :keys';

export interface PruneBounds {
  before: number;
  keys: number;
}

export function countPrunable(db: Db, { before, keys }: PruneBounds): PruneCounts {
  const count = (sql: string, values: object) =>
    (db.prepare(`SELECT count(*) FROM ${sql}`).raw().all(values) as [[number]])[0][0];
  return {
    attempts: count('attempts WHERE sent_at < :before', { before }),
    receipts: count(`receipts WHERE ${OLD} AND ${WHOLE}`, { before, keys }),
    keys: count(`receipts WHERE ${OLD} AND ${WHOLE} AND ${KEYED}`, { before, keys }),
    owed: count(`receipts WHERE received_at < :before AND ${OWING}`, { before, keys }),
  };
}

/** Removes a handful; answers with how many it came across, 0 once there is nothing left to do. */
export function pruneSome(db: Db, { before, keys }: PruneBounds): number {
  const run = (sql: string, values: object) => db.prepare(sql).run(values).changes;
  const some = (table: string, condition: string) =>
    `seq IN (SELECT seq FROM ${table} WHERE ${condition} LIMIT ${CHUNK})`;
  return (
    run(`DELETE FROM attempts WHERE ${some('attempts', 'sent_at < :before')}`, { before }) ||
    removeReceipts(db, some('receipts', `${OLD} AND NOT (${KEYED})`), { before, keys }) ||
    run(`UPDATE receipts SET ${EMPTIED} WHERE ${some('receipts', `${OLD} AND ${WHOLE} AND ${KEYED}`)}`, {
      before,
      keys,
    }) ||
    run('DELETE FROM refused_hours WHERE last_at < :before', { before })
  );
}

/** With what lists them, if they were refused: their seqs may be given again. */
function removeReceipts(db: Db, which: string, bounds: PruneBounds): number {
  const gone = db.prepare(`DELETE FROM receipts WHERE ${which} RETURNING seq`).raw().all(bounds) as [
    number,
  ][];
  if (gone.length > 0)
    db.prepare('DELETE FROM refused WHERE seq IN (SELECT value FROM json_each(?))').run([
      JSON.stringify(gone.flat()),
    ]);
  return gone.length;
}
