import { AttemptLine } from './attempt-line.ts';
import { type LineBatch, readLines } from './lines.ts';
import type { LogItem } from './log-item.ts';
import { RecordProblem, recordFromJson } from './record-json.ts';

/** Takes what `scanNdjson` finds, in the file's order. */
export interface NdjsonSink {
  /** A line that is plainly an attempt, good until the next call; false has it read in full, for `item`. */
  attempt(line: AttemptLine, number: number): boolean;
  /** Any other line that holds a record, or should. */
  item(item: LogItem): void;
}

/** Counts what a file holds as fast as it can be read, without making an object of every line. */
export async function scanNdjson(chunks: AsyncIterable<Uint8Array>, sink: NdjsonSink): Promise<void> {
  const line = new AttemptLine();
  for await (const batch of readLines(chunks)) {
    for (const skip of batch.skipped) sink.item(skip);
    const { bytes, bounds, first } = batch;
    for (let i = 0; i < bounds.length; i += 2) {
      const start = bounds[i] as number;
      const end = withoutComma(bytes, start, bounds[i + 1] as number);
      const number = first + i / 2;
      if (line.read(bytes, start, end) && sink.attempt(line, number)) continue;
      const item = readLine(bytes, start, end, number);
      if (item !== null) sink.item(item);
    }
  }
}

/** The records of a file, one at a time. */
export async function* readNdjson(chunks: AsyncIterable<Uint8Array>): AsyncIterable<LogItem> {
  for await (const batch of readLines(chunks)) yield* itemsOf(batch);
}

function* itemsOf({ bytes, bounds, first, skipped }: LineBatch): Iterable<LogItem> {
  yield* skipped;
  for (let i = 0; i < bounds.length; i += 2) {
    const start = bounds[i] as number;
    const item = readLine(bytes, start, withoutComma(bytes, start, bounds[i + 1] as number), first + i / 2);
    if (item !== null) yield item;
  }
}

/** Null for a line that is blank, or is not meant to hold a record. */
function readLine(bytes: Buffer, start: number, end: number, number: number): LogItem | null {
  const text = bytes.toString('utf8', start, end).trim();
  // The brackets of an array with a record a line (`logs export --format json`).
  if (text === '' || text === '[' || text === ']') return null;
  try {
    const record = recordFromJson(JSON.parse(text));
    return record === null ? null : { line: number, record };
  } catch (error) {
    const problem = error instanceof RecordProblem ? error.message : 'not JSON';
    return { line: number, problem };
  }
}

/** In an array with a record a line, all but the last have a comma behind them. */
function withoutComma(bytes: Buffer, start: number, end: number): number {
  return end > start && bytes[end - 1] === 0x2c ? end - 1 : end;
}
