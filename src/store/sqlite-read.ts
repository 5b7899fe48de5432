import { setImmediate as turn } from 'node:timers/promises';
import type Database from 'libsql';
import type { Attempt, ForwardResult, Outcome, Receipt } from '../core/record.ts';
import type { RecordFilter } from '../core/store.ts';
import {
  type EndpointTally,
  emptyEndpointTally,
  emptyReceiptTally,
  type ReceiptTally,
  type Tally,
} from '../core/tally.ts';
import { fromText, toText } from './sqlite-text.ts';

const PAGE = 500;

type Db = Database.Database;
type Row = Record<string, unknown>;

/** Runs a piece of reading; rejects with StoreError. */
export type Reader = <Result>(work: (db: Db) => Result) => Promise<Result>;

/** Everything a report is made of, by aggregation in the database. */
export function tallyRecords(db: Db, filter: RecordFilter): Tally {
  const sent = where(filter, 'sent_at', ['fault IS NULL']);
  const came = where(filter, 'received_at', asksForAttempts(filter) ? ['FALSE'] : []);
  const span = all(
    db,
    `SELECT min(low) AS low, max(high) AS high FROM (
       SELECT min(sent_at) AS low, max(sent_at) AS high FROM attempts ${sent.sql}
       UNION ALL SELECT min(received_at), max(received_at) FROM receipts ${came.sql})`,
    [...sent.values, ...came.values],
  )[0] as { low: number | null; high: number | null };
  return {
    endpoints: tallyEndpoints(db, sent),
    received: tallyReceipts(db, came),
    from: span.low,
    to: span.high,
  };
}

/** An endpoint and a run belong to attempts alone. */
function asksForAttempts(filter: RecordFilter): boolean {
  return filter.endpoint !== undefined || filter.run !== undefined;
}

function tallyEndpoints(db: Db, { sql, values }: Where): EndpointTally[] {
  const tallies = new Map<string, EndpointTally>();
  const of = (row: Row): EndpointTally => {
    const key = `${row.endpoint}\0${row.url}`;
    const known =
      tallies.get(key) ?? emptyEndpointTally(fromText(row.endpoint as string), fromText(row.url as string));
    tallies.set(key, known);
    return known;
  };
  const group = `FROM attempts ${sql} GROUP BY endpoint, url`;
  for (const row of all(
    db,
    `SELECT endpoint, url, status, outcome, count(*) AS n ${group}, status, outcome`,
    values,
  )) {
    const tally = of(row);
    const n = row.n as number;
    tally.attempts += n;
    if (row.outcome === 'delivered') tally.successes += n;
    if (row.status !== null) add(tally.statuses, String(row.status), n);
    add(tally.outcomes, row.outcome as string, n);
  }
  const firstSuccess = `SELECT endpoint, url, event_id, event,
      min(CASE WHEN outcome = 'delivered' THEN sent_at - due_at + duration_ms END) AS latency
    ${group}, event_id`;
  for (const row of all(
    db,
    `SELECT endpoint, url, event, round(latency, 1) AS latency, count(*) AS n FROM (${firstSuccess})
     GROUP BY endpoint, url, event, round(latency, 1)`,
    values,
  )) {
    const tally = of(row);
    const n = row.n as number;
    tally.events += n;
    add(tally.eventsByType, fromText(row.event as string | null) ?? 'unknown', n);
    if (row.latency === null) continue;
    tally.delivered += n;
    tally.latency.record(row.latency as number, n);
  }
  return [...tallies.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

function tallyReceipts(db: Db, { sql, values }: Where): ReceiptTally {
  const tally = emptyReceiptTally();
  const rows = all(
    db,
    `SELECT event, signature, duplicate, forward IS NOT NULL AS forwarded, body_key IS NOT NULL AS accepted,
       flags LIKE '%redelivery%' AS redelivery, count(*) AS n
     FROM receipts ${sql} GROUP BY event, signature, duplicate, forwarded, accepted, redelivery`,
    values,
  );
  for (const row of rows) {
    const n = row.n as number;
    tally.receipts += n;
    if (row.signature !== 'valid' && row.signature !== 'unchecked') tally.refused += n;
    if (row.duplicate === 'duplicate') {
      tally.duplicates += n;
      if (!row.forwarded) tally.dropped += n;
    }
    if (row.duplicate === 'conflict') tally.conflicts += n;
    if (row.duplicate === 'suspected_replay') tally.suspectedReplays += n;
    if (row.accepted && row.duplicate === null && !row.redelivery) {
      tally.events += n;
      add(tally.eventsByType, fromText(row.event as string | null) ?? 'unknown', n);
    }
  }
  const first = `${sql === '' ? 'WHERE' : `${sql} AND`} body_key IS NOT NULL AND latency_ms IS NOT NULL AND signature = 'valid' AND duplicate IS NULL`;
  for (const row of all(
    db,
    `SELECT latency_ms, count(*) AS n FROM receipts ${first} GROUP BY latency_ms`,
    values,
  )) {
    if ((row.latency_ms as number) < 0) tally.skewed += row.n as number;
    else tally.latency.record(row.latency_ms as number, row.n as number);
  }
  return tally;
}

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

interface Where {
  sql: string;
  values: (string | number)[];
}

function where(filter: RecordFilter, time: 'sent_at' | 'received_at', conditions: string[] = []): Where {
  const terms = [...conditions];
  const values: (string | number)[] = [];
  const term = (sql: string, ...bound: (string | number)[]) => {
    terms.push(sql);
    values.push(...bound);
  };
  if (filter.since !== undefined) term(`${time} >= ?`, filter.since);
  if (filter.until !== undefined) term(`${time} < ?`, filter.until);
  if (filter.event !== undefined) term('event = ?', toText(filter.event));
  if (time === 'sent_at') {
    if (filter.endpoint !== undefined) {
      const named = toText(filter.endpoint);
      term('(endpoint = ? OR url = ?)', named, named);
    }
    if (filter.run !== undefined) term('run = ?', toText(filter.run));
  }
  return { sql: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}

function all(db: Db, sql: string, values: (string | number)[]): Row[] {
  return db.prepare(sql).all(values) as Row[];
}

function add(counts: Record<string, number>, key: string, n: number): void {
  counts[key] = (counts[key] ?? 0) + n;
}
