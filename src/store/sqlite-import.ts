import type Database from 'libsql';
import { EVIDENCE_BYTES, keepEvidence } from '../core/evidence.ts';
import { parsePayload } from '../core/payload.ts';
import { isAccepted, isCut, isRefused, type LogRecord } from '../core/record.ts';
import { isConstraintError } from './sqlite-errors.ts';
import type { RefusedWriter } from './sqlite-refused.ts';
import { forwardText, OWED, pushReceipt, RECEIPT_COLUMNS, type Value } from './sqlite-rows.ts';
import { keyOf } from './sqlite-write.ts';

type ReceiptRecord = Extract<LogRecord, { kind: 'receipt' }>;

/** Writes a receipt of another log as it is, verdict included, inside a transaction that is under way. */
export function importReceipt(db: Database.Database, record: ReceiptRecord, refused: RefusedWriter): void {
  if (isRefused(record.receipt)) return importRefused(db, asEvidence(record), refused);
  try {
    insertReceipt(db, record, importedKey(record));
  } catch (error) {
    if (!isConstraintError(error)) throw error;
    // The delivery is known here: this record of it is kept, and the one that was first goes on standing for it.
    insertReceipt(db, record, null);
  }
}

function importRefused(db: Database.Database, record: ReceiptRecord, refused: RefusedWriter): void {
  const row = { ...record.receipt, headers: record.headers ?? [], body: record.body };
  refused.makeRoom([row]);
  refused.list([{ seq: insertReceipt(db, record, null), row }]);
}

/** An earlier version kept them whole. */
function asEvidence(record: ReceiptRecord): ReceiptRecord {
  const { receipt, body } = record;
  if (body === null || body.length <= EVIDENCE_BYTES || isCut(record)) return record;
  const kept = { ...receipt, body };
  keepEvidence(kept, receipt.evidence?.cause ?? null);
  const { body: beginning, ...rest } = kept;
  return { ...record, receipt: rest, body: beginning };
}

/** Answers with its seq. */
function insertReceipt(
  db: Database.Database,
  { receipt, headers, body, answer }: ReceiptRecord,
  bodyKey: Buffer | null,
): number {
  const { duplicate, forward, shownAt } = receipt;
  const values: Value[] = [];
  const kept = { headers: body === null ? [] : (headers ?? []), body };
  // The receipt comes last: adding to a copy takes far longer than copying into what is there.
  const unused = { asked: '', timestampMs: null, accepted: false, forwarding: false };
  pushReceipt(
    values,
    { ...unused, ...kept, ...receipt },
    { duplicate, redelivery: false, bodyKey },
    OWED.failed,
  );
  values.push(forward && forwardText(forward, answer), shownAt);
  return Number(insertion(db).run(values).lastInsertRowid);
}

/** By what the delivery is known from now on; a record without its body can only be found by its event id. */
function importedKey({ receipt, body }: ReceiptRecord): Buffer | null {
  const first = receipt.duplicate !== 'duplicate' && !receipt.flags.includes('redelivery');
  if (!first || !isAccepted(receipt)) return null;
  if (body === null) return keyOf(Buffer.from(`without a body: ${receipt.id}`), receipt.receivedAt);
  return keyOf(body, parsePayload(body).timestampMs);
}

const COLUMNS = `${RECEIPT_COLUMNS}, forward, shown_at`;
const INSERTION = `INSERT INTO receipts (${COLUMNS}) VALUES (${COLUMNS.replaceAll(/\w+/g, '?')})`;

const statements = new WeakMap<Database.Database, Database.Statement>();

/** The connection's own, made once: making one takes longer than a row does. */
function insertion(db: Database.Database): Database.Statement {
  const made = statements.get(db) ?? db.prepare(INSERTION);
  statements.set(db, made);
  return made;
}
