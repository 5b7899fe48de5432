import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { SecretSources } from '../config/secrets.ts';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { newId } from '../core/id.ts';
import { isLoopback } from '../core/loopback.ts';
import type { Store } from '../core/store.ts';
import type { EarlierRun } from '../sender/earlier-run.ts';
import type { Recorded } from '../sender/recorded.ts';
import { confirm } from './confirm.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { withFilterOptions } from './log-filter.ts';
import { warnOfSkips, withLogSource } from './log-source.ts';
import {
  oneOf,
  wholeNumber,
  withConfigOption,
  withLogSourceOptions,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { withProgress } from './progress.ts';
import { type Pacing, type Plan, readPace, readSelection, refuseContradictions } from './replay-plan.ts';
import { showReplay, warnOfRefusals } from './replay-preview.ts';
import {
  findRun,
  type Resumed,
  refuseChangedSource,
  resumeCommand,
  resumedPlan,
  type SourceMark,
  savedPlan,
} from './replay-resume.ts';
import { fileSource, type ReplaySource, storeSource } from './replay-source.ts';
import { refuseSharedStdin, targetSecret } from './secrets.ts';
import { readSending, type Sending, sendRun, withSendingOptions } from './sending.ts';
import { resolveTarget, TARGET_HELP } from './target.ts';

interface ReplayOptions extends Plan, CommonOptions, SecretSources {
  header?: string[];
  dryRun?: boolean;
  yes?: boolean;
  resume?: string;
}

/** More than this many are not sent unasked. */
const MANY = 1000;

export function configure(command: Command, start: StartContext): void {
  withSendingOptions(
    withFilterOptions(
      withLogSourceOptions(withConfigOption(withSecretOptions(withStoreOption(withOutputOptions(command))))),
    ),
  )
    .argument('[source]', 'a log to replay instead of the store: a file, or - for standard input')
    .option('--to <target>', `where to: ${TARGET_HELP}`)
    .addOption(
      oneOf('--kind <kind>', 'from what was sent (attempt) or received (receipt)', ['attempt', 'receipt']),
    )
    .option('--limit <n>', 'at most this many', wholeNumber(1))
    .option('--speed <factor>', 'with the recorded gaps: 1x, 10x; max without any')
    .option('--dry-run', 'count what would be sent and show the first, send nothing')
    .option('-y, --yes', `do not ask before sending more than ${MANY}`)
    .option('--resume <run>', 'go on with a run that was interrupted or killed')
    .option('--new-ids', 'new event ids, so that they are no duplicates')
    .option('--retime', 'the time of sending as their timestamp, signed anew')
    .option('--resign', "sign with the target's secret (the default)")
    .option('--no-resign', 'keep the signatures on record')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify replay --to 3000 --status failed --since 2h    what went wrong, again
  mo-notify replay deliveries.ndjson --to 3000 --speed 10x
  mo-notify replay deliveries.csv --map 'Response=status' --to prod --dry-run
  mo-notify replay --resume run_01J9ZK`,
    )
    .action(async (source: string | undefined, options: ReplayOptions) => {
      const context = start(options);
      refuseSharedStdin('the log (-)', source, options);
      // A run may be resumed from another folder.
      const isPath = source !== undefined && source !== '-' && !source.includes('://');
      const path = isPath ? resolve(context.io.cwd, source) : source;
      context.exitCode = await openSource(
        context,
        path === undefined ? options : { ...options, source: path },
        options.resume,
      );
    });
}

/** What one replay is about. */
interface Job {
  store: Store;
  source: ReplaySource;
  about: SourceMark;
  plan: Plan;
  options: ReplayOptions;
  resumed: Resumed | null;
}

async function openSource(context: Context, options: ReplayOptions, run: string | undefined) {
  const store = await context.store();
  const resumed = run === undefined ? null : await findRun(store, run);
  const plan = resumed === null ? options : resumedPlan(options, resumed);
  if (plan.source === undefined) {
    const through = resumed?.plan.about.through ?? {
      attempt: await store.last('attempt'),
      receipt: await store.last('receipt'),
    };
    const source = storeSource(store, through);
    return replay(context, { store, source, about: { through }, plan, options, resumed });
  }
  if (plan.source === '-' && resumed !== null)
    throw new UsageError('A replay of standard input cannot be resumed: it is gone. Replay a file instead.');
  return withLogSource(context, plan.source, plan, async (log) => {
    const about = { size: log.file.size, changedAt: log.file.changedAt };
    if (resumed !== null) refuseChangedSource(about, resumed, log.file.name);
    return replay(context, { store, source: fileSource(log), about, plan, options, resumed });
  });
}

async function replay(context: Context, job: Job): Promise<ExitCode> {
  const { source, about, plan, options, resumed } = job;
  if (plan.to === undefined) {
    throw new UsageError(
      "Say where to: --to 3000, --to https://example.com/notify, or --to an endpoint's name.",
    );
  }
  refuseContradictions(plan);
  const target = await resolveTarget(context, plan.to, plan);
  const pace = readPace(plan, target);
  const run = resumed?.state.run ?? newId('run', context.io.now());
  const sending = readSending({ ...plan, header: options.header ?? [] }, target, run);
  const selection = readSelection(plan, target, context);
  const earlier = resumed === null ? null : await readEarlier(job.store, resumed);
  const survey = await withProgress(
    context,
    () => 'reading the log',
    () => source.survey(selection, earlier),
  );
  const { deliveries, refused, kind, skips } = survey;
  warnOfSkips(context, skips, source.name);
  warnOfRefusals(context, survey);
  const short = Object.values(refused).reduce((sum, count) => sum + count, skips.count) > 0;
  if (options.dryRun === true) {
    showReplay(context, survey, target, pace.rate);
    return short ? EXIT.shortfall : EXIT.ok;
  }
  const secret = plan.resign === false ? null : (await targetSecret(context, options, target)).value;
  if (deliveries === 0 && resumed === null) {
    const left =
      survey.unwanted === 0
        ? ''
        : ` ${survey.unwanted} are none of what ${target.name} subscribes to (--force).`;
    context.note(`0 deliveries: nothing in ${source.name} is to be sent.${left}`);
    if (options.json === true)
      context.printJson({ type: 'summary', run: null, sent: 0, delivered: 0, failed: 0, attempts: 0 });
    return short ? EXIT.shortfall : EXIT.ok;
  }
  if (resumed === null && deliveries > MANY && plan.limit === undefined && options.yes !== true) {
    const question = `Send ${deliveries} deliveries to ${target.shown}?`;
    if (!(await confirm(context, question)))
      throw new UsageError(
        `${deliveries} deliveries would be sent to ${target.shown}. Say --yes, or bound them with --limit.`,
      );
  }
  const sent = await send(context, source.deliveries(selection, kind), {
    job,
    sending,
    pace,
    secret,
    run,
    earlier,
    deliveries,
    saved: JSON.stringify(savedPlan(plan, selection, kind, about)),
  });
  return sent === EXIT.ok && short ? EXIT.shortfall : sent;
}

interface Run {
  job: Job;
  sending: Sending;
  pace: Pacing;
  secret: string | null;
  run: string;
  earlier: EarlierRun | null;
  /** How many are still to be sent. */
  deliveries: number;
  saved: string;
}

async function send(
  context: Context,
  recorded: AsyncIterable<Recorded>,
  { job: { store, plan, options }, sending, pace, secret, run, earlier, deliveries, saved }: Run,
): Promise<ExitCode> {
  const { planReplay } = await import('../sender/replay.ts');
  const { url, name, shown } = sending.target;
  const resume = resumeCommand(run, { ...options, ...(plan.to === undefined ? {} : { to: plan.to }) });
  if (options.json === true) context.printJson({ type: 'replay', run, url: shown, deliveries });
  else
    context.note(
      `${earlier === null ? '' : 'Going on with '}${run}: ${deliveries} ${deliveries === 1 ? 'delivery' : 'deliveries'} to ${shown}${pace.rate === null ? '' : `, ${pace.rate} a second`}. Interrupted, it goes on with: ${resume}`,
    );
  const counted = countReached(recorded);
  const retime = plan.retime === true ? (await import('./retime.ts')).retime : null;
  const { progress, stopped } = await sendRun(context, sending, {
    run,
    planned: ({ now }) =>
      planReplay(counted.recorded, {
        run,
        plan: saved,
        store,
        secret,
        earlier,
        ...pace,
        newIds: plan.newIds === true,
        // Any other URL is complete as it was given: query values on record are secrets of the receiver's own.
        asAsked: isLoopback(url),
        retime,
        endpoint: name,
        url: shown,
        now,
      }),
    expected: deliveries,
    openLoop: pace.rate !== null || pace.speed !== null,
    faulty: false,
    resumable: true,
    store,
  });
  // What an earlier kill left in the dark, and this process did not come to, stays there.
  const settled = counted.reached();
  const reached = Math.max(settled, stopped ? (earlier?.state.reached ?? 0) : 0);
  await store.saveReplay({ run, plan: saved, reached, settled, state: stopped ? 'stopped' : 'done' });
  const totals = progress.totals();
  if (options.json === true) context.printJson({ ...progress.summary(), run });
  else if (totals.sent > 0) await progress.printSummary(url, store);
  if (!stopped) return totals.sent === 0 || progress.succeeded() ? EXIT.ok : EXIT.shortfall;
  context.warn(`Stopped. The rest is sent with: ${resume}`);
  return context.io.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
}

async function readEarlier(store: Store, { state }: Resumed): Promise<EarlierRun> {
  const { readEarlierRun } = await import('../sender/earlier-run.ts');
  return readEarlierRun(store, state);
}

function countReached(recorded: AsyncIterable<Recorded>) {
  let reached = 0;
  async function* counted() {
    for await (const one of recorded) {
      reached += 1;
      yield one;
    }
  }
  return { recorded: counted(), reached: () => reached };
}
