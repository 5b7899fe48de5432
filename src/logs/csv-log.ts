import { Readable } from 'node:stream';
import { parse } from 'csv-parse';
import { fromCsvText } from '../core/csv.ts';
import { UsageError } from '../core/errors.ts';
import { nearest } from '../core/nearest.ts';
import { parseTimestamp } from '../core/time.ts';
import { AttemptBudget } from './attempt-budget.ts';
import { unescapeCell } from './csv-escapes.ts';
import { foreignAttempt, foreignId } from './foreign-record.ts';
import type { ColumnMap, LogFile, LogItem } from './log-item.ts';
import { LONGEST_MS, RecordProblem, recordFromJson } from './record-json.ts';

/** The fields that a column can hold, and the names they go by: where a file has several, the first of them counts. */
const NAMES: Record<string, readonly string[]> = {
  event_id: ['event_id', 'webhook_id', 'message_id', 'id'],
  event: ['event', 'event_type', 'type'],
  call_id: ['call_id'],
  endpoint: ['endpoint', 'endpoint_name'],
  url: ['url', 'endpoint_url'],
  attempt: ['attempt', 'attempt_number'],
  attempts: ['attempts', 'attempt_count', 'tries'],
  // Beside a code, `status` is a word for how it went.
  status: ['response_code', 'response_status', 'status_code', 'http_status', 'code', 'status'],
  sent_at: ['sent_at', 'last_attempt_at', 'timestamp', 'time', 'created_at', 'received_at', 'date'],
  duration_ms: ['duration_ms', 'latency_ms', 'response_time_ms', 'duration'],
  body: ['body', 'payload', 'request_body'],
  body_base64: ['body_base64'],
};

const WORDS: Record<string, string> = { event_id: 'event ids', status: 'statuses' };

type Row = Record<string, string | null | undefined>;

/** A CSV file with a row of names: our own export, or another log with at least an event id and a status. */
export async function* readCsv(
  file: LogFile,
  columns: ColumnMap,
  needed: readonly string[],
): AsyncIterable<LogItem> {
  const parser = parse({
    bom: true,
    columns: (head: (string | null)[]) =>
      fieldsOf(
        head.map((column) => column ?? ''),
        columns,
        file.name,
        needed,
      ),
    info: true,
    relax_column_count: true,
    relax_quotes: true,
    skip_empty_lines: true,
    // An empty cell is null, one with quotes is an empty text.
    cast: (value, { quoting }) => (value === '' && !quoting ? null : value),
    max_record_size: 16 * 1024 ** 2,
  });
  const input = Readable.from(file.open());
  input.once('error', (error) => parser.destroy(error));
  input.pipe(parser);
  const foreign = { changedAt: file.changedAt, budget: new AttemptBudget() };
  try {
    for await (const found of parser) {
      const { record: row, info } = found as { record: Row; info: { lines: number } };
      yield* itemsOf(row, info.lines, foreign);
    }
  } catch (error) {
    const { code, message } = error as { code?: string; message: string };
    if (code?.startsWith('CSV_') !== true) throw error;
    throw new UsageError(`${file.name} is not CSV: ${message}.`);
  } finally {
    input.destroy();
  }
}

/** A field for each column; false for one that is not wanted. Throws UsageError. */
function fieldsOf(
  head: readonly string[],
  columns: ColumnMap,
  name: string,
  needed: readonly string[],
): (string | false)[] {
  for (const [column, field] of columns) {
    if (!Object.hasOwn(NAMES, field)) {
      const hint = nearest(field, Object.keys(NAMES));
      throw new UsageError(
        `--map: '${field}' is not a field.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${Object.keys(NAMES).join(', ')}.`,
      );
    }
    if (!head.includes(column))
      throw new UsageError(`--map: ${name} has no column '${column}'. It has: ${head.join(', ')}.`);
  }
  if (head.includes('kind') && head.includes('event_id')) return [...head];
  const fields = head.map((column): string | false => columns.get(column) ?? false);
  for (const [field, names] of Object.entries(NAMES)) {
    if (fields.includes(field)) continue;
    for (const name of names) {
      const at = head.findIndex((column) => !columns.has(column) && plain(column) === name);
      if (at < 0) continue;
      fields[at] = field;
      break;
    }
  }
  const missing = needed.find((field) => !fields.includes(field));
  if (missing !== undefined) {
    throw new UsageError(
      `${name} has no column that is known to hold ${WORDS[missing] ?? missing}. It has: ${head.join(', ')}. Say which with --map COLUMN=${missing}.`,
    );
  }
  return fields;
}

/** `Response Code` -> `response_code`. */
function plain(column: string): string {
  return column
    .trim()
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '_');
}

/** What rows of another tool's log go by. */
interface Foreign {
  changedAt: number;
  budget: AttemptBudget;
}

function* itemsOf(row: Row, line: number, foreign: Foreign): Iterable<LogItem> {
  try {
    if (row.kind !== undefined) {
      const record = recordFromJson(fromOwnRow(row));
      if (record !== null) yield { line, record };
      return;
    }
    yield* foreignRecords(row, line, foreign);
  } catch (error) {
    if (!(error instanceof RecordProblem)) throw error;
    yield { line, problem: error.message };
  }
}

/** Our own export, whose cells are JSON's values. */
function fromOwnRow(row: Row): Record<string, unknown> {
  const json: Record<string, unknown> = {};
  for (const [key, cell] of Object.entries(row)) {
    const text = cell === null || cell === undefined ? null : unescapeCell(fromCsvText(cell));
    if (text === null) json[key] = key === 'flags' ? [] : null;
    else if (NUMBERS.has(key)) json[key] = Number(text);
    else if (key === 'final' || key === 'body_masked' || key === 'body_cut') json[key] = text === 'true';
    else if (key === 'flags') json[key] = text.split(' ');
    else if (key === 'forward' || key === 'headers') json[key] = readJson(key, text);
    else json[key] = text;
  }
  return json;
}

const NUMBERS = new Set(['attempt', 'status', 'duration_ms', 'latency_ms', 'transit_ms', 'body_bytes']);

function readJson(key: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new RecordProblem(`${key}: not JSON`);
  }
}

/** `attempts` says how many there were, of which the status is the last one's. */
function* foreignRecords(row: Row, line: number, { changedAt, budget }: Foreign): Iterable<LogItem> {
  const cell = (field: string) => row[field]?.trim() || null;
  const eventId = cell('event_id');
  if (eventId === null) throw new RecordProblem('event_id is missing');
  const last = whole(cell('attempts') ?? cell('attempt'), 'attempts') ?? 1;
  const delivery = {
    eventId,
    event: cell('event'),
    callId: cell('call_id'),
    endpoint: cell('endpoint'),
    url: cell('url'),
    at: moment(cell('sent_at')) ?? changedAt,
    durationMs: durationOf(cell('duration_ms')),
    headers: null,
    body: bodyOf(row),
  };
  const status = statusOf(cell('status'));
  const id = foreignId(`line ${line}`, JSON.stringify(row));
  const first = cell('attempts') === null ? last : 1;
  budget.spend(last - first + 1);
  for (let attempt = first; attempt <= last; attempt++) {
    const about =
      attempt < last
        ? { id: `${id} attempt ${attempt}`, attempt, status: null, final: false }
        : { id, attempt, status, final: true };
    // The first one's body stands for them all.
    const body = attempt === first ? delivery.body : null;
    yield { line, record: foreignAttempt({ ...delivery, ...about, body }) };
  }
}

function bodyOf({ body, body_base64: encoded }: Row): Buffer | null {
  if (encoded) return Buffer.from(encoded, 'base64');
  if (!body) return null;
  if (body.includes('\ufffd'))
    throw new RecordProblem('body: not UTF-8, so its bytes are not known; a body_base64 column keeps any');
  return Buffer.from(body);
}

function moment(text: string | null): number | null {
  if (text === null) return null;
  const at = parseTimestamp(text) ?? parseTimestamp(`${text.replace(' ', 'T')}Z`);
  if (at === null) throw new RecordProblem(`sent_at: '${text.slice(0, 40)}' is not a time (RFC 3339)`);
  return at;
}

/** What is no duration counts as none, for few logs have one at all. */
function durationOf(text: string | null): number {
  const ms = Number(text);
  return ms > 0 && ms < LONGEST_MS ? ms : 0;
}

function statusOf(text: string | null): number | null {
  if (text === null || text === '0' || text === '-') return null;
  const status = Number(text);
  if (Number.isInteger(status) && status >= 100 && status <= 999) return status;
  throw new RecordProblem(`status: '${text.slice(0, 40)}' is not an HTTP status`);
}

function whole(text: string | null, field: string): number | null {
  if (text === null) return null;
  const number = Number(text);
  if (Number.isInteger(number) && number >= 1 && number <= 1000) return number;
  throw new RecordProblem(`${field}: '${text.slice(0, 40)}' is not a count`);
}
