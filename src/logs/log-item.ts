import type { LogRecord } from '../core/record.ts';

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
