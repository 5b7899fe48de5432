import type { Attempt, Outcome, Receipt, RecordKind } from '../core/record.ts';
import { OUTCOMES } from '../core/record.ts';
import type { LogEntry } from '../core/store.ts';
import { WHOLE_DETAIL } from './credentials.ts';
import { readDetail, readFlags, readForward } from './sqlite-rows.ts';
import { fromText, parseJson, textOf, Unreadable } from './sqlite-text.ts';

/** What a value of a row must be. A time is one that has a date. */
type Shape = 'whole' | 'whole or null' | 'time' | 'time or null' | 'text' | 'text or null';
type Column = readonly [sql: string, shape: Shape];

/** Headers follow on it, which are long. */
const FIRST_LINE = `CASE instr(detail, char(10)) WHEN 0 THEN detail ELSE substr(detail, 1, instr(detail, char(10)) - 1) END`;
/** As a text, which has the last bit, too. */
const DURATION = "printf('%!.17g', duration_ms)";

const COMMON: readonly Column[] = [
  ['seq', 'whole'],
  ['octet_length(body)', 'whole or null'],
  ['id', 'text'],
];
const COLUMNS: Record<RecordKind, readonly Column[]> = {
  attempt: [
    ...COMMON,
    ['event_id', 'text'],
    ['event', 'text or null'],
    ['call_id', 'text or null'],
    ['endpoint', 'text'],
    ['url', 'text'],
    ['attempt', 'whole'],
    ['due_at', 'time'],
    ['sent_at', 'time'],
    ['status', 'whole or null'],
    ['outcome', 'text'],
    [DURATION, 'text'],
    ['final', 'whole'],
    ['run', 'text'],
    ['replay_of', 'text or null'],
    ['error', 'text or null'],
    ['fault', 'text or null'],
  ],
  receipt: [
    ...COMMON,
    ['event_id', 'text or null'],
    ['event', 'text or null'],
    ['call_id', 'text or null'],
    ['received_at', 'time'],
    ['signature', 'text'],
    ['duplicate', 'text or null'],
    ['latency_ms', 'whole or null'],
    ['status', 'whole or null'],
    ['forward', 'text or null'],
    ['flags', 'text or null'],
    ['shown_at', 'time or null'],
  ],
};

type Text = string | null;
type Whole = number | null;
type AttemptRow = [
  ...[seq: number, length: Whole, id: string, eventId: string, event: Text, callId: Text, endpoint: string],
  ...[url: string, attempt: number, dueAt: number, sentAt: number, status: Whole, outcome: Outcome],
  ...[durationMs: string, final: number, run: string, replayOf: Text, error: Text, fault: Text],
];
type ReceiptRow = [
  ...[seq: number, length: Whole, id: string, eventId: Text, event: Text, callId: Text, receivedAt: number],
  ...[signature: Receipt['signature'], duplicate: Receipt['duplicate'], latencyMs: Whole, status: Whole],
  ...[forward: Text, flags: Text, shownAt: Whole],
];

/**
 * A question for a page of entries, whose last value is how many. They come together, because each value that is handed
 * over on its own takes as long as many in one: their columns as JSON, their details, without bodies the first lines of
 * these, and their bodies, one after the other. And they come as bytes, because in a damaged file a text may be none (see
 * sqlite-text.ts).
 */
export function entriesQuery(
  kind: RecordKind,
  { bodies, credentials }: { bodies: boolean; credentials: boolean },
  condition: string,
): string {
  const row = `json_array(${COLUMNS[kind].map(([sql]) => sql).join(', ')})`;
  const whole = credentials ? WHOLE_DETAIL : 'detail';
  const detail = kind === 'attempt' ? 'NULL' : bodies ? whole : FIRST_LINE;
  return `SELECT CAST(group_concat(row, ',') AS BLOB), CAST(group_concat(detail, char(0)) AS BLOB)
    ${bodies ? ", CAST(group_concat(body, '') AS BLOB)" : ''}
    FROM (SELECT ${row} AS row, ${detail} AS detail${bodies ? ', body' : ''} FROM ${kind}s ${condition} LIMIT ?)`;
}

/** What `entriesQuery` has found. */
export type FoundEntries = [
  rows: ArrayBuffer | null,
  details: ArrayBuffer | null,
  bodies?: ArrayBuffer | null,
];

/** The bodies are parts of one piece of memory. Throws Unreadable. */
export function readEntryRows(kind: RecordKind, [json, texts, bytes]: FoundEntries): LogEntry[] {
  if (json === null) return [];
  const rows = parseJson(`[${textOf(json)}]`) as unknown[];
  const bodies = bytes === undefined ? null : new Pieces(bytes === null ? NONE : Buffer.from(bytes));
  if (kind === 'attempt') return rows.map((row) => attemptEntry(checked<AttemptRow>(row, kind), bodies));
  const details = textOf(texts).split('\0');
  if (details.length !== rows.length) throw new Unreadable();
  return rows.map((row, i) => receiptEntry(checked<ReceiptRow>(row, kind), details[i] as string, bodies));
}

const NONE = Buffer.alloc(0);

/** Bodies, to be taken in their order. */
class Pieces {
  readonly #bytes: Buffer;
  #taken = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  next(length: number | null): Buffer | null {
    if (length === null) return null;
    this.#taken += length;
    if (this.#taken > this.#bytes.length) throw new Unreadable();
    return this.#bytes.subarray(this.#taken - length, this.#taken);
  }
}

const LAST_TIME = 8.64e15;

/** A flipped byte may have made a value another kind of value. */
function checked<Row>(row: unknown, kind: RecordKind): Row {
  const fits = Array.isArray(row) && COLUMNS[kind].every(([, shape], i) => isOf(shape, row[i]));
  if (!fits) throw new Unreadable();
  return row as Row;
}

function isOf(shape: Shape, value: unknown): boolean {
  switch (shape) {
    case 'text':
      return typeof value === 'string';
    case 'text or null':
      return value === null || typeof value === 'string';
    case 'whole':
      return Number.isInteger(value);
    case 'whole or null':
      return value === null || Number.isInteger(value);
    case 'time':
      return Number.isInteger(value) && Math.abs(value as number) <= LAST_TIME;
    case 'time or null':
      return value === null || isOf('time', value);
  }
}

function attemptEntry(row: AttemptRow, bodies: Pieces | null): LogEntry {
  const [seq, length, id, eventId, event, callId, endpoint, url, number, dueAt, sentAt, status, ...rest] =
    row;
  const [outcome, duration, final, run, replayOf, error, fault] = rest;
  const durationMs = Number(duration);
  if (!OUTCOMES.includes(outcome) || !Number.isFinite(durationMs)) throw new Unreadable();
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
    durationMs,
    final: final === 1,
    run: fromText(run),
    replayOf: fromText(replayOf),
    error: fromText(error),
    fault: fromText(fault),
  };
  return {
    seq,
    hasBody: length !== null,
    cut: false,
    record: { kind: 'attempt', attempt, headers: null, body: bodies?.next(length) ?? null },
  };
}

const SIGNATURES: ReadonlySet<string> = new Set(['valid', 'missing', 'malformed', 'mismatch', 'unchecked']);
const DUPLICATES: ReadonlySet<string | null> = new Set([null, 'duplicate', 'conflict', 'suspected_replay']);

function receiptEntry(row: ReceiptRow, text: string, bodies: Pieces | null): LogEntry {
  const [seq, length, id, eventId, event, callId, receivedAt, signature, duplicate, latencyMs, ...more] = row;
  const [status, forwarded, flags, shownAt] = more;
  if (!SIGNATURES.has(signature) || !DUPLICATES.has(duplicate)) throw new Unreadable();
  const { headers, asked, attempt, secret, transitMs, bodyBytes: wholeBytes, evidence } = readDetail(text);
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
    flags: readFlags(flags),
    shownAt,
    ...(evidence === undefined ? {} : { evidence }),
  };
  return {
    seq,
    hasBody: length !== null,
    cut: length !== null && length < bodyBytes,
    record: {
      kind: 'receipt',
      receipt,
      headers: bodies === null ? null : headers,
      body: bodies?.next(length) ?? null,
      ...(bodies !== null && answer !== undefined ? { answer } : {}),
      ...(bodies !== null && asked !== '' ? { asked } : {}),
    },
  };
}
