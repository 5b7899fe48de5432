import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { hashText } from '../core/byte-hash.ts';
import { EnvironmentError, EXIT, StoreError, UsageError } from '../core/errors.ts';
import { EventTable } from '../core/event-table.ts';
import type { LogRecord, RecordKind } from '../core/record.ts';
import type { LogEntry, Store } from '../core/store.ts';
import { formatDuration, formatTimestamp, parseMoment, parseSpan } from '../core/time.ts';
import { type ExportFormat, exportLog } from '../logs/export-log.ts';
import { readLog } from '../logs/log-file.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import { Skips } from '../logs/skips.ts';
import { longestRetries } from './configured.ts';
import { confirm } from './confirm.ts';
import type { CommonOptions, Context } from './context.ts';
import { type FilterOptions, parseFilter } from './log-filter.ts';
import { type LogSourceOptions, warnOfSkips, withLogSource } from './log-source.ts';
import { withProgress } from './progress.ts';

interface ExportOptions extends CommonOptions, FilterOptions {
  kind?: RecordKind;
  format: ExportFormat;
  output?: string;
  withBodies?: boolean;
}

export async function exportRecords(context: Context, options: ExportOptions): Promise<void> {
  const filter = parseFilter(options, context.io.now());
  const store = await context.recordedStore();
  const bodies = options.withBodies === true;
  const masked = options.showNumbers !== true;
  // What comes in meanwhile is for the next export.
  const through = { attempt: await store.last('attempt'), receipt: await store.last('receipt') };
  let count = 0;
  async function* records(): AsyncIterable<LogRecord> {
    const read = (kind: RecordKind) =>
      options.kind !== undefined && options.kind !== kind
        ? nothing()
        : store.entries(kind, filter, { bodies, through: through[kind] });
    for await (const { record } of mergeByTime(read('attempt'), read('receipt'), 'oldest first')) {
      if (context.io.closed.aborted || context.io.interrupted.aborted) return;
      count += 1;
      yield record;
    }
  }
  const text = exportLog(records(), options.format, { bodies, masked });
  const write = async () => {
    if (options.output !== undefined) return writeTo(options.output, text);
    for await (const piece of text) context.io.stdout.write(piece);
  };
  // On a terminal the records themselves are the progress.
  if (options.output === undefined && context.io.stdout.isTTY) await write();
  else await withProgress(context, () => `${count.toLocaleString('en-US')} records written`, write);
  if (context.io.interrupted.aborted) context.exitCode = EXIT.interrupted;
  context.note(`${count} records${options.output === undefined ? '' : ` in ${options.output}`}.`);
  if (bodies && masked)
    context.note('Numbers are masked, so these bodies cannot be replayed; with --show-numbers they can.');
}

async function* nothing(): AsyncIterable<LogEntry> {}

/** Records hold callers' numbers even where they are masked: the file is nobody else's to read. */
async function writeTo(path: string, text: AsyncIterable<string>): Promise<void> {
  try {
    await pipeline(Readable.from(text), createWriteStream(path, { mode: 0o600 }));
  } catch (cause) {
    if (cause instanceof StoreError) throw cause;
    throw new EnvironmentError(
      `--output: ${path} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  }
}

const AT_ONCE = 256;

export async function importRecords(
  context: Context,
  source: string,
  options: CommonOptions & LogSourceOptions,
): Promise<void> {
  const store = await context.store();
  await withLogSource(context, source, options, async ({ file, format, columns }) => {
    const known = await knownIds(store);
    const skips = new Skips();
    const counts = { imported: 0, known: 0 };
    const read = async () => {
      const underWay: Promise<void>[] = [];
      for await (const item of readLog(file, format, columns, ['event_id', 'status'])) {
        if (context.io.interrupted.aborted) break;
        if (!('record' in item)) skips.add(item);
        else if (known.add(item.record)) {
          counts.imported += 1;
          const adding = store.addRecord(item.record);
          // It may fail while the file is being read, before anybody waits for it.
          adding.catch(() => {});
          underWay.push(adding);
          if (underWay.length >= AT_ONCE) await Promise.all(underWay.splice(0));
        } else counts.known += 1;
      }
      await Promise.all(underWay);
    };
    const line = () => `${(counts.imported + counts.known).toLocaleString('en-US')} records read`;
    await withProgress(context, line, read);
    warnOfSkips(context, skips, file.name);
    if (context.options.json === true)
      context.printJson({ imported: counts.imported, known: counts.known, skipped: skips.count });
    else {
      const again = counts.known === 0 ? '' : `, ${counts.known} were there already`;
      context.print(`${counts.imported} records imported into ${store.location}${again}`);
    }
    if (skips.count > 0) context.exitCode = EXIT.shortfall;
    if (context.io.interrupted.aborted) context.exitCode = EXIT.interrupted;
  });
}

/** The records of a store by their ids, so that a file that is imported twice is there once. */
async function knownIds(store: Store): Promise<{ add: (record: LogRecord) => boolean }> {
  const ids = new EventTable();
  const hash = { low: 0, high: 0 };
  const add = (record: LogRecord) => {
    const { id } = record.kind === 'attempt' ? record.attempt : record.receipt;
    hashText(id, hash);
    ids.find(hash, record.kind === 'attempt' ? 0 : 1, 0);
    return ids.added;
  };
  for (const kind of ['attempt', 'receipt'] as const)
    for await (const { record } of store.entries(kind, {})) add(record);
  return { add };
}

interface PruneOptions extends CommonOptions {
  before: string;
  keepKeys: string;
  dryRun?: boolean;
  yes?: boolean;
}

export async function prune(context: Context, options: PruneOptions): Promise<void> {
  const now = context.io.now();
  const before = parseMoment(options.before, now, '--before');
  const keepMs = parseSpan(options.keepKeys, '--keep-keys');
  const horizon = await longestRetries(context);
  if (keepMs < horizon) {
    throw new UsageError(
      `--keep-keys: '${options.keepKeys}' is less than the ${formatDuration(horizon)} over which a delivery may be retried; its retries would count as new. Write ${Math.ceil(horizon / 1000)}s or more.`,
    );
  }
  const store = await context.recordedStore();
  const counts = await store.prune(before, now - keepMs, { dryRun: true });
  const { attempts, receipts, keys, owed } = counts;
  const json = options.json === true;
  if (!json) {
    context.print(`From before ${formatTimestamp(before)} in ${store.location}:`);
    context.print(`  ${attempts} attempts, ${receipts} receipts`);
    if (keys > 0)
      context.print(`  of ${keys} receipts the key stays, so that late copies are still duplicates`);
    if (owed > 0) context.print(`  ${owed} receipts stay: an app has yet to be given their events`);
  }
  const dry = options.dryRun === true;
  const empty = attempts + receipts === 0;
  if (!dry && !empty && options.yes !== true && !(await confirm(context, 'Remove them?'))) {
    throw new UsageError('Nothing was removed. Say --yes to remove them without being asked.');
  }
  // Even where no record goes, keys that an earlier prune left may have outlived their time.
  const remove = () => store.prune(before, now - keepMs, { dryRun: false });
  if (!dry) await withProgress(context, () => 'removing records', remove);
  if (json) context.printJson({ type: 'prune', removed: !dry, ...counts });
  else
    context.note(
      dry || empty ? 'Nothing was removed.' : 'Removed; the file keeps its size, and fills it again.',
    );
}
