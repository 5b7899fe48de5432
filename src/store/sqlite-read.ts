import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'libsql';
import type { Attempt, Outcome, Receipt, RecordKind } from '../core/record.ts';
import type { LogEntry, ReadOptions, RecordFilter } from '../core/store.ts';
import { WHOLE_DETAIL } from './credentials.ts';
import { readDetail, readForward } from './sqlite-rows.ts';
import { fromText } from './sqlite-text.ts';
import { matchesNone, where } from './sqlite-where.ts';

const PAGE = 500;
const PAGE_WITH_BODIES = 64;

type Db = Database.Database;

/** Runs a piece of reading; rejects with StoreError. */
export type Reader = <Result>(work: (db: Db) => Result) => Promise<Result>;

/**
 * The columns of a row: all but the last two come as one JSON text, which takes half the time of handing each value over
 * on its own. What JSON would not give back to the last bit (a fraction) or would only copy (headers, a body) stays out.
 */
const COLUMNS: Record<RecordKind, string> = {
  attempt: `json_array(seq, body IS NOT NULL, id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status,
    outcome, final, run, replay_of, error, fault)`,
  receipt: `json_array(seq, body IS NOT NULL, id, event_id, event, call_id, received_at, signature, duplicate, latency_ms,
    status, forward, flags, length(body), shown_at)`,
};

type Text = string | null;
type Whole = number | null;
type AttemptRow = [
  ...[seq: number, hasBody: number, id: string, eventId: string, event: Text, callId: Text, endpoint: string],
  ...[url: string, attempt: number, dueAt: number, sentAt: number, status: Whole, outcome: Outcome],
  ...[final: number, run: string, replayOf: Text, error: Text, fault: Text],
];
type ReceiptRow = [
  ...[seq: number, hasBody: number, id: string, eventId: Text, event: Text, callId: Text, receivedAt: number],
  ...[signature: Receipt['signature'], duplicate: Receipt['duplicate'], latencyMs: Whole, status: Whole],
  ...[forward: Text, flags: Text, bodyBytes: Whole, shownAt: Whole],
];
type Row = [json: string, rest: unknown, body: ArrayBuffer | null];

/** Rows in order of arrival, a page at a time, so that neither memory nor a read lock grows with the store. */
export async function* readEntries(
  read: Reader,
  kind: RecordKind,
  filter: RecordFilter,
  options: ReadOptions = {},
): AsyncIterable<LogEntry> {
  if (matchesNone(kind, filter)) return;
  const { newestFirst = false, bodies = false, credentials = false, through } = options;
  const apart = kind === 'attempt' ? 'duration_ms' : credentials ? WHOLE_DETAIL : 'detail';
  const { sql, values } = where(kind, filter, through === undefined ? [] : [`seq <= ${Number(through)}`]);
  const size = bodies ? PAGE_WITH_BODIES : PAGE;
  const page = `SELECT ${COLUMNS[kind]}, ${apart}, ${bodies ? 'body' : 'NULL'} FROM ${kind}s ${sql === '' ? 'WHERE' : `${sql} AND`}
    seq ${newestFirst ? '<' : '>'} ? ORDER BY seq ${newestFirst ? 'DESC' : 'ASC'} LIMIT ${size}`;
  let last = options.after ?? (newestFirst ? Number.MAX_SAFE_INTEGER : 0);
  let statement: Database.Statement | null = null;
  for (;;) {
    const rows = await read((db) => {
      statement ??= db.prepare(page).raw();
      return statement.all([...values, last]) as Row[];
    });
    for (const row of rows) {
      const entry = kind === 'attempt' ? attemptEntry(row) : receiptEntry(row, bodies);
      last = entry.seq;
      yield entry;
    }
    if (rows.length < size) return;
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

/** The first and the last `seq` of a kind; the last comes before the first where there is none. */
export function seqBounds(db: Db, kind: RecordKind): [first: number, last: number] {
  const sql = `SELECT (SELECT min(seq) FROM ${kind}s), (SELECT max(seq) FROM ${kind}s)`;
  const [found] = db.prepare(sql).raw().all() as [[number | null, number | null]];
  return [found[0] ?? 1, found[1] ?? 0];
}

function attemptEntry([json, durationMs, body]: Row): LogEntry {
  const [seq, hasBody, id, eventId, event, callId, endpoint, url, number, dueAt, sentAt, status, ...rest] =
    JSON.parse(json) as AttemptRow;
  const [outcome, final, run, replayOf, error, fault] = rest;
  const attempt: Attempt = {
    id: fromText(id),
    eventId: fromText(eventId),
    event: fromText(event),
    callId: fromText(callId),
    endpoint: fromText(endpoint),
    url: fromText(url),
    attempt: number,
    dueAt,
    sentAt,
    status,
    outcome,
    durationMs: durationMs as number,
    final: final === 1,
    run: fromText(run),
    replayOf: fromText(replayOf),
    error: fromText(error),
    fault: fromText(fault),
  };
  return {
    seq,
    hasBody: hasBody === 1,
    cut: false,
    record: { kind: 'attempt', attempt, headers: null, body: bytesOf(body) },
  };
}

function receiptEntry([json, rest, body]: Row, bodies: boolean): LogEntry {
  const [seq, hasBody, id, eventId, event, callId, receivedAt, signature, duplicate, latencyMs, ...more] =
    JSON.parse(json) as ReceiptRow;
  const [status, forwarded, flags, length, shownAt] = more;
  const { detail, headers } = readDetail(rest as string);
  const [attempt, secret, transitMs, wholeBytes, asked, sha256, cause] = detail;
  const bodyBytes = wholeBytes ?? length ?? 0;
  const { forward, answer } = forwarded === null ? { forward: null } : readForward(forwarded);
  const receipt: Receipt = {
    id: fromText(id),
    eventId: fromText(eventId),
    event: fromText(event),
    callId: fromText(callId),
    attempt,
    receivedAt,
    signature,
    secret,
    duplicate,
    latencyMs,
    transitMs,
    status,
    forward,
    bodyBytes,
    flags: flags === null ? [] : (JSON.parse(flags) as string[]),
    shownAt,
    ...(sha256 === undefined ? {} : { evidence: { sha256, cause: cause ?? null } }),
  };
  return {
    seq,
    hasBody: hasBody === 1,
    cut: length !== null && length < bodyBytes,
    record: {
      kind: 'receipt',
      receipt,
      headers: bodies ? headers : null,
      body: bytesOf(body),
      ...(bodies && answer !== undefined ? { answer } : {}),
      ...(bodies && asked !== undefined && asked !== '' ? { asked } : {}),
    },
  };
}

function bytesOf(body: ArrayBuffer | null): Buffer | null {
  return body === null ? null : Buffer.from(body);
}
