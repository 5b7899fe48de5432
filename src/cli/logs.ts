import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { EXIT, UsageError } from '../core/errors.ts';
import type { LogRecord, RecordKind } from '../core/record.ts';
import type { LogEntry, ReadOptions, RecordFilter, Store } from '../core/store.ts';
import { EXPORT_FORMATS, exportRow } from '../logs/export-log.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { type FilterOptions, parseFilter, withFilterOptions } from './log-filter.ts';
import { recordLine } from './log-lines.ts';
import { exportRecords, importRecords, prune } from './logs-move.ts';
import { show } from './logs-show.ts';
import { oneOf, wholeNumber, withLogSourceOptions, withOutputOptions, withStoreOption } from './options.ts';
import { action, subcommand } from './subcommands.ts';

export interface ListOptions extends CommonOptions, FilterOptions {
  limit: number;
  kind?: RecordKind;
  cursor?: string;
  withBodies?: boolean;
}

interface TailOptions extends ListOptions {
  follow?: boolean;
}

const POLL_MS = 250;

export function configure(command: Command, start: StartContext): void {
  const sub = (words: string, summary: string, example: string) =>
    withStoreOption(withOutputOptions(subcommand(command, words, summary, example)));
  const kind = () => oneOf('--kind <kind>', 'only what was sent (attempt) or received (receipt)', KINDS);

  withFilterOptions(sub('list', 'what is on record, the latest first', 'list --status failed --since 2h'))
    .addOption(kind())
    .option('--limit <n>', 'how many', wholeNumber(1), 50)
    .option('--cursor <place>', 'go on where an earlier page ended; that page names it')
    .option('--with-bodies', 'in --json: with headers and bodies')
    .action(action(start, list));
  sub('show <event-id>', 'the whole story of one event, and of its call', 'show ev_01J9ZK')
    .option('--no-body', 'leave out headers and body')
    .action(action(start, show));
  withFilterOptions(sub('tail', 'the latest records, and new ones as they come', 'tail -f --event missed'))
    .option('-f, --follow', 'wait for new ones until Ctrl-C')
    .addOption(kind())
    .option('-n, --limit <n>', 'how many to begin with', wholeNumber(0), 10)
    .option('--with-bodies', 'in --json: with headers and bodies')
    .action(action(start, tail));
  withLogSourceOptions(
    sub('import <file>', 'add the records of a file, or of - for standard input', 'import deliveries.ndjson'),
  ).action(action(start, importRecords));
  withFilterOptions(
    sub('export', 'write records to a file or stdout', 'export --since 24h -o deliveries.ndjson'),
  )
    .addOption(kind())
    .addOption(oneOf('--format <format>', 'how they are written', EXPORT_FORMATS).default('ndjson'))
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .option('--with-bodies', 'with headers and bodies; --show-numbers has them fit for replay')
    .action(action(start, exportRecords));
  sub('prune', 'remove old records; says what it will remove', 'prune --before 30d --dry-run')
    .requiredOption('--before <time>', 'records from before then: ISO 8601, or how long ago (30d)')
    .option('--keep-keys <time>', 'how long a late copy is still known as a duplicate', '7d')
    .option('--dry-run', 'say what would be removed, remove nothing')
    .option('-y, --yes', 'do not ask')
    .action(action(start, prune));
  command.addHelpText(
    'after',
    `
Examples:
  mo-notify logs list --status failed --since 2h
  mo-notify logs show ev_01J9ZK
  mo-notify logs tail -f
  mo-notify logs export --with-bodies --show-numbers -o deliveries.ndjson`,
  );
}

const KINDS = ['attempt', 'receipt'] as const;

async function list(context: Context, options: ListOptions): Promise<void> {
  const filter = parseFilter(options, context.io.now());
  const store = await context.recordedStore();
  const cursor = parseCursor(options.cursor);
  const last: Record<RecordKind, number> = { ...cursor };
  let shown = 0;
  let more = false;
  const read = (kind: RecordKind) =>
    entriesOf(store, kind, filter, options, {
      newestFirst: true,
      ...(cursor[kind] === 0 ? {} : { after: cursor[kind] }),
    });
  for await (const { seq, record } of mergeByTime(read('attempt'), read('receipt'), 'newest first')) {
    if (shown === options.limit) {
      more = true;
      break;
    }
    shown += 1;
    last[record.kind] = seq;
    print(context, record, options);
  }
  const next = `${last.attempt}.${last.receipt}`;
  if (shown === 0) context.note(`No records match in ${store.location}.`);
  else if (more && options.json === true) context.printJson({ type: 'page', cursor: next });
  else if (more) context.note(`Older ones: --cursor ${next}`);
}

async function tail(context: Context, options: TailOptions): Promise<void> {
  const filter = parseFilter(options, context.io.now());
  const store = await context.recordedStore();
  const reached = { attempt: await store.last('attempt'), receipt: await store.last('receipt') };
  const latest: LogRecord[] = [];
  const read = (kind: RecordKind) =>
    entriesOf(store, kind, filter, options, { newestFirst: true, through: reached[kind] });
  for await (const { record } of mergeByTime(read('attempt'), read('receipt'), 'newest first')) {
    if (latest.length >= options.limit) break;
    latest.unshift(record);
  }
  for (const record of latest) print(context, record, options);
  if (options.follow !== true) return;
  const ended = AbortSignal.any([context.io.interrupted, context.io.closed]);
  while (!ended.aborted) {
    for (const kind of KINDS) {
      for await (const { seq, record } of entriesOf(store, kind, filter, options, { after: reached[kind] })) {
        reached[kind] = seq;
        print(context, record, options);
      }
    }
    await sleep(POLL_MS, undefined, { signal: ended }).catch(() => {});
  }
  if (context.io.interrupted.aborted) context.exitCode = EXIT.interrupted;
}

function print(context: Context, record: LogRecord, { json, withBodies, showNumbers }: ListOptions): void {
  if (json !== true) return context.print(recordLine(record, context));
  context.printJson(exportRow(record, { bodies: withBodies === true, masked: showNumbers !== true }));
}

async function* entriesOf(
  store: Store,
  kind: RecordKind,
  filter: RecordFilter,
  { kind: wanted, withBodies }: ListOptions,
  options: ReadOptions,
): AsyncIterable<LogEntry> {
  if (wanted !== undefined && wanted !== kind) return;
  yield* store.entries(kind, filter, { ...options, bodies: withBodies === true });
}

/** `12.34`: the places of the last attempt and the last receipt that were shown. */
function parseCursor(text: string | undefined): Record<RecordKind, number> {
  if (text === undefined) return { attempt: 0, receipt: 0 };
  const match = /^(\d{1,15})\.(\d{1,15})$/.exec(text);
  if (match === null)
    throw new UsageError(`--cursor: '${text}' is not a place. Give the one that a page ended with.`);
  return { attempt: Number(match[1]), receipt: Number(match[2]) };
}
