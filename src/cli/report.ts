import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { EnvironmentError, EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { formatDuration, parseDuration } from '../core/time.ts';
import { FORMAT_NAMES, type Format, RENDERERS } from '../report/formats.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { buildReport, type JudgeOptions, type Report, reportPasses } from '../report/report.ts';
import { clearScreen } from './clear-screen.ts';
import { configuredSchedules } from './configured.ts';
import type { Context, StartContext } from './context.ts';
import { type FilterOptions, parseFilter, withTimeOptions } from './log-filter.ts';
import type { LogSourceOptions } from './log-source.ts';
import {
  collect,
  oneOf,
  withConfigOption,
  withLogSourceOptions,
  withOutputOptions,
  withStoreOption,
} from './options.ts';
import { startProgress, withProgress } from './progress.ts';
import { fileCalls, storeCalls } from './report-calls.ts';
import { parseReportThresholds } from './report-thresholds.ts';
import { PLAIN } from './style.ts';

interface ReportOptions extends LogSourceOptions, FilterOptions {
  format?: Format;
  output?: string;
  threshold?: string[];
  strict?: boolean;
  calls?: boolean;
  watch?: string | true;
  json?: boolean;
}

const WATCH = '2s';

export function configure(command: Command, start: StartContext): void {
  withTimeOptions(withLogSourceOptions(withConfigOption(withStoreOption(withOutputOptions(command)))))
    .argument('[source]', 'a log to judge instead of the store: a file, or - for standard input')
    .option('--endpoint <name>', 'only attempts at this endpoint (its name, host or URL)')
    .option('-e, --event <type>', 'only this event type')
    .option('--run <id>', 'only attempts of this run')
    .addOption(oneOf('--format <format>', 'how to write it (default: table)', FORMAT_NAMES))
    .option('-o, --output <file>', 'write to a file instead of stdout')
    .option(
      '--threshold <expr>',
      "a KPI's own: 'success_rate>=99.9%', or another: 'p(95)<2s', 'refused:count<5'; repeatable",
      collect,
    )
    .option('--strict', 'only strong evidence passes')
    .option('--calls', "look at the calls' states too, for what contradicts itself")
    .option('--watch [time]', `again every so often, until Ctrl-C (default: ${WATCH})`)
    .addHelpText(
      'after',
      `
Examples:
  mo-notify report --since 2h --threshold 'webhook_latency_median<=2s'
  mo-notify report deliveries.ndjson --format html -o report.html`,
    )
    .action(async (source: string | undefined, options: ReportOptions) => {
      const context = start(options);
      const judge = {
        ...parseReportThresholds(options.threshold ?? []),
        scheduleOf: await configuredSchedules(context),
      };
      if (options.watch === undefined) {
        context.exitCode = await reportOnce(context, source, options, judge);
        return;
      }
      context.exitCode = await watch(context, source, options, judge);
    });
}

type Judgement = Pick<JudgeOptions, 'kpis' | 'expressions' | 'scheduleOf'>;

async function reportOnce(
  context: Context,
  source: string | undefined,
  options: ReportOptions,
  judge: Judgement,
): Promise<ExitCode> {
  const { report, skipped, location } = await withProgress(
    context,
    () => 'reading the log',
    () => makeReport(context, source, options, judge),
  );
  await deliver(report, options, context);
  summarizeStep(report, context);
  explainExit(context, report, options, judge);
  if (report.window.from === null) {
    context.note(`No records match in ${location}. 'mo-notify listen' or 'mo-notify send-test' makes some.`);
  }
  return exitCodeOf(report, skipped, options, judge);
}

/** A threshold that was asked for by name is not met by nothing. */
function unjudged({ kpis }: Report, { kpis: asked = {} }: Judgement): string[] {
  return kpis.filter(({ name, verdict }) => verdict === 'no data' && name in asked).map(({ name }) => name);
}

function exitCodeOf(report: Report, skipped: number, options: ReportOptions, judge: Judgement): ExitCode {
  const passes = reportPasses(report, options.strict === true) && unjudged(report, judge).length === 0;
  return passes && skipped === 0 ? EXIT.ok : EXIT.shortfall;
}

/** Says why a report fails whose table does not. */
function explainExit(context: Context, report: Report, options: ReportOptions, judge: Judgement): void {
  const empty = unjudged(report, judge);
  if (empty.length > 0)
    context.warn(`mo-notify: no data for ${empty.join(', ')}, so its threshold is not met.`);
  const weak = report.kpis.filter(({ verdict, evidence }) => verdict === 'pass' && evidence === 'weak');
  if (options.strict === true && weak.length > 0)
    context.warn(
      `mo-notify: --strict: the evidence is weak for ${weak.map(({ name, needs }) => `${name}${needs === null ? '' : ` (it takes n=${needs})`}`).join(', ')}.`,
    );
}

/** A terminal shows the latest report; elsewhere each one that differs from the one before is written. */
async function watch(
  context: Context,
  source: string | undefined,
  options: ReportOptions,
  judge: Judgement,
): Promise<ExitCode> {
  if (options.output !== undefined || source === '-')
    throw new UsageError('--watch writes to the terminal, and reads what can be read again: no -o and no -.');
  const everyMs = parseDuration(options.watch === true ? WATCH : (options.watch as string), '--watch');
  const { io } = context;
  const ended = AbortSignal.any([io.interrupted, io.closed]);
  const pauseMs = Math.max(100, everyMs);
  const foot = io.stdout.isTTY
    ? await startProgress(context, () => `read again every ${formatDuration(pauseMs)}, Ctrl-C ends it`, {
        look: 'still',
      })
    : null;
  let code: ExitCode = EXIT.ok;
  let last = '';
  try {
    while (!ended.aborted) {
      const { report, skipped } = await makeReport(context, source, options, judge);
      const text = render(report, options, context);
      code = exitCodeOf(report, skipped, options, judge);
      if (text !== last) {
        if (options.json !== true) clearScreen(io.stdout);
        context.print(text);
      }
      last = text;
      await sleep(pauseMs, undefined, { signal: ended }).catch(() => {});
    }
  } finally {
    foot?.stop();
  }
  return io.interrupted.aborted ? EXIT.interrupted : code;
}

/** The report of a file or, without one, of the store. Lines that hold no record are told of. */
async function makeReport(
  context: Context,
  source: string | undefined,
  options: ReportOptions,
  judge: Judgement,
): Promise<{ report: Report; skipped: number; location: string }> {
  const filter = parseFilter(options, context.io.now());
  const window = { from: filter.since ?? null, to: filter.until ?? null };
  const wantsCalls = options.calls === true;
  if (source === undefined) {
    const store = await context.recordedStore();
    const tally = await store.tally(filter);
    const calls = wantsCalls ? await storeCalls(store, filter, context.io.now()) : undefined;
    return { report: buildReport(tally, window, { ...judge, calls }), skipped: 0, location: store.location };
  }
  const { warnOfSkips, withLogSource } = await import('./log-source.ts');
  const { tallyLog } = await import('../logs/tally-log.ts');
  return withLogSource(context, source, options, async ({ file, format, columns }) => {
    const { tally, skips } = await tallyLog(file, format, columns, filter);
    const calls = wantsCalls ? await fileCalls(file, format, columns, filter, context.io.now()) : undefined;
    warnOfSkips(context, skips, file.name);
    return {
      report: buildReport(tally, window, { ...judge, calls }),
      skipped: skips.count,
      location: file.name,
    };
  });
}

function render(report: Report, options: ReportOptions, context: Context): string {
  const toFile = options.output !== undefined;
  const format = options.format ?? (options.json === true ? 'json' : 'table');
  return RENDERERS[format](report, {
    style: toFile ? PLAIN : context.style('stdout'),
    width: toFile ? 120 : context.io.stdout.columns,
    strict: options.strict === true,
    indent: toFile || options.json !== true,
  });
}

async function deliver(report: Report, options: ReportOptions, context: Context): Promise<void> {
  const text = render(report, options, context);
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
