import { hash } from 'node:crypto';
import type Database from 'libsql';
import { parsePayload } from '../core/payload.ts';
import { isAccepted, type LogRecord } from '../core/record.ts';
import { isConstraintError } from './sqlite-errors.ts';
import { ATTEMPT_COLUMNS, pushAttempt, pushReceipt, RECEIPT_COLUMNS, type Value } from './sqlite-rows.ts';
import { keyOf } from './sqlite-write.ts';

/** Writes a record of another log as it is, inside a transaction that is under way. */
export function insertRecord(db: Database.Database, record: LogRecord): void {
  const values: Value[] = [];
  if (record.kind === 'attempt') {
    pushAttempt(values, record.attempt, record.body);
    insert(db, 'attempts', ATTEMPT_COLUMNS, values);
    return;
  }
  try {
    insertReceipt(db, record, importedKey(record));
  } catch (error) {
    if (!isConstraintError(error)) throw error;
    // The delivery is known here: this record of it is kept, and the one that was first goes on standing for it.
    insertReceipt(db, record, null);
  }
}

type ReceiptRecord = Extract<LogRecord, { kind: 'receipt' }>;

function insertReceipt(
  db: Database.Database,
  { receipt, headers, body }: ReceiptRecord,
  bodyKey: Buffer | null,
): void {
  const { duplicate, forward, attempt, secret, transitMs, bodyBytes } = receipt;
  const values: Value[] = [];
  const unused = { timestampMs: null, accepted: false, forwarding: false };
  pushReceipt(
    values,
    { ...receipt, ...unused, headers: headers ?? [], body: body ?? new Uint8Array() },
    { duplicate, redelivery: false, bodyKey },
  );
  const seq = insert(db, 'receipts', RECEIPT_COLUMNS, values);
  if (forward !== null) {
    const json = JSON.stringify([forward.status, forward.durationMs, forward.error]);
    db.prepare('UPDATE receipts SET forward = ? WHERE seq = ?').run([json, seq]);
  }
  if (body === null) {
    const known = JSON.stringify([attempt, secret, transitMs, bodyBytes]);
    db.prepare('UPDATE receipts SET body = NULL, detail = ? WHERE seq = ?').run([known, seq]);
  }
}

/** By what the delivery is known from now on; a record without its body can only be found by its event id. */
function importedKey({ receipt, body }: ReceiptRecord): Buffer | null {
  const first = receipt.duplicate !== 'duplicate' && !receipt.flags.includes('redelivery');
  if (!first || !isAccepted(receipt)) return null;
  if (body === null) return hash('sha256', `without a body: ${receipt.id}`, 'buffer');
  return keyOf(body, parsePayload(body).timestampMs);
}

function insert(db: Database.Database, table: string, columns: string, values: Value[]): number {
  const marks = columns.replaceAll(/\w+/g, '?');
  const { lastInsertRowid } = db.prepare(`INSERT INTO ${table} (${columns}) VALUES (${marks})`).run(values);
  return Number(lastInsertRowid);
}
