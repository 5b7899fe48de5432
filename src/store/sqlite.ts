import Database from 'libsql';
import { StoreError } from '../core/errors.ts';
import type { Store, StoredReceipt } from '../core/store.ts';
import { createCheckpointer } from './checkpointer.ts';
import { GroupCommit, type GroupCommitOptions } from './group-commit.ts';
import { pause } from './pause.ts';
import { APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION } from './schema.ts';
import { guard, guardRead } from './sqlite-errors.ts';
import { foreign, inspectFile } from './sqlite-file.ts';
import { importReceipt } from './sqlite-import.ts';
import { countPrunable, pruneSome } from './sqlite-prune.ts';
import { countRates } from './sqlite-rates.ts';
import {
  countRecords,
  lastSeq,
  type Reader,
  readAttempts,
  readEntries,
  readReceipts,
} from './sqlite-read.ts';
import { findReplay, saveReplay } from './sqlite-replays.ts';
import { tallyRecords } from './sqlite-tally.ts';
import { type Job, keyOf, Writer } from './sqlite-write.ts';

/** Small enough that the first senders of a crowd are answered while the last are being read. */
const BATCH = 32;
/** An attempt's record answers nobody, and a commit for each would cost as much as the attempt. */
const GATHER = { batch: 256, ms: 10 };
const QUEUE_LIMIT = 10_000;
const PATIENCE_MS = 5000;
const OPEN_TIMEOUT_MS = 5000;
const OPEN_RETRY_MS = 10;

export interface SqliteOptions {
  durability?: 'normal' | 'full';
  /** Other bounds of the write queue than the usual ones. */
  limits?: Partial<GroupCommitOptions>;
}

/** Opens or creates a store in a SQLite file, or in memory for `:memory:`. Throws StoreError (contract §5). */
export function openSqliteStore(path: string, options: SqliteOptions = {}): Store {
  if (path !== ':memory:') inspectFile(path);
  const db = connect(path, options.durability ?? 'normal');
  const writer = new Writer(db);
  const checkpointer = path === ':memory:' ? null : createCheckpointer(path);
  const commit = (jobs: Job[]) => {
    const results = guard(path, () => writer.commit(jobs));
    checkpointer?.wrote(jobs.length);
    return results;
  };
  const queue = new GroupCommit<Job>(commit, {
    batch: BATCH,
    gather: GATHER,
    limit: QUEUE_LIMIT,
    patienceMs: PATIENCE_MS,
    ...options.limits,
  });
  const other = <Result>(work: (db: Database.Database) => Result) =>
    queue.add<Result>({ kind: 'other', work });
  const addAttempt: Store['addAttempt'] = (attempt, body) =>
    queue.add({ kind: 'attempt', attempt, body }, false);
  const reader: Reader = (work) => guardRead(path, () => work(db));
  return {
    location: path,
    addReceipt: (receipt) =>
      queue.add<StoredReceipt>({
        kind: 'receipt',
        receipt,
        bodyKey: receipt.accepted ? keyOf(receipt.body, receipt.timestampMs) : null,
      }),
    settleForward: (settlement) => queue.add({ kind: 'settle', settlement }),
    addAttempt,
    tally: (filter) => tallyRecords({ read: reader, path: path === ':memory:' ? null : path }, filter),
    rates: (filter, stepMs) => countRates(reader, filter, stepMs),
    noteShown: (shown) => queue.add({ kind: 'shown', shown }, false),
    takeUnforwarded: () => queue.add({ kind: 'take' }),
    attempts: (filter) => readAttempts(reader, filter),
    receipts: (filter) => readReceipts(reader, filter),
    entries: (kind, filter, options) => readEntries(reader, kind, filter, options),
    count: (kind, filter) => reader((db) => countRecords(db, kind, filter)),
    last: (kind) => reader((db) => lastSeq(db, kind)),
    addRecord: (record) =>
      record.kind === 'attempt'
        ? addAttempt(record.attempt, record.body)
        : other((db) => importReceipt(db, record)),
    async prune(before, keepKeysSince, { dryRun }) {
      const bounds = { before, keys: keepKeysSince };
      const counts = await reader((db) => countPrunable(db, bounds));
      if (!dryRun) while ((await other((db) => pruneSome(db, bounds))) > 0);
      return counts;
    },
    saveReplay: (state, seen) => other((db) => saveReplay(db, state, seen)),
    replay: (run) => reader((db) => findReplay(db, run)),
    close: async () => {
      await queue.drained();
      await checkpointer?.stop();
      emptyLog(db);
      db.close();
    },
  };
}

/**
 * Opens the file, again and again where another process is just making it: SQLite refuses some locks at once, whatever
 * time-out it was given. Nothing is under way yet that the waiting could hold up.
 */
function connect(path: string, durability: 'normal' | 'full'): Database.Database {
  const deadline = performance.now() + OPEN_TIMEOUT_MS;
  for (;;) {
    try {
      return connectOnce(path, durability);
    } catch (error) {
      const passing = error instanceof StoreError && error.reason === 'busy';
      if (!passing || performance.now() > deadline) throw error;
      pause(OPEN_RETRY_MS);
    }
  }
}

function connectOnce(path: string, durability: 'normal' | 'full'): Database.Database {
  return guard(path, () => {
    const db = new Database(path, { timeout: OPEN_TIMEOUT_MS });
    try {
      checkOwner(db, path);
      db.exec('PRAGMA journal_mode = WAL');
      // The checkpointer comes first; this bounds the log to 128 MiB without them.
      db.exec('PRAGMA wal_autocheckpoint = 32768');
      db.exec(`PRAGMA synchronous = ${durability}`);
      db.exec('PRAGMA temp_store = memory');
      migrate(db);
      // From here on a held lock is waited for without blocking the event loop (see GroupCommit).
      db.exec('PRAGMA busy_timeout = 2');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

/** Refuses another program's file and a newer store's before anything in it is changed. */
function checkOwner(db: Database.Database, path: string): void {
  // Asked for first: what another process is making just now has its owner as soon as it has tables.
  const tables = pragma(db, 'page_count') > 1;
  const owner = pragma(db, 'application_id');
  if (owner !== APPLICATION_ID && (tables || owner !== 0)) throw foreign(path);
  const version = pragma(db, 'user_version');
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `The store ${path} was made by a newer mo-notify (schema ${version}, this one knows ${SCHEMA_VERSION}). Upgrade mo-notify, or name another --store.`,
      'newer',
    );
  }
}

function migrate(db: Database.Database): void {
  if (pragma(db, 'user_version') === SCHEMA_VERSION) return;
  db.exec('BEGIN IMMEDIATE');
  try {
    // Asked again: another process may have been first.
    for (const step of MIGRATIONS.slice(pragma(db, 'user_version'))) db.exec(step);
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
    db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

/** Brings the log into the file, so that a copy of the file alone is whole. Others that are at work have it wait. */
function emptyLog(db: Database.Database): void {
  try {
    db.prepare('PRAGMA wal_checkpoint(TRUNCATE)').all();
  } catch {
    // The log stays beside the file, and the next to open it reads both.
  }
}

function pragma(db: Database.Database, name: string): number {
  return (db.prepare(`PRAGMA ${name}`).raw().all() as [[number]])[0][0];
}
