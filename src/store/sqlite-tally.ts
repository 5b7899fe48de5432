import { AttemptTally, type GroupTally } from '../core/attempt-tally.ts';
import { type ByteHash, hashBytes } from '../core/byte-hash.ts';
import { Interner } from '../core/interner.ts';
import { ReceiptCounter, type ReceiptFacts } from '../core/receipt-tally.ts';
import type { Outcome, Receipt, RecordKind } from '../core/record.ts';
import type { RecordFilter } from '../core/store.ts';
import {
  countedType,
  type EndpointTally,
  emptyReceiptTally,
  type ReceiptTally,
  type Tally,
  TYPE_LENGTH,
} from '../core/tally.ts';
import { type Answer, inTurn, type Question, readAhead } from './read-ahead.ts';
import { type Reader, seqBounds } from './sqlite-read.ts';
import { forgotten } from './sqlite-refused.ts';
import { ESCAPED_BYTES, fromText } from './sqlite-text.ts';
import { matchesNone, type Where, where } from './sqlite-where.ts';

/** How many rows become one run of bytes. */
const WINDOW = 2000;
/** From so many runs on a thread that reads ahead is worth its start. */
const WORTH_A_THREAD = 10;
/** Bytes that no text holds: between fields, between rows, and for a text that is null. */
const FIELD = 0xff;
const ROW = 0xfe;
const NULL = 0xfd;
/** As much of an event's type as it is counted by, also where each of its characters is escaped. */
const EVENT: Column = [`%.${TYPE_LENGTH * ESCAPED_BYTES}s`, nullable('event')];

/**
 * What a row is counted by: how SQLite's `format` writes each column. Those of the group are what many rows have in
 * common: their bytes are looked up as they are, and become texts once.
 */
const ATTEMPT: Layout = {
  kind: 'attempt',
  time: 'sent_at',
  fields: [
    ['%s', 'event_id'],
    ['%d', '10 * (sent_at - due_at + duration_ms) + 0.5'],
  ],
  group: [
    ['%s', 'endpoint'],
    ['%s', 'url'],
    EVENT,
    ['%s', nullable('status')],
    ['%s', 'outcome'],
    ['%d', 'replay_of IS NOT NULL'],
  ],
};
const RECEIPT: Layout = {
  kind: 'receipt',
  time: 'received_at',
  fields: [
    ['%s', nullable('latency_ms')],
    ['%s', nullable('shown_at - received_at + latency_ms')],
  ],
  group: [
    EVENT,
    ['%s', 'signature'],
    ['%s', nullable('duplicate')],
    ['%d', 'status IS NULL OR status BETWEEN 200 AND 299 OR forward IS NOT NULL'],
    ['%d', 'instr(flags, \'"redelivery"\') > 0'],
    ['%d', 'forward IS NOT NULL'],
  ],
};

/** Where rows are read from; `path` is null for a store in memory, which no other thread can see. */
interface RowSource {
  read: Reader;
  path: string | null;
}

interface Layout {
  kind: RecordKind;
  time: 'sent_at' | 'received_at';
  fields: readonly Column[];
  group: readonly Column[];
}
type Column = readonly [form: string, sql: string];

/**
 * Everything a report is made of, in one pass over each table. The rows come out of SQLite as runs of bytes, thousands
 * at a time: handing a million rows over one by one takes three times as long as reading them.
 */
export async function tallyRecords(source: RowSource, filter: RecordFilter): Promise<Tally> {
  const span: Span = { from: null, to: null };
  const endpoints = await tallyAttempts(source, where('attempt', filter, ['fault IS NULL']), span);
  const received = matchesNone('receipt', filter)
    ? emptyReceiptTally()
    : await tallyReceipts(source, where('receipt', filter), span);
  for (const { firstAt, lastAt, count } of await source.read((db) => forgotten(db, filter))) {
    received.receipts += count;
    received.refused += count;
    widen(span, firstAt, lastAt);
  }
  return { endpoints, received, ...span };
}

async function tallyAttempts(source: RowSource, matching: Where, span: Span): Promise<EndpointTally[]> {
  const [first, last] = await source.read((db) => seqBounds(db, 'attempt'));
  const attempts = new AttemptTally(last - first + 1);
  const groups = new Interner<GroupTally>();
  const id: ByteHash = { low: 0, high: 0 };
  const make = (key: Buffer) => attempts.group(toGroup(key));
  for await (const rows of runs(source, ATTEMPT, matching, [first, last], span)) {
    for (let at = 0; at < rows.length; ) {
      const idEnd = next(rows, at, FIELD);
      hashBytes(rows, at, idEnd, id);
      const fieldsEnd = next(rows, idEnd + 1, FIELD);
      const end = next(rows, fieldsEnd + 1, ROW);
      attempts.add(groups.get(rows, fieldsEnd + 1, end, make), id, number(rows, idEnd + 1, fieldsEnd));
      at = end + 1;
    }
  }
  return attempts.endpoints();
}

async function tallyReceipts(source: RowSource, matching: Where, span: Span): Promise<ReceiptTally> {
  const receipts = new ReceiptCounter();
  const facts = new Interner<ReceiptFacts>();
  const within = await source.read((db) => seqBounds(db, 'receipt'));
  for await (const rows of runs(source, RECEIPT, matching, within, span)) {
    for (let at = 0; at < rows.length; ) {
      const latencyEnd = next(rows, at, FIELD);
      const widgetEnd = next(rows, latencyEnd + 1, FIELD);
      const end = next(rows, widgetEnd + 1, ROW);
      const latency = numberOrNull(rows, at, latencyEnd);
      const widget = numberOrNull(rows, latencyEnd + 1, widgetEnd);
      receipts.add(facts.get(rows, widgetEnd + 1, end, toFacts), latency, widget);
      at = end + 1;
    }
  }
  return receipts.end();
}

/** The time of the first and the last record, ms since the epoch. */
type Span = Pick<Tally, 'from' | 'to'>;

const ZERO = 0x30;
const MINUS = 0x2d;

/** The rows of a table as runs of bytes, in order of arrival; widens `span` by their times. */
async function* runs(
  { read, path }: RowSource,
  { kind, time, fields, group }: Layout,
  { sql: condition, values }: Where,
  [first, last]: [number, number],
  span: Span,
): AsyncIterable<Buffer> {
  const columns = [...fields, ...group];
  const form = columns.map(([text]) => text).join(String.fromCharCode(FIELD));
  const row = `format(${text(Buffer.from(form, 'latin1'))}, ${columns.map(([, column]) => column).join(', ')})`;
  const sql = `SELECT CAST(group_concat(${row}, ${text([ROW])}) AS BLOB), CAST(min(${time}) AS INTEGER), CAST(max(${time}) AS INTEGER)
    FROM ${kind}s ${condition === '' ? 'WHERE' : `${condition} AND`} seq > ? AND seq <= ?`;
  const questions = Array.from({ length: Math.ceil((last - first + 1) / WINDOW) }, (_, i) => {
    const after = first - 1 + i * WINDOW;
    return [...values, after, Math.min(last, after + WINDOW)];
  });
  const here = async (question: Question): Promise<Answer> => {
    const [[bytes, ...times]] = await read((db) => db.prepare(sql).raw().all(question) as [Run]);
    return [bytes === null ? null : new Uint8Array(bytes), ...times];
  };
  const found =
    questions.length < WORTH_A_THREAD || path === null
      ? inTurn(questions, here)
      : readAhead(path, sql, questions, here);
  for await (const [run, low, high] of found) {
    if (run === null) continue;
    widen(span, low as number, high as number);
    yield Buffer.from(run.buffer, run.byteOffset, run.byteLength);
  }
}
type Run = [rows: ArrayBuffer | null, low: number | null, high: number | null];

function widen(span: Span, low: number, high: number): void {
  span.from = Math.min(span.from ?? low, low);
  span.to = Math.max(span.to ?? high, high);
}

function nullable(column: string): string {
  return `ifnull(${column}, ${text([NULL])})`;
}

function text(of: Iterable<number>): string {
  return `CAST(x'${Buffer.from([...of]).toString('hex')}' AS TEXT)`;
}

/** Where the byte is next, or where the rows end. Short ways, for which a call into the runtime takes longer. */
function next(rows: Buffer, from: number, byte: number): number {
  let at = from;
  while (at < rows.length && rows[at] !== byte) at += 1;
  return at;
}

function numberOrNull(rows: Buffer, start: number, end: number): number | null {
  return rows[start] === NULL ? null : number(rows, start, end);
}

/** A whole number. */
function number(rows: Buffer, start: number, end: number): number {
  const negative = rows[start] === MINUS;
  let value = 0;
  for (let i = negative ? start + 1 : start; i < end; i++) value = value * 10 + (rows[i] as number) - ZERO;
  return negative ? -value : value;
}

function toGroup(key: Buffer) {
  const [endpoint, url, event, status, outcome, replay] = texts(key);
  return {
    endpoint: endpoint ?? '',
    url: url ?? '',
    event: countedType(event ?? null),
    status: status === null ? null : Number(status),
    outcome: outcome as Outcome,
    replay: replay === '1',
  };
}

function toFacts(key: Buffer): ReceiptFacts {
  const [event, signature, duplicate, accepted, redelivery, forwarded] = texts(key);
  return {
    event: countedType(event ?? null),
    signature: signature as Receipt['signature'],
    duplicate: duplicate as Receipt['duplicate'],
    accepted: accepted === '1' && (signature === 'valid' || signature === 'unchecked'),
    redelivery: redelivery === '1',
    forwarded: forwarded === '1',
  };
}

function texts(key: Buffer): (string | null)[] {
  const found: (string | null)[] = [];
  for (let at = 0; at <= key.length; ) {
    const next = key.indexOf(FIELD, at);
    const end = next < 0 ? key.length : next;
    found.push(key[at] === NULL ? null : fromText(key.toString('utf8', at, end)));
    at = end + 1;
  }
  return found;
}
