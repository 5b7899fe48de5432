import { shownHeaders } from '../core/credentials.ts';
import { type Cell, toCsv } from '../core/csv.ts';
import { attemptToJson, isCut, type LogRecord, receiptToJson } from '../core/record.ts';
import { maskNumbers, visibleJson } from '../core/redact.ts';
import { escapeCell } from './csv-escapes.ts';

export const EXPORT_FORMATS = ['ndjson', 'json', 'csv'] as const;
export type ExportFormat = (typeof EXPORT_FORMATS)[number];

export interface ExportOptions {
  /** With `headers` and `body_base64`. */
  bodies: boolean;
  /** Callers' numbers in texts and bodies; a masked body says so, and cannot be replayed. */
  masked: boolean;
}

type Row = Record<string, unknown>;

/** A record as an export has it: the keys of contract §3, and its body, or what is kept of it, where that is wanted. */
export function exportRow(record: LogRecord, { bodies, masked }: ExportOptions): Row {
  const mask = (text: string) => (masked ? maskNumbers(text) : text);
  const row: Row = {
    ...(record.kind === 'attempt' ? attemptToJson(record.attempt) : receiptToJson(record.receipt)),
  };
  if (typeof row.error === 'string') row.error = mask(row.error);
  const forward = row.forward as { error: string | null } | null | undefined;
  if (forward?.error) forward.error = mask(forward.error);
  if (!bodies) return row;
  const { headers, body } = record;
  if (headers !== null && headers.length > 0) {
    row.headers = shownHeaders(headers).map(([name, value]) => [name, mask(value)]);
  }
  if (body === null) return row;
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const shown = masked ? Buffer.from(maskNumbers(bytes.toString('latin1')), 'latin1') : bytes;
  row.body_base64 = shown.toString('base64');
  if (!shown.equals(bytes)) row.body_masked = true;
  if (isCut(record)) row.body_cut = true;
  return row;
}

/** A log as text, piece by piece. JSON is an array with a record a line, so that it can be streamed back in. */
export async function* exportLog(
  records: AsyncIterable<LogRecord>,
  format: ExportFormat,
  options: ExportOptions,
): AsyncIterable<string> {
  if (format === 'csv') yield toCsv([COLUMNS]);
  if (format === 'json') yield '[';
  let separator = '\n';
  for await (const record of records) {
    const row = exportRow(record, options);
    if (format === 'csv') yield toCsv([COLUMNS.map((column) => cell(row[column]))]);
    else if (format === 'ndjson') yield `${visibleJson(row)}\n`;
    else {
      yield separator + visibleJson(row);
      separator = ',\n';
    }
  }
  if (format === 'json') yield '\n]\n';
}

/** Both kinds' keys; what a kind does not have is empty. */
const COLUMNS = [
  'kind',
  'id',
  'event_id',
  'event',
  'call_id',
  'endpoint',
  'url',
  'attempt',
  'due_at',
  'sent_at',
  'received_at',
  'signature',
  'secret',
  'duplicate',
  'status',
  'outcome',
  'duration_ms',
  'latency_ms',
  'transit_ms',
  'final',
  'run',
  'replay_of',
  'error',
  'fault',
  'forward',
  'body_bytes',
  'flags',
  'headers',
  'body_base64',
  'body_masked',
  'shown_at',
  'body_sha256',
  'cause',
  'body_cut',
];

function cell(value: unknown): Cell {
  if (value === undefined || value === null) return null;
  if (typeof value === 'number') return value;
  if (typeof value === 'string') return escapeCell(value);
  if (typeof value === 'boolean') return String(value);
  if (Array.isArray(value) && value.every((item) => typeof item === 'string'))
    return value.length === 0 ? null : escapeCell(value.join(' '));
  return escapeCell(JSON.stringify(value));
}
