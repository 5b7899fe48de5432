import type Database from 'libsql';
import { askedPath } from '../core/asked.ts';
import { isRefused } from '../core/record.ts';
import type { NewReceipt, Store, StoredReceipt } from '../core/store.ts';
import { createCheckpointer } from './checkpointer.ts';
import { GroupCommit, type GroupCommitOptions, QUEUE_BYTES } from './group-commit.ts';
import { DELIVERY_LOG } from './schema.ts';
import { connect, type Durability, emptyLog } from './sqlite-connect.ts';
import { guard, guardRead } from './sqlite-errors.ts';
import { inspectFile } from './sqlite-file.ts';
import { importReceipt } from './sqlite-import.ts';
import { keepRenewed, LEASE, type LeaseOptions } from './sqlite-lease.ts';
import { countPrunable, PRUNE_START, type PrunePlace, pruneSome } from './sqlite-prune.ts';
import { countRates } from './sqlite-rates.ts';
import {
  countRecords,
  lastSeq,
  type Reader,
  readAttempts,
  readEntries,
  readReceipts,
} from './sqlite-read.ts';
import { REFUSED_BOUNDS, type RefusedBounds, type RefusedWriter } from './sqlite-refused.ts';
import { findReplay, saveReplay } from './sqlite-replays.ts';
import { tallyRecords } from './sqlite-tally.ts';
import { type Job, keyOf, Writer } from './sqlite-write.ts';

/** Small enough that the first senders of a crowd are answered while the last are being read. */
const BATCH = 32;
/** An attempt's record answers nobody, and a commit for each would cost as much as the attempt. */
const GATHER = { batch: 256, ms: 10 };
const QUEUE_LIMIT = 10_000;
const PATIENCE_MS = 5000;
/** What a job holds in memory besides bodies and headers, about. */
const JOB_BYTES = 1024;
/** What the log takes for a usual record, about, bytes. */
const RECORD_BYTES = 2048;

export interface SqliteOptions {
  durability?: Durability;
  /** Other bounds of the write queue than the usual ones. */
  limits?: Partial<GroupCommitOptions>;
  /** Other bounds of what is kept of refused deliveries. */
  refused?: Partial<RefusedBounds>;
  /** Other ways to keep the lease on forwards, and to tell whether another's has run out. */
  lease?: Partial<LeaseOptions>;
}

/** Opens or creates a store in a SQLite file, or in memory for `:memory:`. Throws StoreError (contract §5). */
export function openSqliteStore(path: string, options: SqliteOptions = {}): Store {
  if (path !== ':memory:') inspectFile(path, DELIVERY_LOG);
  const db = connect(path, DELIVERY_LOG, options.durability ?? 'normal');
  const writer = new Writer(db, { ...REFUSED_BOUNDS, ...options.refused }, { ...LEASE, ...options.lease });
  const checkpointer = path === ':memory:' ? null : createCheckpointer(path);
  const commit = (jobs: Job[], bytes: number) => {
    const results = guard(path, () => writer.commit(jobs));
    checkpointer?.wrote(Math.max(jobs.length, bytes / RECORD_BYTES));
    return results;
  };
  const queue = new GroupCommit<Job>(commit, {
    batch: BATCH,
    gather: GATHER,
    limit: QUEUE_LIMIT,
    limitBytes: QUEUE_BYTES,
    patienceMs: PATIENCE_MS,
    ...options.limits,
  });
  const other = <Result>(work: (db: Database.Database, refused: RefusedWriter) => Result, bytes = 0) =>
    queue.add<Result>({ kind: 'other', work }, bytes);
  const addAttempt: Store['addAttempt'] = (attempt, body) =>
    queue.add({ kind: 'attempt', attempt, body }, JOB_BYTES + (body?.length ?? 0), 'patient');
  const addReceipt: Store['addReceipt'] = (receipt) => {
    const bodyKey = receipt.accepted
      ? keyOf(receipt.body, receipt.timestampMs, askedPath(receipt.asked))
      : null;
    return queue.add({ kind: 'receipt', receipt, bodyKey }, heldBytes(receipt));
  };
  const addRefused: Store['addReceipt'] = (receipt) => {
    const job: Job = { kind: 'receipt', receipt, bodyKey: null };
    const adding = queue.add<StoredReceipt>(job, heldBytes(receipt), 'spare');
    adding.catch(() => writer.refused.lose(receipt));
    return adding;
  };
  const stopRenewing = keepRenewed(writer.lease, () => other(() => writer.lease.renew()));
  const reader: Reader = (work) => guardRead(path, () => work(db));
  return {
    location: path,
    addReceipt: (receipt) => (isRefused(receipt) ? addRefused(receipt) : addReceipt(receipt)),
    settleForward: (settlement) =>
      queue.add({ kind: 'settle', settlement }, JOB_BYTES + (settlement.answer?.length ?? 0)),
    addAttempt,
    tally: (filter) => tallyRecords({ read: reader, path: path === ':memory:' ? null : path }, filter),
    rates: (filter, stepMs) => countRates(reader, filter, stepMs),
    noteShown: (shown) => queue.add({ kind: 'shown', shown }, 0, 'patient'),
    takeUnforwarded: () => queue.add({ kind: 'take' }),
    attempts: (filter) => readAttempts(reader, filter),
    receipts: (filter) => readReceipts(reader, filter),
    entries: (kind, filter, options) => readEntries(reader, kind, filter, options),
    count: (kind, filter) => reader((db) => countRecords(db, kind, filter)),
    last: (kind) => reader((db) => lastSeq(db, kind)),
    addRecord: (record) =>
      record.kind === 'attempt'
        ? addAttempt(record.attempt, record.body)
        : other((db, refused) => importReceipt(db, record, refused), JOB_BYTES + (record.body?.length ?? 0)),
    async prune(before, keepKeysSince, { dryRun }) {
      const bounds = { before, keys: keepKeysSince };
      const counts = await reader((db) => countPrunable(db, bounds));
      let place = dryRun ? null : PRUNE_START;
      while (place !== null) {
        const from: PrunePlace = place;
        place = await other((db) => pruneSome(db, bounds, from));
        // Rows that lie apart make a log of many times their size, which others who write keep from starting anew.
        if ((place?.after ?? 0) > 0) await checkpointer?.checkpoint();
      }
      return counts;
    },
    saveReplay: (state, seen) => other((db) => saveReplay(db, state, seen)),
    replay: (run) => reader((db) => findReplay(db, run)),
    close: async () => {
      stopRenewing();
      if (writer.lease.held || writer.refused.hasLost)
        await other(() => writer.lease.release()).catch(() => {});
      await queue.drained();
      await checkpointer?.stop();
      emptyLog(db);
      db.close();
    },
  };
}

/** What a receipt that waits keeps in memory, about, bytes. */
function heldBytes({ body, headers, asked }: NewReceipt): number {
  let bytes = JOB_BYTES + body.length + asked.length;
  for (const text of headers) bytes += text.length;
  return bytes;
}
