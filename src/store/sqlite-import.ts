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
    statementsOf(db).attempt.run(values);
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
  const { duplicate, forward } = receipt;
  const values: Value[] = [];
  const kept = { headers: body === null ? [] : (headers ?? []), body };
  // The receipt comes last: adding to a copy takes far longer than copying into what is there.
  const unused = { timestampMs: null, accepted: false, forwarding: false };
  pushReceipt(values, { ...unused, ...kept, ...receipt }, { duplicate, redelivery: false, bodyKey });
  values.push(forward && JSON.stringify([forward.status, forward.durationMs, forward.error]));
  statementsOf(db).receipt.run(values);
}

/** By what the delivery is known from now on; a record without its body can only be found by its event id. */
function importedKey({ receipt, body }: ReceiptRecord): Buffer | null {
  const first = receipt.duplicate !== 'duplicate' && !receipt.flags.includes('redelivery');
  if (!first || !isAccepted(receipt)) return null;
  if (body === null) return keyOf(Buffer.from(`without a body: ${receipt.id}`), receipt.receivedAt);
  return keyOf(body, parsePayload(body).timestampMs);
}

interface Statements {
  attempt: Database.Statement;
  receipt: Database.Statement;
}

const statements = new WeakMap<Database.Database, Statements>();

/** The connection's own, made once: making one takes longer than a row does. */
function statementsOf(db: Database.Database): Statements {
  let made = statements.get(db);
  if (made === undefined) {
    made = {
      attempt: db.prepare(insertion('attempts', ATTEMPT_COLUMNS)),
      receipt: db.prepare(insertion('receipts', `${RECEIPT_COLUMNS}, forward`)),
    };
    statements.set(db, made);
  }
  return made;
}

function insertion(table: string, columns: string): string {
  return `INSERT INTO ${table} (${columns}) VALUES (${columns.replaceAll(/\w+/g, '?')})`;
}
