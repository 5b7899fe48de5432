import type { LogRecord } from '../../src/core/record.ts';
import { readLog } from '../../src/logs/log-file.ts';
import type { LogFormat } from '../../src/logs/log-format.ts';
import type { ColumnMap, LogFile, LogItem } from '../../src/logs/log-item.ts';
import { AT, collect } from './records.ts';

/** A log that is in memory alone, read `chunk` bytes at a time. */
export function logFile(content: string | Uint8Array, chunk = 1024): LogFile {
  const bytes = Buffer.from(content);
  return {
    name: 'a log',
    size: bytes.length,
    changedAt: AT,
    async *open() {
      for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk);
    },
  };
}

/** What a log holds: its records, and the lines that hold none. */
export async function readAll(
  content: string | Uint8Array,
  format: LogFormat,
  columns: ColumnMap = new Map(),
): Promise<{ records: LogRecord[]; skipped: { line: number; problem: string }[] }> {
  const items: LogItem[] = await collect(readLog(logFile(content), format, columns));
  return {
    records: items.flatMap((item) => ('record' in item ? [item.record] : [])),
    skipped: items.flatMap((item) => ('record' in item ? [] : [item])),
  };
}
