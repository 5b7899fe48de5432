import type Database from 'libsql';
import { EVENT_TYPES, isEventType } from '../core/event.ts';
import type { RawHeaders } from '../core/headers.ts';
import type { Receipt } from '../core/record.ts';
import type { NewReceipt, RecordFilter } from '../core/store.ts';
import type { Statements } from './statements.ts';

/** How many refused deliveries stay on record, and how much room in the file they may take, bytes (contract §2). */
export interface RefusedBounds {
  rows: number;
  bytes: number;
}

/** Half a MiB below the 16 that they may take: pages lead to others, and some are half empty. */
export const REFUSED_BOUNDS: RefusedBounds = { rows: 10_000, bytes: 15.5 * 1024 ** 2 };

/** In SQL: the receipts that `isRefused` is true of. */
export const REFUSED = "signature NOT IN ('valid', 'unchecked')";

/** A store that an earlier version filled may hold far too many: a transaction removes so many at most. */
const AT_ONCE = 1000;
const HOUR_MS = 3_600_000;
/** A receipt's hour, and its type where that is one of the few that are known: others would be without number. */
const HOUR = `received_at - (received_at % ${HOUR_MS} + ${HOUR_MS}) % ${HOUR_MS}`;
const EVENT = `CASE WHEN event IN (${EVENT_TYPES.map((type) => `'${type}'`).join(', ')}) THEN event ELSE '' END`;
const COUNTING = 'INSERT INTO refused_hours (hour, event, first_at, last_at, count)';
const UPSERT = `ON CONFLICT DO UPDATE SET first_at = min(first_at, excluded.first_at),
  last_at = max(last_at, excluded.last_at), count = count + excluded.count`;

/** What of a refused delivery takes room. */
export type RefusedRow = Pick<Receipt, 'id' | 'eventId' | 'event' | 'callId' | 'flags' | 'evidence'> & {
  headers: RawHeaders;
  body: Uint8Array | null;
};

/** Refused deliveries of an hour that are not on record any more, or never were. */
export interface Forgotten {
  firstAt: number;
  lastAt: number;
  count: number;
}

/**
 * The write side of the bound on refused deliveries. The table `refused` lists those on record, oldest first, each by
 * where it would start if they all lay in a row; `refused_hours` counts those that went.
 */
export class RefusedWriter {
  readonly #statements: Statements;
  readonly #bounds: RefusedBounds;
  /** Such as could not be stored, by hour and event. */
  readonly #lost = new Map<string, Forgotten>();

  constructor(statements: Statements, bounds: RefusedBounds) {
    this.#statements = statements;
    this.#bounds = bounds;
  }

  /** Removes the oldest, so that these fit in; the newest stays, whatever its size. Inside a transaction. */
  makeRoom(rows: readonly RefusedRow[]): void {
    const newest = rows.length === 0 ? null : this.#newest();
    if (newest === null) return;
    const end = rows.reduce((sum, row) => sum + room(row), newest.end);
    this.#forget(Math.min(end - this.#bounds.bytes, newest.start), AT_ONCE);
    const [[count]] = this.#rows('SELECT count(*) FROM refused') as [[number]];
    const over = count + rows.length - this.#bounds.rows;
    if (over > 0) this.#forget(newest.start, Math.min(over, AT_ONCE));
  }

  /** Lists what was just stored. Inside the same transaction. */
  list(stored: readonly { seq: number; row: RefusedRow }[]): void {
    if (stored.length === 0) return;
    let start = this.#newest()?.end ?? 0;
    for (const { seq, row } of stored) {
      const size = room(row);
      this.#statements.run('INSERT INTO refused (start, seq, size) VALUES (?, ?, ?)', [start, seq, size]);
      start += size;
    }
  }

  /** One that could not be stored counts all the same, once anything can be written. */
  lose({ receivedAt, event }: NewReceipt): void {
    const key = `${hourOf(receivedAt)} ${event !== null && isEventType(event) ? event : ''}`;
    const known = this.#lost.get(key);
    this.#lost.set(key, {
      firstAt: Math.min(known?.firstAt ?? receivedAt, receivedAt),
      lastAt: Math.max(known?.lastAt ?? receivedAt, receivedAt),
      count: (known?.count ?? 0) + 1,
    });
  }

  get hasLost(): boolean {
    return this.#lost.size > 0;
  }

  /** Inside a transaction. */
  countLost(): void {
    if (this.#lost.size === 0) return;
    for (const [key, { firstAt, lastAt, count }] of this.#lost) {
      const [hour, event] = key.split(' ') as [string, string];
      this.#statements.run(`${COUNTING} VALUES (?, ?, ?, ?, ?) ${UPSERT}`, [
        Number(hour),
        event,
        firstAt,
        lastAt,
        count,
      ]);
    }
    this.#statements.onCommit(() => this.#lost.clear());
  }

  #newest(): { start: number; end: number } | null {
    const [row] = this.#rows('SELECT start, CAST(size AS INTEGER) FROM refused ORDER BY start DESC LIMIT 1');
    if (row === undefined) return null;
    const [start, size] = row as [number, number];
    return { start, end: start + size };
  }

  /** Removes those that start before a place, the oldest first, and counts them. */
  #forget(before: number, limit: number): void {
    const gone = this.#rows(
      `DELETE FROM refused WHERE start IN (SELECT start FROM refused WHERE start < ? ORDER BY start LIMIT ?)
       RETURNING CAST(seq AS INTEGER)`,
      [before, limit],
    );
    if (gone.length === 0) return;
    const these = `seq IN (SELECT value FROM json_each(?)) AND ${REFUSED}`;
    const seqs = [JSON.stringify(gone.flat())];
    this.#statements.run(
      `${COUNTING} SELECT ${HOUR}, ${EVENT}, min(received_at), max(received_at), count(*) FROM receipts
       WHERE ${these} GROUP BY 1, 2 ${UPSERT}`,
      seqs,
    );
    this.#statements.run(`DELETE FROM receipts WHERE ${these}`, seqs);
  }

  #rows(sql: string, values: (string | number)[] = []): unknown[][] {
    return this.#statements.prepare(sql).raw().all(values) as unknown[][];
  }
}

function hourOf(at: number): number {
  return Math.floor(at / HOUR_MS) * HOUR_MS;
}

const PAGE = 4096;
/** How a row is laid out (sqlite.org/fileformat2.html): so many bytes of it stay together, or at least the first ones. */
const LOCAL = PAGE - 35;
const LOCAL_LEAST = 489;
/** What stands in a row besides texts and body, and what the list of those on record takes. */
const ROW_BYTES = 220;

/** The room that a receipt takes in the file, bytes: pages hold whole rows, and the rest of large ones. */
function room({ id, eventId, event, callId, flags, headers, evidence, body }: RefusedRow): number {
  const texts = [id, eventId ?? '', event ?? '', callId ?? '', evidence?.cause ?? '', ...flags, ...headers];
  const row = texts.reduce((sum, text) => sum + Buffer.byteLength(text) + 1, ROW_BYTES + (body?.length ?? 0));
  const fitted = row <= LOCAL ? row : LOCAL_LEAST + ((row - LOCAL_LEAST) % (PAGE - 4));
  const local = fitted <= LOCAL ? fitted : LOCAL_LEAST;
  return (
    Math.ceil(PAGE / Math.floor((PAGE - 8) / (local + 8))) + Math.ceil((row - local) / (PAGE - 4)) * PAGE
  );
}

/** What is counted only, of those that a question is about; one about single records is about none of them. */
export function forgotten(db: Database.Database, filter: RecordFilter): Forgotten[] {
  const { since = Number.MIN_SAFE_INTEGER, until = Number.MAX_SAFE_INTEGER, event, ...others } = filter;
  if (Object.values(others).some((value) => value !== undefined)) return [];
  const rows = db
    .prepare(
      `SELECT CAST(max(first_at, ?1) AS INTEGER), CAST(min(last_at, ?2 - 1) AS INTEGER), CAST(count AS INTEGER)
       FROM refused_hours
       WHERE last_at >= ?1 AND first_at < ?2 AND (?3 IS NULL OR event = ?3) ORDER BY hour`,
    )
    .raw()
    .all([since, until, event ?? null]) as [number, number, number][];
  return rows.map(([firstAt, lastAt, count]) => ({ firstAt, lastAt, count }));
}
