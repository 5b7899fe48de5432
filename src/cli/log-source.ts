import { randomUUID } from 'node:crypto';
import { createReadStream, createWriteStream, mkdtempSync, rmSync, type Stats, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { EnvironmentError, UsageError } from '../core/errors.ts';
import { visible } from '../core/redact.ts';
import { detectFormat } from '../logs/log-file.ts';
import type { LogFormat } from '../logs/log-format.ts';
import type { ColumnMap, LogFile } from '../logs/log-item.ts';
import type { Skips } from '../logs/skips.ts';
import type { Context } from './context.ts';

/** Larger ones live so long that they pile up before they are let go of, smaller ones take more time. */
const CHUNK = 256 * 1024;

/** A log that a command was pointed at. */
export interface LogSource {
  file: LogFile;
  format: LogFormat;
  columns: ColumnMap;
}

export interface LogSourceOptions {
  map?: string[];
  from?: string;
}

/** Opens a file, or standard input for `-`, for as long as `work` takes. Throws UsageError. */
export async function withLogSource<Result>(
  context: Context,
  source: string,
  options: LogSourceOptions,
  work: (source: LogSource) => Promise<Result>,
): Promise<Result> {
  const columns = parseColumns(options.map ?? []);
  const name = source === '-' ? 'standard input' : source;
  const given = resolve(context.io.cwd, source);
  const once = source === '-' ? Readable.from(context.io.stdin) : pipeAt(given, name);
  const spool = once === null ? null : await keep(once, name);
  try {
    const file = openFile(spool?.path ?? given, name);
    const format = (options.from as LogFormat | undefined) ?? (await detectFormat(file));
    return await work({ file, format, columns });
  } finally {
    spool?.remove();
  }
}

/** Says which lines were left out, where people look. */
export function warnOfSkips(context: Context, { count, named }: Skips, name: string): void {
  if (count === 0) return;
  const lines = named.map(({ line, problem }) => `  line ${line}: ${visible(context.masked(problem), 160)}`);
  const more = count > named.length ? [`  and ${count - named.length} more`] : [];
  const what = count === 1 ? '1 line holds' : `${count} lines hold`;
  context.warn(
    [
      `mo-notify: ${what} no record in ${visible(name)} and ${count === 1 ? 'was' : 'were'} skipped:`,
      ...lines,
      ...more,
    ].join('\n'),
  );
}

/** `response_code=status` -> column and field. Throws UsageError. */
function parseColumns(texts: readonly string[]): ColumnMap {
  return new Map(
    texts.map((text): [string, string] => {
      const at = text.lastIndexOf('=');
      if (at < 1) throw new UsageError(`--map: '${text}' is not COLUMN=FIELD, such as 'Response=status'.`);
      return [text.slice(0, at), text.slice(at + 1)];
    }),
  );
}

function openFile(path: string, name: string): LogFile {
  const about = look(path, name);
  if (about.isDirectory()) throw new UsageError(`${name} is a folder. Name a file.`);
  return { name, size: about.size, changedAt: Math.floor(about.mtimeMs), open: () => read(path, name) };
}

function look(path: string, name: string): Stats {
  try {
    return statSync(path);
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

async function* read(path: string, name: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(path, { highWaterMark: CHUNK });
  } catch (cause) {
    throw unreadable(name, cause);
  }
}

function unreadable(name: string, cause: unknown): UsageError {
  return new UsageError(`${name} cannot be read (${(cause as NodeJS.ErrnoException).code}).`, { cause });
}

/** What is there where that is a pipe, such as bash makes of `<(zcat log.gz)`; null for anything else. */
function pipeAt(path: string, name: string): Readable | null {
  return look(path, name).isFIFO() ? createReadStream(path) : null;
}

/** A pipe can be read once, and a log is read twice: counted, then used. */
async function keep(input: Readable, name: string): Promise<{ path: string; remove: () => void }> {
  const folder = mkdtempSync(join(tmpdir(), 'mo-notify-'));
  const path = join(folder, randomUUID());
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    await pipeline(input, createWriteStream(path, { mode: 0o600 }));
    return { path, remove };
  } catch (cause) {
    remove();
    throw new EnvironmentError(
      `What ${name} holds cannot be kept in ${tmpdir()} while it is read (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  }
}
