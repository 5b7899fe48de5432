import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'libsql';
import type { Attempt, Receipt, RecordKind } from '../core/record.ts';
import type { LogEntry, ReadOptions, RecordFilter } from '../core/store.ts';
import { entriesQuery, type FoundEntries, readEntryRows } from './sqlite-decode.ts';
import { matchesNone, where } from './sqlite-where.ts';

const PAGE = 500;
/** With bodies, and until it is known how large those are; pages are to be about so large then, bytes. */
const PAGE_WITH_BODIES = 64;
const FIRST_PAGE_WITH_BODIES = 16;
const PAGE_BYTES = 2 ** 20;

type Db = Database.Database;

/** Runs a piece of reading; rejects with StoreError. */
export type Reader = <Result>(work: (db: Db) => Result) => Promise<Result>;

/** Rows in order of arrival, a page at a time, so that neither memory nor a read lock grows with the store. */
export async function* readEntries(
  read: Reader,
  kind: RecordKind,
  filter: RecordFilter,
  options: ReadOptions = {},
): AsyncIterable<LogEntry> {
  if (matchesNone(kind, filter)) return;
  const { newestFirst = false, bodies = false, credentials = false, through } = options;
  const { sql, values } = where(kind, filter, through === undefined ? [] : [`seq <= ${Number(through)}`]);
  const condition = `${sql === '' ? 'WHERE' : `${sql} AND`} seq ${newestFirst ? '<' : '>'} ?
    ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'}`;
  const page = entriesQuery(kind, { bodies, credentials }, condition);
  let size = bodies ? FIRST_PAGE_WITH_BODIES : PAGE;
  let last = options.after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
  let statement: Database.Statement | null = null;
  for (;;) {
    const entries = await read((db) => {
      statement ??= db.prepare(page).raw();
      return readEntryRows(kind, (statement.all([...values, last, size]) as [FoundEntries])[0]);
    });
    for (const entry of entries) {
      last = entry.seq;
      yield entry;
    }
    if (entries.length < size) return;
    if (bodies) size = sizeAfter(entries);
    await turn();
  }
}

function sizeAfter(entries: readonly LogEntry[]): number {
  const bytes = entries.reduce((sum, { record }) => sum + (record.body?.length ?? 0), 0);
  const fitting = Math.floor((PAGE_BYTES * entries.length) / Math.max(bytes, 1));
  return Math.max(1, Math.min(PAGE_WITH_BODIES, fitting));
}

export async function* readAttempts(read: Reader, filter: RecordFilter): AsyncIterable<Attempt> {
  for await (const { record } of readEntries(read, 'attempt', filter))
    if (record.kind === 'attempt') yield record.attempt;
}

export async function* readReceipts(read: Reader, filter: RecordFilter): AsyncIterable<Receipt> {
  for await (const { record } of readEntries(read, 'receipt', filter))
    if (record.kind === 'receipt') yield record.receipt;
}

export function countRecords(db: Db, kind: RecordKind, filter: RecordFilter): number {
  if (matchesNone(kind, filter)) return 0;
  const { sql, values } = where(kind, filter);
  const [row] = db.prepare(`SELECT count(*) FROM ${kind}s ${sql}`).raw().all(values) as [[number]];
  return row[0];
}

export function lastSeq(db: Db, kind: RecordKind): number {
  const [row] = db.prepare(`SELECT max(seq) FROM ${kind}s`).raw().all() as [[number | null]];
  return row[0] ?? 0;
}

/** The first and the last `seq` of a kind; the last comes before the first where there is none. */
export function seqBounds(db: Db, kind: RecordKind): [first: number, last: number] {
  const sql = `SELECT (SELECT min(seq) FROM ${kind}s), (SELECT max(seq) FROM ${kind}s)`;
  const [found] = db.prepare(sql).raw().all() as [[number | null, number | null]];
  return [found[0] ?? 1, found[1] ?? 0];
}
