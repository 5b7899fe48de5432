import type { LogRecord } from '../core/record.ts';
import { readCsv } from './csv-log.ts';
import { readDocument } from './document-log.ts';
import type { LogFormat } from './log-format.ts';
import { readNdjson } from './ndjson-log.ts';

/** A log on disk. It can be read more than once: counted first, then sent. */
export interface LogFile {
  /** Its name, for messages. */
  name: string;
  size: number;
  /** When it was last changed, ms since the epoch: for records that do not say when they were made. */
  changedAt: number;
  open(): AsyncIterable<Uint8Array>;
}

/** A record of a file, or why a line of it is none. Lines count from 1; documents count their entries. */
export type LogItem = { line: number; record: LogRecord } | { line: number; problem: string };

/** Which column of a CSV file holds which field, beside those known by their names. */
export type ColumnMap = ReadonlyMap<string, string>;

/** The records of a file in its order. Throws UsageError where the whole of it is not what its format promises. */
export function readLog(file: LogFile, format: LogFormat, columns: ColumnMap): AsyncIterable<LogItem> {
  switch (format) {
    case 'ndjson':
      return readNdjson(file.open());
    case 'csv':
      return readCsv(file, columns);
    default:
      return readDocument(file, format);
  }
}

const SAMPLE = 65_536;

/** What a file's beginning looks like. */
export async function detectFormat(file: LogFile): Promise<LogFormat> {
  const start = await beginning(file);
  const text = start
    .toString('utf8')
    .replace(/^\ufeff/, '')
    .trimStart();
  if (start[0] === 0xff || start[0] === 0xfe) return 'ndjson';
  if (text.startsWith('[')) return /^\[\s*\n\s*\{.*\},?\r?\n/.test(text) ? 'ndjson' : 'json';
  if (/^[A-Z]+ \S+ HTTP\/[\d.]+\r?\n/.test(text) || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: .*\r?\n/.test(text))
    return 'http';
  if (!text.startsWith('{')) return 'csv';
  const [first = '', second = ''] = text.split('\n').filter((line) => line.trim() !== '');
  if (isObject(first) || second.startsWith('{')) return 'ndjson';
  return /"log"\s*:\s*\{/.test(text) && /"entries"/.test(text) ? 'har' : 'json';
}

function isObject(line: string): boolean {
  try {
    const value: unknown = JSON.parse(line);
    return typeof value === 'object' && value !== null && !('log' in value);
  } catch {
    return false;
  }
}

async function beginning(file: LogFile): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of file.open()) {
    chunks.push(chunk);
    size += chunk.length;
    if (size >= SAMPLE) break;
  }
  return Buffer.concat(chunks).subarray(0, SAMPLE);
}
