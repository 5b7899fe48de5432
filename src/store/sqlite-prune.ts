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

/** How far a prune has come: in which of its steps, and up to which seq; 0 where that is about to begin. */
export interface PrunePlace {
  step: number;
  after: number;
}

export const PRUNE_START: PrunePlace = { step: 0, after: 0 };

/** What goes, and how; each step once through its table, from its beginning to its end. */
const STEPS: { table: string; condition: string; change: (db: Db, these: Which) => void }[] = [
  {
    table: 'attempts',
    condition: 'sent_at < :before',
    change: (db, these) => run(db, 'DELETE FROM attempts', these),
  },
  {
    table: 'receipts',
    condition: `${OLD} AND NOT (${KEYED})`,
    change: (db, these) => {
      run(db, 'DELETE FROM receipts', these);
      // With what lists them, if they were refused: their seqs may be given again.
      run(db, 'DELETE FROM refused', these);
    },
  },
  {
    table: 'receipts',
    condition: `${OLD} AND ${WHOLE} AND ${KEYED}`,
    change: (db, these) => run(db, `UPDATE receipts SET ${EMPTIED}`, these),
  },
];

/** The seqs of a handful, as JSON. */
type Which = string;

/** Removes a handful from a place on, inside a transaction; answers with the place after it, null at the end. */
export function pruneSome(db: Db, bounds: PruneBounds, { step, after }: PrunePlace): PrunePlace | null {
  const now = STEPS[step];
  if (now === undefined) {
    db.prepare('DELETE FROM refused_hours WHERE last_at < ?').run([bounds.before]);
    return null;
  }
  const seqs = db
    .prepare(
      `SELECT seq FROM ${now.table} WHERE seq > :after AND ${now.condition} ORDER BY seq LIMIT ${CHUNK}`,
    )
    .raw()
    .all({ ...bounds, after })
    .flat() as number[];
  if (seqs.length > 0) now.change(db, JSON.stringify(seqs));
  return seqs.length < CHUNK ? { step: step + 1, after: 0 } : { step, after: seqs.at(-1) as number };
}

function run(db: Db, sql: string, these: Which): void {
  db.prepare(`${sql} WHERE seq IN (SELECT value FROM json_each(?))`).run([these]);
}
