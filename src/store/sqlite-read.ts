import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'libsql';
import type { Attempt, ForwardResult, Outcome, Receipt } from '../core/record.ts';
import type { RecordFilter } from '../core/store.ts';
import { fromText } from './sqlite-text.ts';
import { asksForAttempts, type Where, where } from './sqlite-where.ts';

const PAGE = 500;

type Db = Database.Database;
type Row = Record<string, unknown>;

/** Runs a piece of reading; rejects with StoreError. */
export type Reader = <Result>(work: (db: Db) => Result) => Promise<Result>;

/** All but the bodies, which are large and not asked for. */
const ATTEMPT_COLUMNS =
  'seq, id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status, outcome, duration_ms, final, run, replay_of, error, fault';
const RECEIPT_COLUMNS =
  'seq, id, event_id, event, call_id, received_at, signature, duplicate, latency_ms, status, forward, flags, detail, length(body) AS body_bytes';

export async function* readAttempts(read: Reader, filter: RecordFilter): AsyncIterable<Attempt> {
  for await (const row of pages(read, 'attempts', ATTEMPT_COLUMNS, where(filter, 'sent_at'))) {
    yield {
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
  }
}

export async function* readReceipts(read: Reader, filter: RecordFilter): AsyncIterable<Receipt> {
  if (asksForAttempts(filter)) return;
  for await (const row of pages(read, 'receipts', RECEIPT_COLUMNS, where(filter, 'received_at'))) {
    const [attempt, secret, transitMs] = JSON.parse((row.detail as string).split('\n', 1)[0] as string) as [
      number | null,
      string | null,
      number | null,
    ];
    yield {
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
      bodyBytes: row.body_bytes as number,
      flags: row.flags === null ? [] : (JSON.parse(row.flags as string) as string[]),
    };
  }
}

function readForward(text: string | null): ForwardResult | null {
  if (text === null) return null;
  const [status, durationMs, error] = JSON.parse(text) as [number | null, number, string | null];
  return { status, durationMs, error };
}

/** Rows in order of arrival, a page at a time, so that neither memory nor a read lock grows with the store. */
async function* pages(
  read: Reader,
  table: 'attempts' | 'receipts',
  columns: string,
  { sql, values }: Where,
): AsyncIterable<Row> {
  const from = sql === '' ? 'WHERE' : `${sql} AND`;
  const page = `SELECT ${columns} FROM ${table} ${from} seq > ? ORDER BY seq LIMIT ${PAGE}`;
  let last = 0;
  for (;;) {
    const rows = await read((db) => all(db, page, [...values, last]));
    yield* rows;
    if (rows.length < PAGE) return;
    last = (rows.at(-1) as { seq: number }).seq;
    await turn();
  }
}

function all(db: Db, sql: string, values: (string | number)[]): Row[] {
  return db.prepare(sql).all(values) as Row[];
}
