import { hash } from 'node:crypto';
import type Database from 'libsql';
import { type Attempt, isRefused } from '../core/record.ts';
import type {
  FirstReceipt,
  NewReceipt,
  Settlement,
  Shown,
  StoredReceipt,
  Unforwarded,
} from '../core/store.ts';
import { WHOLE_DETAIL } from './credentials.ts';
import { FIRST_OF_BODY, FIRST_OF_EVENT, PATH_OF_KEY } from './schema.ts';
import { isConstraintError } from './sqlite-errors.ts';
import { Lease, type LeaseOptions } from './sqlite-lease.ts';
import { type RefusedBounds, RefusedWriter } from './sqlite-refused.ts';
import {
  ATTEMPT_COLUMNS,
  forwardState,
  forwardText,
  OWED,
  pushAttempt,
  pushReceipt,
  RECEIPT_COLUMNS,
  readDetail,
  type Value,
} from './sqlite-rows.ts';
import { textOf, textOrNull, toText } from './sqlite-text.ts';
import { WHOLE } from './sqlite-where.ts';
import { Statements } from './statements.ts';

/** Something to be written; a batch of them makes one transaction. What is rare or comes alone is `other`. */
export type Job =
  | { kind: 'receipt'; receipt: NewReceipt; bodyKey: Buffer | null }
  | { kind: 'settle'; settlement: Settlement }
  | { kind: 'take' }
  | { kind: 'shown'; shown: readonly Shown[] }
  | { kind: 'other'; work: (db: Database.Database, refused: RefusedWriter) => unknown }
  | { kind: 'attempt'; attempt: Attempt; body: Uint8Array | null };
type ReceiptJob = Extract<Job, { kind: 'receipt' }>;
type AttemptJob = Extract<Job, { kind: 'attempt' }>;

/** Rows go in by statements of these many, because a statement's own cost outweighs a row's. */
const CHUNKS = [16, 4, 1] as const;

type Seen = { row: FirstReceipt; bodyKey: Buffer };

/** How long a key is without a path. */
const KEY_BYTES = 38;

/**
 * The event's own time in ms, then the body's SHA-256, then the path, where it counts: equal for equal deliveries, and
 * rising with time, so that the keys of one commit lie on few pages of the index.
 */
export function keyOf(body: Uint8Array, timestampMs: number | null, path = ''): Buffer {
  const key = Buffer.allocUnsafe(KEY_BYTES + path.length);
  if (path !== '') key.write(path, KEY_BYTES, 'latin1');
  key.writeUIntBE(Math.min(Math.max(Math.floor(timestampMs ?? 0), 0), 2 ** 48 - 1), 0, 6);
  // As hex and back: a digest asked for as a buffer costs three times as much.
  key.write(hash('sha256', body, 'hex'), 6, 'hex');
  return key;
}

/**
 * The write side of a connection. Receipts are taken for new ones and inserted by the handful; where a unique index
 * says that one is not, those of its handful are looked at one by one. So what is new, which is nearly everything,
 * costs no look-up.
 */
export class Writer {
  readonly #db: Database.Database;
  readonly #statements: Statements;
  readonly #inserts = new Map<string, Database.Statement>();
  readonly refused: RefusedWriter;
  readonly lease: Lease;

  constructor(db: Database.Database, refusedBounds: RefusedBounds, lease: LeaseOptions) {
    this.#db = db;
    this.#statements = new Statements(db);
    this.refused = new RefusedWriter(this.#statements, refusedBounds);
    this.lease = new Lease(this.#statements, lease);
  }

  /** All of the jobs or none: answers with their results in the same order, or throws. */
  commit(jobs: readonly Job[]): unknown[] {
    return this.#statements.inTransaction(() => {
      const results: unknown[] = new Array(jobs.length);
      const receipts: number[] = [];
      const attempts: number[] = [];
      for (const [index, job] of jobs.entries()) {
        if (job.kind === 'receipt') receipts.push(index);
        else if (job.kind === 'attempt') attempts.push(index);
        else if (job.kind === 'settle') this.#settle(job.settlement);
        else if (job.kind === 'shown') this.#noteShown(job.shown);
        else if (job.kind === 'take') results[index] = this.#takeUnforwarded();
        else results[index] = job.work(this.#db, this.refused);
      }
      if (receipts.some((index) => (jobs[index] as ReceiptJob).receipt.forwarding)) this.lease.hold();
      const refused = receipts.filter((index) => isRefused((jobs[index] as ReceiptJob).receipt));
      this.refused.makeRoom(refused.map((index) => (jobs[index] as ReceiptJob).receipt));
      this.#addReceipts(jobs, receipts, results);
      this.refused.list(
        refused.map((index) => ({
          seq: (results[index] as StoredReceipt).seq,
          row: (jobs[index] as ReceiptJob).receipt,
        })),
      );
      this.#addAttempts(jobs, attempts);
      this.refused.countLost();
      return results;
    });
  }

  /** See Store.takeUnforwarded; receipts of the same batch come after it. */
  #takeUnforwarded(): Unforwarded {
    const { runs, lookAgainMs } = this.lease.runOut();
    if (runs.length === 0) return { receipts: [], lookAgainMs };
    const these = 'IN (SELECT value FROM json_each(?))';
    const values = [JSON.stringify(runs)];
    const rows = this.#statements
      .prepare(
        `SELECT seq, CAST(status AS INTEGER), CAST(${WHOLE_DETAIL} AS BLOB), CAST(ifnull(body, x'') AS BLOB) FROM receipts
         WHERE owed ${these} ORDER BY seq`,
      )
      .raw()
      .all(values) as [number, number | null, ArrayBuffer, ArrayBuffer][];
    this.#statements.run(
      `UPDATE receipts SET owed = CASE WHEN status BETWEEN 200 AND 299 THEN ${this.lease.run} ELSE ${OWED.failed} END
       WHERE owed ${these}`,
      values,
    );
    this.#statements.run(`DELETE FROM runs WHERE id ${these}`, values);
    this.lease.hold();
    const receipts = rows.map(([seq, status, text, body]) => {
      const { headers, asked } = readDetail(textOf(text));
      return { seq, status, headers, asked, body: Buffer.from(body) };
    });
    return { receipts, lookAgainMs };
  }

  #settle({ forward, answer, owed, status, seqs }: Settlement): void {
    const text = forward && forwardText(forward, answer);
    for (const seq of seqs) {
      // What another run has taken over meanwhile is for that one to settle.
      this.#statements.run(
        `UPDATE receipts SET forward = ?, owed = ?, status = ? WHERE seq = ? AND (owed IS NULL OR owed IN (${OWED.failed}, ?))`,
        [text, owed ? OWED.failed : null, status, seq, this.lease.run],
      );
    }
  }

  #noteShown(shown: readonly Shown[]): void {
    const sql = `UPDATE receipts SET shown_at = max(?, received_at) WHERE seq = ? AND shown_at IS NULL AND ${WHOLE}`;
    for (const { seq, at } of shown) this.#statements.run(sql, [Math.round(at), seq]);
  }

  #addAttempts(jobs: readonly Job[], indexes: readonly number[]): void {
    let at = 0;
    for (const size of chunks(indexes.length)) {
      const values: Value[] = [];
      for (const index of indexes.slice(at, at + size)) {
        const { attempt, body } = jobs[index] as AttemptJob;
        pushAttempt(values, attempt, body);
      }
      this.#insert('attempts', size, values);
      at += size;
    }
  }

  #addReceipts(jobs: readonly Job[], indexes: readonly number[], results: unknown[]): void {
    let at = 0;
    for (const size of chunks(indexes.length)) {
      const chunk = indexes.slice(at, at + size);
      at += size;
      if (!this.#addAsNew(jobs, chunk, results)) {
        for (const index of chunk) results[index] = this.#addOne(jobs[index] as ReceiptJob);
      }
    }
  }

  /** Inserts receipts as new ones; false, and nothing inserted, where one of them is not. */
  #addAsNew(jobs: readonly Job[], chunk: readonly number[], results: unknown[]): boolean {
    const values: Value[] = [];
    const whole = chunk.map((index) => {
      const { receipt, bodyKey } = jobs[index] as ReceiptJob;
      return pushReceipt(values, receipt, { duplicate: null, redelivery: false, bodyKey }, this.lease.run);
    });
    let last: number;
    try {
      last = this.#insert('receipts', chunk.length, values);
    } catch (error) {
      if (isConstraintError(error)) return false;
      throw error;
    }
    for (const [i, index] of chunk.entries()) {
      const seq = last - chunk.length + 1 + i;
      this.#keepCredentials(seq, whole[i] ?? null);
      results[index] = { seq, duplicate: null, redelivery: false, first: null };
    }
    return true;
  }

  #addOne({ receipt, bodyKey }: ReceiptJob): StoredReceipt {
    const { duplicate, first, claim } = this.#classify(receipt.eventId, bodyKey);
    const redelivery = duplicate === 'duplicate' && receipt.forwarding && first?.forward === 'failed';
    if (redelivery)
      this.#statements.run('UPDATE receipts SET owed = ? WHERE seq = ?', [this.lease.run, first.seq]);
    const values: Value[] = [];
    const whole = pushReceipt(values, receipt, { duplicate, redelivery, bodyKey: claim }, this.lease.run);
    const seq = this.#insert('receipts', 1, values);
    this.#keepCredentials(seq, whole);
    return { seq, duplicate: redelivery ? null : duplicate, redelivery, first };
  }

  /**
   * Same id and body: duplicate. Same id, other body: conflict. Other id, same body: suspected replay (contract §2).
   * `claim` is the key under which the receipt is found from now on.
   */
  #classify(
    eventId: string | null,
    bodyKey: Buffer | null,
  ): { duplicate: StoredReceipt['duplicate']; first: FirstReceipt | null; claim: Buffer | null } {
    if (bodyKey === null) return { duplicate: null, first: null, claim: null };
    const body = this.#findBody(bodyKey);
    const event = eventId === null ? null : this.#findEvent(eventId, bodyKey.subarray(KEY_BYTES));
    if (body !== null && (eventId === null || body.row.eventId === eventId)) {
      return { duplicate: 'duplicate', first: body.row, claim: null };
    }
    if (event?.bodyKey.equals(bodyKey)) return { duplicate: 'duplicate', first: event.row, claim: null };
    if (event === null) {
      return {
        duplicate: body === null ? null : 'suspected_replay',
        first: body?.row ?? null,
        claim: bodyKey,
      };
    }
    if (body === null) return { duplicate: 'conflict', first: event.row, claim: bodyKey };
    // Both are known, but not together: this pair gets a key of its own.
    const pairKey = Buffer.concat([bodyKey, hash('sha256', toText(eventId as string), 'buffer')]);
    const pair = this.#findBody(pairKey);
    if (pair !== null) return { duplicate: 'duplicate', first: pair.row, claim: null };
    return { duplicate: 'conflict', first: event.row, claim: pairKey };
  }

  #findBody(key: Buffer): Seen | null {
    return this.#find(`${FIRST_OF_BODY} AND body_key = ?`, [key]);
  }

  /** `path` is the part of a key that says at which path. */
  #findEvent(eventId: string, path: Buffer): Seen | null {
    return this.#find(`${FIRST_OF_EVENT} AND event_id = ? AND ${PATH_OF_KEY} = ?`, [toText(eventId), path]);
  }

  #find(condition: string, values: Value[]): Seen | null {
    const sql = `SELECT seq, CAST(event_id AS BLOB), CAST(ifnull(body_key, x'') AS BLOB), CAST(received_at AS INTEGER),
      CAST(owed AS INTEGER) FROM receipts WHERE ${condition}`;
    const [found] = this.#statements.prepare(sql).raw().all(values) as [
      number,
      ArrayBuffer | null,
      ArrayBuffer,
      number,
      number | null,
    ][];
    if (found === undefined) return null;
    const [seq, eventId, bodyKey, receivedAt, owed] = found;
    return {
      row: { seq, eventId: textOrNull(eventId), receivedAt, forward: forwardState(owed) },
      bodyKey: Buffer.from(bodyKey),
    };
  }

  /** Keeps a receipt's detail in full until the app has the event; null where the record has all of it. */
  #keepCredentials(seq: number, detail: string | null): void {
    if (detail !== null)
      this.#statements.run('INSERT INTO credentials (seq, detail) VALUES (?, ?)', [seq, detail]);
  }

  /** Inserts rows, whose values follow on one another, and answers with the last one's number. */
  #insert(table: 'receipts' | 'attempts', rows: number, values: Value[]): number {
    const key = `${table} ${rows}`;
    let statement = this.#inserts.get(key);
    if (statement === undefined) {
      const columns = table === 'receipts' ? RECEIPT_COLUMNS : ATTEMPT_COLUMNS;
      const marks = `(${columns.replaceAll(/\w+/g, '?')})`;
      statement = this.#db.prepare(
        `INSERT INTO ${table} (${columns}) VALUES ${Array(rows).fill(marks).join(', ')}`,
      );
      this.#inserts.set(key, statement);
    }
    return Number(statement.run(values).lastInsertRowid);
  }
}

/** How many rows go into each statement, for so many in all. */
function* chunks(count: number): Iterable<number> {
  let left = count;
  for (const size of CHUNKS) for (; left >= size; left -= size) yield size;
}
