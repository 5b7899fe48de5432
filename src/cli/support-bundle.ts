import { existsSync, writeFileSync } from 'node:fs';
import { arch, platform, release } from 'node:os';
import type { Command } from 'commander';
import { recordedUrl } from '../core/endpoint-identity.ts';
import { EnvironmentError, UsageError } from '../core/errors.ts';
import type { LogRecord } from '../core/record.ts';
import { visibleJson } from '../core/redact.ts';
import { VERSION } from '../core/version.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import { buildReport } from '../report/report.ts';
import { makeSupportBundle, renderSupportBundle, type SupportBundle } from '../report/support-bundle.ts';
import { configuredEndpoints, configuredSchedules } from './configured.ts';
import { confirm } from './confirm.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { type FilterOptions, parseFilter, withFilterOptions } from './log-filter.ts';
import { wholeNumber, withConfigOption, withOutputOptions, withStoreOption } from './options.ts';

interface BundleOptions extends CommonOptions, FilterOptions {
  limit: number;
  output?: string;
  yes?: boolean;
}

export function configure(command: Command, start: StartContext): void {
  withFilterOptions(withConfigOption(withStoreOption(withOutputOptions(command))))
    .option('--limit <n>', 'how many of the latest records', wholeNumber(0), 50)
    .option('-o, --output <file>', 'write it to a file too, once you have seen it')
    .option('-y, --yes', 'write without being asked')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify support-bundle --since 24h
  mo-notify support-bundle --status failed -o bundle.md`,
    )
    .action(async (options: BundleOptions) => {
      const context = start(options);
      if (options.showNumbers === true)
        throw new UsageError('--show-numbers: a support bundle goes to others, so its numbers stay masked.');
      if (options.output !== undefined && existsSync(options.output))
        throw new UsageError(`--output: ${options.output} is there already, and is left as it is.`);
      const bundle = await gather(context, options);
      const text = options.json === true ? visibleJson(bundle) : renderSupportBundle(bundle);
      context.print(text);
      if (options.output !== undefined) await keep(context, text, options.output, options.yes === true);
    });
}

async function gather(context: Context, options: BundleOptions): Promise<SupportBundle> {
  const now = context.io.now();
  const filter = parseFilter(options, now);
  const store = await context.recordedStore();
  const read = (kind: 'attempt' | 'receipt') => store.entries(kind, filter, { newestFirst: true });
  const latest: LogRecord[] = [];
  for await (const { record } of mergeByTime(read('attempt'), read('receipt'), 'newest first')) {
    if (latest.length === options.limit) break;
    latest.push(record);
  }
  const window = { from: filter.since ?? null, to: filter.until ?? null };
  const scheduleOf = await configuredSchedules(context);
  // A report of failures alone would say that nothing works.
  const { status, ...judged } = filter;
  const report = buildReport(await store.tally(judged), window, { scheduleOf });
  const registered = Object.entries(await configuredEndpoints(context)).filter(
    ([name, { url }]) =>
      filter.endpoint === undefined || filter.endpoint === name || filter.endpoint === recordedUrl(url),
  );
  return makeSupportBundle(latest, report, Object.fromEntries(registered), {
    now,
    versions: { 'mo-notify': VERSION, node: process.version, [platform()]: `${release()} ${arch()}` },
  });
}

/** What is written is what was shown. */
async function keep(context: Context, text: string, path: string, sure: boolean): Promise<void> {
  if (!sure && !(await confirm(context, `Write this to ${path}?`)))
    throw new UsageError(`Nothing was written. Say --yes to write ${path} without being asked.`);
  try {
    writeFileSync(path, `${text}\n`, { flag: 'wx', mode: 0o600 });
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new EnvironmentError(`--output: ${path} cannot be written (${code}).`, { cause });
  }
  context.note(`Wrote ${path}.`);
}
