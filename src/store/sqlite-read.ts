import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'libsql';
import type { Attempt, ForwardResult, Outcome, Receipt, RecordKind } from '../core/record.ts';
import type { LogEntry, ReadOptions, RecordFilter } from '../core/store.ts';
import { fromText } from './sqlite-text.ts';
import { matchesNone, where } from './sqlite-where.ts';

const PAGE = 500;
const PAGE_WITH_BODIES = 64;

type Db = Database.Database;
type Row = Record<string, unknown>;

/** Runs a piece of reading; rejects with StoreError. */
export type Reader = <Result>(work: (db: Db) => Result) => Promise<Result>;

const ATTEMPT_COLUMNS =
  'seq, id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status, outcome, duration_ms, final, run, replay_of, error, fault, body IS NOT NULL AS has_body';
const RECEIPT_COLUMNS =
  'seq, id, event_id, event, call_id, received_at, signature, duplicate, latency_ms, status, forward, flags, detail, length(body) AS body_bytes, body IS NOT NULL AS has_body';

/** Rows in order of arrival, a page at a time, so that neither memory nor a read lock grows with the store. */
export async function* readEntries(
  read: Reader,
  kind: RecordKind,
  filter: RecordFilter,
  options: ReadOptions = {},
): AsyncIterable<LogEntry> {
  if (matchesNone(kind, filter)) return;
  const { newestFirst = false, bodies = false, through } = options;
  const { sql, values } = where(kind, filter, through === undefined ? [] : [`seq <= ${Number(through)}`]);
  const columns = kind === 'attempt' ? ATTEMPT_COLUMNS : RECEIPT_COLUMNS;
  const size = bodies ? PAGE_WITH_BODIES : PAGE;
  const page = `SELECT ${columns}${bodies ? ', body' : ''} FROM ${kind}s ${sql === '' ? 'WHERE' : `${sql} AND`}
    seq ${newestFirst ? '<' : '>'} ? ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ${size}`;
  let last = options.after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
  for (;;) {
    const rows = await read((db) => db.prepare(page).all([...values, last]) as Row[]);
    for (const row of rows) yield kind === 'attempt' ? attemptEntry(row, bodies) : receiptEntry(row, bodies);
    if (rows.length < size) return;
    last = (rows.at(-1) as { seq: number }).seq;
    await turn();
  }
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

function attemptEntry(row: Row, bodies: boolean): LogEntry {
  const attempt: Attempt = {
    id: fromText(row.id as string),
    eventId: fromText(row.event_id as string),
    event: fromText(row.event as string | null),
    callId: fromText(row.call_id as string | null),
    endpoint: fromText(row.endpoint as string),
    url: fromText(row.url as string),
    attempt: row.attempt as number,
    dueAt: row.due_at as number,
    sentAt: row.sent_at as number,
    status: row.status as number | null,
    outcome: row.outcome as Outcome,
    durationMs: row.duration_ms as number,
    final: row.final === 1,
    run: fromText(row.run as string),
    replayOf: fromText(row.replay_of as string | null),
    error: fromText(row.error as string | null),
    fault: fromText(row.fault as string | null),
  };
  return {
    seq: row.seq as number,
    hasBody: row.has_body === 1,
    record: { kind: 'attempt', attempt, headers: null, body: bodyOf(row, bodies) },
  };
}

type Detail = [attempt: number | null, secret: string | null, transitMs: number | null, bodyBytes?: number];

function receiptEntry(row: Row, bodies: boolean): LogEntry {
  const [detail, ...headers] = (row.detail as string).split('\n') as [string, ...string[]];
  const [attempt, secret, transitMs, bodyBytes] = JSON.parse(detail) as Detail;
  const receipt: Receipt = {
    id: fromText(row.id as string),
    eventId: fromText(row.event_id as string | null),
    event: fromText(row.event as string | null),
    callId: fromText(row.call_id as string | null),
    attempt,
    receivedAt: row.received_at as number,
    signature: row.signature as Receipt['signature'],
    secret,
    duplicate: row.duplicate as Receipt['duplicate'],
    latencyMs: row.latency_ms as number | null,
    transitMs,
    status: row.status as number | null,
    forward: readForward(row.forward as string | null),
    bodyBytes: (row.body_bytes as number | null) ?? bodyBytes ?? 0,
    flags: row.flags === null ? [] : (JSON.parse(row.flags as string) as string[]),
  };
  const body = bodyOf(row, bodies);
  return {
    seq: row.seq as number,
    hasBody: row.has_body === 1,
    record: { kind: 'receipt', receipt, headers: bodies ? headers : null, body },
  };
}

function bodyOf(row: Row, bodies: boolean): Buffer | null {
  return bodies && row.body !== null ? Buffer.from(row.body as ArrayBuffer) : null;
}

function readForward(text: string | null): ForwardResult | null {
  if (text === null) return null;
  const [status, durationMs, error] = JSON.parse(text) as [number | null, number, string | null];
  return { status, durationMs, error };
}
