import { hash } from 'node:crypto';
import Database from 'libsql';
import { StoreError } from '../core/errors.ts';
import type { Attempt } from '../core/record.ts';
import type {
  FirstReceipt,
  NewReceipt,
  RecordFilter,
  Settlement,
  Store,
  StoredReceipt,
  UnforwardedReceipt,
} from '../core/store.ts';
import { GroupCommit } from './group-commit.ts';
import { APPLICATION_ID, FIRST_OF_BODY, FIRST_OF_EVENT, SCHEMA, SCHEMA_VERSION } from './schema.ts';
import { damaged, inspectFile } from './sqlite-file.ts';
import { readAttempts, readReceipts, tallyRecords } from './sqlite-read.ts';

const BATCH = 32;
const QUEUE_LIMIT = 10_000;
const PATIENCE_MS = 5000;
const OPEN_TIMEOUT_MS = 5000;

/** Values of `owed`: the app has yet to answer, or it has not answered with a 2xx. */
const OWED = { pending: 1, failed: 2 } as const;

type Job =
  | { kind: 'receipt'; receipt: NewReceipt; bodyKey: Buffer | null }
  | { kind: 'settle'; settlement: Settlement }
  | { kind: 'attempt'; attempt: Attempt; body: Uint8Array | null };

/** Opens or creates a store in a SQLite file, or in memory for `:memory:`. Throws StoreError (contract §5). */
export function openSqliteStore(path: string, options: { durability?: 'normal' | 'full' } = {}): Store {
  if (path !== ':memory:') inspectFile(path);
  const db = connect(path, options.durability ?? 'normal');
  const writer = new Writer(db, path);
  const queue = new GroupCommit<Job>((jobs) => writer.commit(jobs), {
    batch: BATCH,
    limit: QUEUE_LIMIT,
    patienceMs: PATIENCE_MS,
  });
  return {
    location: path,
    addReceipt: (receipt) =>
      queue.add<StoredReceipt>({
        kind: 'receipt',
        receipt,
        bodyKey: receipt.accepted ? keyOf(receipt.body, receipt.timestampMs) : null,
      }),
    settleForward: (settlement) => queue.add({ kind: 'settle', settlement }),
    addAttempt: (attempt, body) => queue.add({ kind: 'attempt', attempt, body }),
    tally: async (filter: RecordFilter) => guard(path, () => tallyRecords(db, filter)),
    takeUnforwarded: async () => guard(path, () => writer.takeUnforwarded()),
    attempts: (filter) => readAttempts(db, filter),
    receipts: (filter) => readReceipts(db, filter),
    close: async () => {
      await queue.drained();
      db.close();
    },
  };
}

function connect(path: string, durability: 'normal' | 'full'): Database.Database {
  return guard(path, () => {
    const db = new Database(path, { timeout: OPEN_TIMEOUT_MS });
    try {
      db.exec('PRAGMA journal_mode = WAL');
      db.exec(`PRAGMA synchronous = ${durability}`);
      db.exec('PRAGMA temp_store = memory');
      migrate(db, path);
      // From here on a held lock is waited for without blocking the event loop (see GroupCommit).
      db.exec('PRAGMA busy_timeout = 2');
      return db;
    } catch (error) {
      db.close();
      throw error;
    }
  });
}

function migrate(db: Database.Database, path: string): void {
  const version = pragma(db, 'user_version');
  if (version === SCHEMA_VERSION) return;
  if (version > SCHEMA_VERSION) {
    throw new StoreError(
      `The store ${path} was made by a newer mo-notify (schema ${version}, this one knows ${SCHEMA_VERSION}). Upgrade mo-notify, or name another --store.`,
      'newer',
    );
  }
  db.exec('BEGIN IMMEDIATE');
  try {
    if (pragma(db, 'user_version') === 0) {
      db.exec(SCHEMA);
      db.exec(`PRAGMA application_id = ${APPLICATION_ID}`);
      db.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`);
    }
    db.exec('COMMIT');
  } catch (error) {
    if (db.inTransaction) db.exec('ROLLBACK');
    throw error;
  }
}

function pragma(db: Database.Database, name: string): number {
  return (db.prepare(`PRAGMA ${name}`).raw().get() as [number])[0];
}

/** The event's second, then the body's SHA-256: equal for equal bodies, and rising with time in an index. */
function keyOf(body: Uint8Array, timestampMs: number | null): Buffer {
  const key = Buffer.allocUnsafe(36);
  key.writeUInt32BE(Math.min(Math.max(Math.floor((timestampMs ?? 0) / 1000), 0), 0xffffffff), 0);
  key.set(hash('sha256', body, 'buffer'), 4);
  return key;
}

/** A stored receipt, as far as deduplication needs it. */
interface Seen {
  seq: number;
  eventId: string | null;
  bodyKey: string;
  receivedAt: number;
  forward: FirstReceipt['forward'];
}

/** The one connection's write side: turns a batch of jobs into one transaction. */
class Writer {
  readonly #db: Database.Database;
  readonly #path: string;
  readonly #begin;
  readonly #commit;
  readonly #insertReceipt;
  readonly #insertAttempt;
  readonly #settle;
  readonly #oweAgain;
  readonly #seenBodies;
  readonly #seenEvents;

  constructor(db: Database.Database, path: string) {
    this.#db = db;
    this.#path = path;
    this.#begin = db.prepare('BEGIN IMMEDIATE');
    this.#commit = db.prepare('COMMIT');
    this.#insertReceipt = db.prepare(
      `INSERT INTO receipts (id, event_id, event, call_id, attempt, received_at, signature, secret, duplicate,
         latency_ms, transit_ms, status, owed, flags, headers, body_key, body) VALUES (${marks(17)})`,
    );
    this.#insertAttempt = db.prepare(
      `INSERT INTO attempts (id, event_id, event, call_id, endpoint, url, attempt, due_at, sent_at, status, outcome,
         duration_ms, final, run, replay_of, error, fault, body) VALUES (${marks(18)})`,
    );
    this.#settle = db.prepare('UPDATE receipts SET forward = ?, owed = ?, status = ? WHERE seq = ?');
    this.#oweAgain = db.prepare(`UPDATE receipts SET owed = ${OWED.pending} WHERE seq = ?`);
    const seen = 'SELECT seq, event_id, body_key, received_at, owed FROM receipts WHERE';
    this.#seenBodies = db.prepare(`${seen} ${FIRST_OF_BODY} AND body_key IN (${marks(BATCH)})`).raw();
    this.#seenEvents = db.prepare(`${seen} ${FIRST_OF_EVENT} AND event_id IN (${marks(BATCH)})`).raw();
  }

  commit(jobs: Job[]): unknown[] {
    return guard(this.#path, () => {
      this.#begin.run();
      try {
        const seen = this.#lookUp(jobs);
        const results = jobs.map((job) => this.#write(job, seen));
        this.#commit.run();
        return results;
      } catch (error) {
        if (this.#db.inTransaction) this.#db.exec('ROLLBACK');
        throw error;
      }
    });
  }

  takeUnforwarded(): UnforwardedReceipt[] {
    const rows = this.#db
      .prepare(`SELECT seq, status, headers, body FROM receipts WHERE owed = ${OWED.pending} ORDER BY seq`)
      .raw()
      .all() as [number, number | null, string | null, Buffer][];
    this.#db.exec(`UPDATE receipts SET owed = ${OWED.failed} WHERE owed = ${OWED.pending}`);
    return rows.map(([seq, status, headers, body]) => ({
      seq,
      status,
      headers: headers === null ? [] : headers.split('\n'),
      body: Buffer.from(body),
    }));
  }

  #write(job: Job, seen: SeenIndex): unknown {
    if (job.kind === 'receipt') return this.#writeReceipt(job.receipt, job.bodyKey, seen);
    if (job.kind === 'attempt') return this.#writeAttempt(job.attempt, job.body);
    const { forward, status, owed, seqs } = job.settlement;
    const json = forward && JSON.stringify([forward.status, forward.durationMs, forward.error]);
    for (const seq of seqs) this.#settle.run([json, owed ? OWED.failed : null, status, seq]);
    return undefined;
  }

  #writeReceipt(receipt: NewReceipt, bodyKey: Buffer | null, seen: SeenIndex): StoredReceipt {
    const key = bodyKey?.toString('latin1');
    const { duplicate, first } =
      key === undefined ? { duplicate: null, first: null } : seen.classify(receipt.eventId, key);
    const redelivery = duplicate === 'duplicate' && receipt.forwarding && first?.forward === 'failed';
    if (redelivery) {
      this.#oweAgain.run([first.seq]);
      seen.owes(first.seq);
    }
    const info = this.#insertReceipt.run([
      receipt.id,
      receipt.eventId,
      receipt.event,
      receipt.callId,
      receipt.attempt,
      receipt.receivedAt,
      receipt.signature,
      receipt.secret,
      redelivery ? null : duplicate,
      duplicate === 'duplicate' ? null : receipt.latencyMs,
      receipt.transitMs,
      receipt.status,
      receipt.forwarding && duplicate !== 'duplicate' ? OWED.pending : null,
      flagsText(receipt.flags, redelivery),
      receipt.headers.length === 0 ? null : receipt.headers.join('\n'),
      duplicate === 'duplicate' ? null : bodyKey,
      receipt.body,
    ]);
    const seq = Number(info.lastInsertRowid);
    if (key !== undefined && duplicate !== 'duplicate') {
      seen.add({
        seq,
        eventId: receipt.eventId,
        bodyKey: key,
        receivedAt: receipt.receivedAt,
        forward: receipt.forwarding ? 'pending' : 'none',
      });
    }
    return { seq, duplicate: redelivery ? null : duplicate, redelivery, first };
  }

  #writeAttempt(a: Attempt, body: Uint8Array | null): void {
    this.#insertAttempt.run([
      a.id,
      a.eventId,
      a.event,
      a.callId,
      a.endpoint,
      a.url,
      a.attempt,
      a.dueAt,
      a.sentAt,
      a.status,
      a.outcome,
      a.durationMs,
      a.final ? 1 : 0,
      a.run,
      a.replayOf,
      a.error,
      a.fault,
      body,
    ]);
  }

  #lookUp(jobs: Job[]): SeenIndex {
    const seen = new SeenIndex();
    const bodies: (Buffer | null)[] = [];
    const events: (string | null)[] = [];
    for (const job of jobs) {
      if (job.kind !== 'receipt' || job.bodyKey === null) continue;
      bodies.push(job.bodyKey);
      events.push(job.receipt.eventId);
    }
    if (bodies.length === 0) return seen;
    while (bodies.length < BATCH) {
      bodies.push(null);
      events.push(null);
    }
    for (const row of this.#seenBodies.all(bodies) as SeenRow[]) seen.addRow(row);
    for (const row of this.#seenEvents.all(events) as SeenRow[]) seen.addRow(row);
    return seen;
  }
}

type SeenRow = [
  seq: number,
  eventId: string | null,
  bodyKey: Buffer,
  receivedAt: number,
  owed: number | null,
];

/** What is known of the events and bodies of one batch: the earliest receipt of each. */
class SeenIndex {
  readonly #byEvent = new Map<string, Seen>();
  readonly #byBody = new Map<string, Seen>();
  readonly #byBoth = new Map<string, Seen>();

  addRow([seq, eventId, bodyKey, receivedAt, owed]: SeenRow): void {
    this.add({
      seq,
      eventId,
      bodyKey: Buffer.from(bodyKey).toString('latin1'),
      receivedAt,
      forward: forwardState(owed),
    });
  }

  add(seen: Seen): void {
    if (seen.eventId !== null) keepEarliest(this.#byEvent, seen.eventId, seen);
    keepEarliest(this.#byBody, seen.bodyKey, seen);
    keepEarliest(this.#byBoth, both(seen.eventId, seen.bodyKey), seen);
  }

  owes(seq: number): void {
    for (const [key, seen] of this.#byBoth)
      if (seen.seq === seq) this.#byBoth.set(key, { ...seen, forward: 'pending' });
  }

  /** Same id and body: duplicate. Same id, other body: conflict. Other id, same body: suspected replay (contract §2). */
  classify(eventId: string | null, bodyKey: string): Pick<StoredReceipt, 'duplicate' | 'first'> {
    const same = this.#byBoth.get(both(eventId, bodyKey));
    if (same) return { duplicate: 'duplicate', first: same };
    const body = this.#byBody.get(bodyKey);
    if (body && eventId === null) return { duplicate: 'duplicate', first: body };
    const event = eventId === null ? undefined : this.#byEvent.get(eventId);
    if (event) return { duplicate: 'conflict', first: event };
    if (body) return { duplicate: 'suspected_replay', first: body };
    return { duplicate: null, first: null };
  }
}

function keepEarliest(map: Map<string, Seen>, key: string, seen: Seen): void {
  const known = map.get(key);
  if (known === undefined || seen.seq < known.seq) map.set(key, seen);
}

function both(eventId: string | null, bodyKey: string): string {
  return `${eventId ?? ''}\0${bodyKey}`;
}

function forwardState(owed: number | null): FirstReceipt['forward'] {
  if (owed === null) return 'none';
  return owed === OWED.failed ? 'failed' : 'pending';
}

function flagsText(flags: readonly string[], redelivery: boolean): string | null {
  const all = redelivery ? [...flags, 'redelivery'] : flags;
  return all.length === 0 ? null : all.join('\n');
}

function marks(count: number): string {
  return Array(count).fill('?').join(', ');
}

/** Runs a piece of SQLite work and turns its errors into StoreErrors that say what to do. */
function guard<Result>(path: string, work: () => Result): Result {
  try {
    return work();
  } catch (error) {
    throw error instanceof StoreError ? error : storeError(path, error as Error & { code?: string });
  }
}

function storeError(path: string, cause: Error & { code?: string }): StoreError {
  const code = cause.code ?? '';
  if (/BUSY|LOCKED/.test(code)) {
    return new StoreError(`The store ${path} is locked by another process. Try again.`, 'busy', { cause });
  }
  if (/FULL/.test(code)) {
    return new StoreError(`The disk that holds the store ${path} is full. Free some space.`, 'full', {
      cause,
    });
  }
  if (/CORRUPT|NOTADB/.test(code)) return damaged(path, cause.message);
  return new StoreError(
    `The store ${path} cannot be used: ${cause.message} (${code || 'no code'}).`,
    'unavailable',
    { cause },
  );
}
