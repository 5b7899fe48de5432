import { readCsv } from './csv-log.ts';
import { decodeText } from './decode-text.ts';
import { readDocument } from './document-log.ts';
import type { LogFormat } from './log-format.ts';
import type { ColumnMap, LogFile, LogItem } from './log-item.ts';
import { readNdjson } from './ndjson-log.ts';

/** The records of a file in its order; another tool's CSV has to have the `needed` fields. Throws UsageError where the whole of it is not what its format promises. */
export function readLog(
  file: LogFile,
  format: LogFormat,
  columns: ColumnMap,
  needed: readonly string[] = ['event_id'],
): AsyncIterable<LogItem> {
  switch (format) {
    case 'ndjson':
      return readNdjson(file.open());
    case 'csv':
      return readCsv(file, columns, needed);
    default:
      return readDocument(file, format);
  }
}

const SAMPLE = 65_536;

/** What a file's beginning looks like. */
export async function detectFormat(file: LogFile): Promise<LogFormat> {
  const start = await beginning(file);
  const text = decodeText(start).trimStart();
  if (/^[A-Z]+ \S+ HTTP\/[\d.]+\r?\n/.test(text) || /^[!#$%&'*+.^_`|~0-9A-Za-z-]+: .*\r?\n/.test(text))
    return 'http';
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [first = '', second = ''] = lines;
  if (text.startsWith('['))
    return first.trim() === '[' && isObject(second.replace(/,\s*$/, '')) ? 'ndjson' : 'json';
  // A first line that is spoilt has others behind it.
  if (!text.startsWith('{'))
    return lines.some((line) => line[0] === '{' && isObject(line)) ? 'ndjson' : 'csv';
  if (isObject(first) || second.startsWith('{')) return 'ndjson';
  if (/^\{\s*"log"\s*:/.test(text) || (/"log"\s*:\s*\{/.test(text) && /"entries"/.test(text))) return 'har';
  // One line that goes on beyond the sample is a record with a large body.
  return lines.length === 1 && start.length === SAMPLE ? 'ndjson' : 'json';
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
