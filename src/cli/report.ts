import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { EnvironmentError, EXIT, UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { parseThreshold } from '../core/kpi.ts';
import type { RecordFilter } from '../core/store.ts';
import type { Tally } from '../core/tally.ts';
import { parseMoment } from '../core/time.ts';
import { FORMAT_NAMES, type Format, RENDERERS } from '../report/formats.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { buildReport, type Report, reportPasses } from '../report/report.ts';
import type { Context, StartContext } from './context.ts';
import type { LogSourceOptions } from './log-source.ts';
import { collect, oneOf, withLogSourceOptions, withOutputOptions, withStoreOption } from './options.ts';

interface ReportOptions extends LogSourceOptions {
  since?: string;
  until?: string;
  endpoint?: string;
  event?: string;
  run?: string;
  format?: Format;
  output?: string;
  threshold?: string[];
  strict?: boolean;
  json?: boolean;
}

export function configure(command: Command, start: StartContext): void {
  withLogSourceOptions(withStoreOption(withOutputOptions(command)))
    .argument('[source]', 'a log to judge instead of the store: a file, or - for standard input')
    .option('--since <time>', 'only records from then on: ISO 8601, or how long ago (2h)')
    .option('--until <time>', 'only records before then')
    .option('--endpoint <name>', 'only attempts at this endpoint (its name, host or URL)')
    .option('-e, --event <type>', 'only this event type')
    .option('--run <id>', 'only attempts of this run')
    .addOption(oneOf('--format <format>', 'how to write it (default: table)', FORMAT_NAMES))
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .option('--threshold <expr>', "judge by this instead: 'success_rate>=99.9%'; repeatable", collect)
    .option('--strict', 'only strong evidence passes')
    .addHelpText(
      'after',
      "\nExample:\n  mo-notify report --since 2h --threshold 'webhook_latency_median<=2s'",
    )
    .action(async (source: string | undefined, options: ReportOptions) => {
      const context = start(options);
      const { filter, thresholds } = readOptions(options, context);
      const { tally, skipped, location } = await tallySource(context, source, options, filter);
      const report = buildReport(tally, { from: filter.since ?? null, to: filter.until ?? null }, thresholds);
      await deliver(report, options, context);
      summarizeStep(report, context);
      const passes = reportPasses(report, options.strict === true) && skipped === 0;
      context.exitCode = passes ? EXIT.ok : EXIT.shortfall;
      if (tally.from === null) {
        context.note(
          `No records match in ${location}. 'mo-notify listen' or 'mo-notify send-test' makes some.`,
        );
      }
    });
}

/** The figures of a file or, without one, of the store. Lines that hold no record are told of. */
async function tallySource(
  context: Context,
  source: string | undefined,
  options: ReportOptions,
  filter: RecordFilter,
): Promise<{ tally: Tally; skipped: number; location: string }> {
  if (source === undefined) {
    const store = await context.store();
    return { tally: await store.tally(filter), skipped: 0, location: store.location };
  }
  const { warnOfSkips, withLogSource } = await import('./log-source.ts');
  const { tallyLog } = await import('../logs/tally-log.ts');
  return withLogSource(context, source, options, async ({ file, format, columns }) => {
    const { tally, skips } = await tallyLog(file, format, columns, filter);
    warnOfSkips(context, skips, file.name);
    return { tally, skipped: skips.count, location: file.name };
  });
}

function readOptions(options: ReportOptions, { io }: Context) {
  const now = io.now();
  const filter: RecordFilter = {
    ...(options.since === undefined ? {} : { since: parseMoment(options.since, now, '--since') }),
    ...(options.until === undefined ? {} : { until: parseMoment(options.until, now, '--until') }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.event === undefined ? {} : { event: eventType(options.event) }),
    ...(options.run === undefined ? {} : { run: options.run }),
  };
  if (filter.since !== undefined && filter.until !== undefined && filter.since >= filter.until) {
    throw new UsageError(`--since '${options.since}' is not before --until '${options.until}'.`);
  }
  return { filter, thresholds: Object.fromEntries((options.threshold ?? []).map(parseThreshold)) };
}

async function deliver(report: Report, options: ReportOptions, context: Context): Promise<void> {
  const toFile = options.output !== undefined;
  const format = options.format ?? (options.json === true ? 'json' : 'table');
  const text = RENDERERS[format](report, {
    style: toFile ? PLAIN : context.style('stdout'),
    width: toFile ? 120 : context.io.stdout.columns,
    strict: options.strict === true,
    indent: toFile || options.json !== true,
  });
  if (options.output === undefined) return context.print(text);
  try {
    await writeFile(options.output, `${text}\n`);
  } catch (cause) {
    throw new EnvironmentError(
      `--output: ${options.output} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
      { cause },
    );
  }
  context.note(`Wrote ${options.output}.`);
}

/** GitHub Actions shows what is appended to this file beside the job. */
function summarizeStep(report: Report, context: Context): void {
  const { GITHUB_ACTIONS, GITHUB_STEP_SUMMARY: file } = context.io.env;
  if (GITHUB_ACTIONS !== 'true' || file === undefined || file === '') return;
  try {
    appendFileSync(file, `${renderMarkdown(report)}\n`);
  } catch (cause) {
    context.warn(
      `mo-notify: the step summary ${file} cannot be written (${(cause as NodeJS.ErrnoException).code}).`,
    );
  }
}

const same = (text: string) => text;
const PLAIN = { good: same, bad: same, warn: same, dim: same, strong: same };
