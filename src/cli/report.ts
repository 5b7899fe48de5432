import { appendFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import type { Command } from 'commander';
import { EnvironmentError, EXIT, UsageError } from '../core/errors.ts';
import { eventType } from '../core/event.ts';
import { parseThreshold } from '../core/kpi.ts';
import type { RecordFilter } from '../core/store.ts';
import { parseMoment } from '../core/time.ts';
import { FORMAT_NAMES, type Format, RENDERERS } from '../report/formats.ts';
import { renderMarkdown } from '../report/markdown.ts';
import { buildReport, type Report, reportPasses } from '../report/report.ts';
import type { Context, StartContext } from './context.ts';
import { collect, oneOf, withOutputOptions, withStoreOption } from './options.ts';

interface ReportOptions {
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
  withStoreOption(withOutputOptions(command))
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
    .action(async (options: ReportOptions) => {
      const context = start(options);
      const { filter, thresholds } = readOptions(options, context);
      const store = await context.store();
      const tally = await store.tally(filter);
      const report = buildReport(tally, { from: filter.since ?? null, to: filter.until ?? null }, thresholds);
      await deliver(report, options, context);
      summarizeStep(report, context);
      context.exitCode = reportPasses(report, options.strict === true) ? EXIT.ok : EXIT.shortfall;
      if (report.window.from === null) {
        context.note(
          `No records match in ${store.location}. 'mo-notify listen' or 'mo-notify send-test' makes some.`,
        );
      }
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
