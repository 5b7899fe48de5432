import type { Command } from 'commander';
import type { SecretSources } from '../config/secrets.ts';
import { EXIT, type ExitCode, UsageError } from '../core/errors.ts';
import { newId } from '../core/id.ts';
import { isLoopback } from '../core/loopback.ts';
import { attemptToJson, type RecordKind } from '../core/record.ts';
import { visible } from '../core/redact.ts';
import { toSchedule } from '../core/schedule.ts';
import type { ReplayState, Store } from '../core/store.ts';
import { formatTimestamp, parseDuration } from '../core/time.ts';
import type { Recorded } from '../sender/recorded.ts';
import { confirm } from './confirm.ts';
import type { CommonOptions, Context, StartContext } from './context.ts';
import { type FilterOptions, parseFilter, withFilterOptions } from './log-filter.ts';
import { stamp } from './log-lines.ts';
import { type LogSourceOptions, warnOfSkips, withLogSource } from './log-source.ts';
import {
  collect,
  oneOf,
  parseHeaders,
  wholeNumber,
  withConfigOption,
  withLogSourceOptions,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { fileSource, type ReplaySource, type Selection, type Survey, storeSource } from './replay-source.ts';
import { runClock } from './run-clock.ts';
import { targetSecret } from './secrets.ts';
import { parseRate, parseSpeed } from './send-plan.ts';
import { sendProgress } from './send-progress.ts';
import { stopSignals } from './stop-signals.ts';
import { resolveTarget, type Target } from './target.ts';

/** What of a replay is kept for `--resume`: no header and no secret, which may not be stored. */
interface Plan extends FilterOptions, LogSourceOptions {
  source?: string;
  to?: string;
  kind?: RecordKind;
  limit?: number;
  speed?: string;
  rate?: string;
  concurrency?: number;
  retries?: number;
  backoff?: string;
  timeout?: string;
  newIds?: boolean;
  retime?: boolean;
  resign?: boolean;
  toolHeaders?: boolean;
  force?: boolean;
  insecure?: boolean;
}

interface ReplayCommandOptions extends Plan, CommonOptions, SecretSources {
  header?: string[];
  dryRun?: boolean;
  yes?: boolean;
  resume?: string;
}

const PLAN_KEYS = [
  'source',
  'to',
  'since',
  'until',
  'endpoint',
  'event',
  'run',
  'eventId',
  'callId',
  'status',
  'map',
  'from',
  'kind',
  'limit',
  'speed',
  'rate',
  'concurrency',
  'retries',
  'backoff',
  'timeout',
  'newIds',
  'retime',
  'resign',
  'toolHeaders',
  'force',
  'insecure',
] as const satisfies readonly (keyof Plan)[];

const CLOSED_LOOP = 16;
const OPEN_LOOP = 256;
/** More than this many are not sent unasked. */
const MANY = 1000;
/** How fast an endpoint elsewhere is replayed to, unless told otherwise: it may just be getting back on its feet. */
const REMOTE_RATE = 100;

export function configure(command: Command, start: StartContext): void {
  withFilterOptions(
    withLogSourceOptions(withConfigOption(withSecretOptions(withStoreOption(withOutputOptions(command))))),
  )
    .argument('[source]', 'a log to replay instead of the store: a file, or - for standard input')
    .option('--to <target>', "where to: an endpoint's name, a URL, or a port on this machine")
    .addOption(
      oneOf('--kind <kind>', 'from what was sent (attempt) or received (receipt)', ['attempt', 'receipt']),
    )
    .option('--limit <n>', 'at most this many', wholeNumber(1))
    .option('--speed <factor>', 'with the recorded gaps: 1x, 10x; max without any')
    .option('--rate <n/s>', 'open loop: send this many a second, however slow the answers')
    .option('--concurrency <n>', 'requests under way at once', wholeNumber(1, 10_000))
    .option('--retries <n>', 'retries of a failed delivery (default: 3)', wholeNumber(0, 100))
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)')
    .option('--timeout <time>', 'the whole of an attempt (default: 30s)')
    .option('--dry-run', 'count what would be sent and show the first, send nothing')
    .option('-y, --yes', `do not ask before sending more than ${MANY}`)
    .option('--resume <run>', 'go on with a run that was interrupted or killed')
    .option('--new-ids', 'new event ids, so that they are no duplicates')
    .option('--retime', 'the time of sending as their timestamp, signed anew')
    .option('--resign', "sign with the target's secret (the default)")
    .option('--no-resign', 'keep the signatures on record')
    .option('--no-tool-headers', 'leave out X-MO-Sent-At and X-MO-Replay, as the platform does')
    .option('-H, --header <line>', "add a header: 'X-Team: sales'; repeatable", collect)
    .option('--force', 'send what the endpoint does not subscribe to, too')
    .option('--insecure', 'accept any TLS certificate')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify replay --to 3000 --status failed --since 2h    what went wrong, again
  mo-notify replay deliveries.ndjson --to 3000 --speed 10x
  mo-notify replay deliveries.csv --map 'Response=status' --to prod --dry-run
  mo-notify replay --resume run_01J9ZK`,
    )
    .action(async (source: string | undefined, options: ReplayCommandOptions) => {
      const context = start(options);
      const store = await context.store();
      const given = source === undefined ? options : { ...options, source };
      const resumed = options.resume === undefined ? null : await findRun(store, options.resume);
      const plan = resumed === null ? given : { ...given, ...resumed.plan.options };
      const work = (opened: ReplaySource, about: SourceMark) =>
        replay(context, store, opened, { plan, options: given, about, resumed });
      if (plan.source === undefined) {
        const through = resumed?.plan.about.through ?? {
          attempt: await store.last('attempt'),
          receipt: await store.last('receipt'),
        };
        context.exitCode = await work(storeSource(store, through), { through });
        return;
      }
      if (plan.source === '-' && resumed !== null)
        throw new UsageError(
          'A replay of standard input cannot be resumed: it is gone. Replay a file instead.',
        );
      context.exitCode = await withLogSource(context, plan.source, plan, (file) =>
        work(fileSource(file), { size: file.file.size, changedAt: file.file.changedAt }),
      );
    });
}

/** How a resumed run knows that its source is still the same. */
interface SourceMark {
  through?: Record<RecordKind, number>;
  size?: number;
  changedAt?: number;
}

interface SavedPlan {
  options: Plan;
  about: SourceMark;
  pid: number;
}

interface Resumed {
  state: ReplayState;
  plan: SavedPlan;
}

async function findRun(store: Store, run: string): Promise<Resumed> {
  const state = await store.replay(run);
  if (state === null) throw new UsageError(`--resume: no replay '${run}' is on record in ${store.location}.`);
  if (state.state === 'done')
    throw new UsageError(`--resume: the replay ${run} came to its end; nothing is left of it.`);
  const plan = JSON.parse(state.plan) as SavedPlan;
  if (state.state === 'running' && plan.pid !== process.pid && isAlive(plan.pid))
    throw new UsageError(`--resume: the replay ${run} is still under way (process ${plan.pid}).`);
  return { state, plan };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

interface Job {
  plan: Plan;
  options: ReplayCommandOptions;
  about: SourceMark;
  resumed: Resumed | null;
}

async function replay(
  context: Context,
  store: Store,
  source: ReplaySource,
  { plan, options, about, resumed }: Job,
): Promise<ExitCode> {
  if (plan.to === undefined) {
    throw new UsageError(
      "Say where to: --to 3000, --to https://example.com/notify, or --to an endpoint's name.",
    );
  }
  refuseChanged(about, resumed, source.name);
  refuseContradictions(plan);
  const target = await resolveTarget(context, plan.to);
  const pace = readPace(plan, target);
  const selection = readSelection(plan, target, context);
  const survey = await source.survey(selection);
  warnOfSkips(context, survey.skips, source.name);
  if (survey.bodiless > 0) {
    context.warn(
      `mo-notify: ${survey.bodiless} cannot be sent again, because their body is not on record, or masked. 'logs export --with-bodies --show-numbers' keeps it.`,
    );
  }
  const short = survey.skips.count > 0 || survey.bodiless > 0;
  if (options.dryRun === true) {
    preview(context, survey, target, pace.rate);
    return short ? EXIT.shortfall : EXIT.ok;
  }
  const secret = plan.resign === false ? null : (await targetSecret(context, options, target)).value;
  if (survey.deliveries === 0) {
    context.note(`Nothing in ${source.name} is to be sent.`);
    if (options.json === true)
      context.printJson({ type: 'summary', run: null, sent: 0, delivered: 0, failed: 0, attempts: 0 });
    return short ? EXIT.shortfall : EXIT.ok;
  }
  if (resumed === null && survey.deliveries > MANY && plan.limit === undefined && options.yes !== true) {
    const question = `Send ${survey.deliveries} deliveries to ${target.url.href}?`;
    if (!(await confirm(context, question)))
      throw new UsageError(
        `${survey.deliveries} deliveries would be sent to ${target.url.href}. Say --yes, or bound them with --limit.`,
      );
  }
  const run = resumed?.state.run ?? newId('run', context.io.now());
  const saved: SavedPlan = { options: pick(plan, selection), about, pid: process.pid };
  const sent = await send(context, store, source.deliveries(selection, survey.kind), {
    plan,
    options,
    target,
    pace,
    secret,
    run,
    resumed,
    expected: survey.deliveries,
    saved: JSON.stringify(saved),
  });
  return sent === EXIT.ok && short ? EXIT.shortfall : sent;
}

interface Sending {
  plan: Plan;
  options: ReplayCommandOptions;
  target: Target;
  pace: Pacing;
  secret: string | null;
  run: string;
  resumed: Resumed | null;
  expected: number;
  saved: string;
}

async function send(
  context: Context,
  store: Store,
  recorded: AsyncIterable<Recorded>,
  { plan, options, target, pace, secret, run, resumed, expected, saved }: Sending,
): Promise<ExitCode> {
  const { createTransport } = await import('../http/attempt.ts');
  const { sendAll } = await import('../sender/send.ts');
  const { planReplay, readEarlierRun } = await import('../sender/replay.ts');
  const { url, endpoint, name } = target;
  const earlier = resumed === null ? null : await readEarlierRun(store, resumed.state);
  const concurrency =
    plan.concurrency ?? (pace.rate === null && pace.speed === null ? CLOSED_LOOP : OPEN_LOOP);
  const timeoutMs = parseDuration(plan.timeout ?? endpoint?.timeout ?? '30s', '--timeout');
  const transport = createTransport({
    url,
    connections: concurrency,
    timeoutMs,
    insecure: plan.insecure === true,
  });
  const left = expected - (earlier?.done ?? 0);
  const progress = sendProgress(context, url, { expected: left, faulty: false });
  const stop = stopSignals(context, transport);
  const clock = runClock(context.io);
  const resume = `mo-notify replay --resume ${run}`;
  if (options.json === true) context.printJson({ type: 'replay', run, url: url.href, deliveries: left });
  else
    context.note(
      `${resumed === null ? '' : 'Going on with '}${run}: ${left} deliveries to ${url.href}${pace.rate === null ? '' : `, ${pace.rate} a second`}. Interrupted, it goes on with: ${resume}`,
    );
  const counted = countReached(recorded);
  try {
    await sendAll(
      planReplay(counted.recorded, {
        run,
        plan: saved,
        store,
        secret,
        earlier,
        ...pace,
        newIds: plan.newIds === true,
        retime: plan.retime === true ? (await import('./retime.ts')).retime : null,
        endpoint: name,
        url: url.href,
        now: clock.now,
      }),
      {
        endpoint: name,
        url,
        transport,
        store,
        concurrency,
        run,
        clock,
        schedule: toSchedule({
          retries: plan.retries ?? endpoint?.retries,
          backoff: plan.backoff ?? endpoint?.backoff,
        }),
        style: {
          toolHeaders: plan.toolHeaders !== false,
          replay: run,
          extraHeaders: parseHeaders(options.header ?? []),
        },
        random: context.io.random,
        drain: stop.drain,
        onAttempt: (attempt, result, first) => {
          if (options.json === true) context.printJson(attemptToJson(attempt));
          progress.attempt(attempt, result, first);
        },
      },
    );
  } finally {
    stop.done();
    progress.stop();
    await transport.close();
  }
  const stopped = stop.drain.aborted;
  await store.saveReplay({
    run,
    plan: saved,
    reached: counted.reached(),
    state: stopped ? 'stopped' : 'done',
  });
  const summary = { ...progress.summary(), run };
  if (options.json === true) context.printJson(summary);
  else if (progress.totals().sent > 0) progress.printSummary(url, store);
  if (!stopped) return progress.totals().sent === 0 || progress.succeeded() ? EXIT.ok : EXIT.shortfall;
  context.warn(`Stopped. The rest is sent with: ${resume}`);
  return context.io.interrupted.aborted ? EXIT.interrupted : EXIT.ok;
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

function refuseChanged(about: SourceMark, resumed: Resumed | null, name: string): void {
  if (resumed === null || about.size === undefined) return;
  const { size, changedAt } = resumed.plan.about;
  if (size === about.size && changedAt === about.changedAt) return;
  throw new UsageError(
    `--resume: ${name} has changed since the run began, so what is left of it is not known.`,
  );
}

function refuseContradictions({ resign, retime, speed, rate }: Plan): void {
  if (resign === false && retime === true)
    throw new UsageError(
      '--no-resign cannot be used with --retime: the signature on record is of the old bytes.',
    );
  if (speed !== undefined && rate !== undefined)
    throw new UsageError(
      '--speed cannot be used with --rate: one keeps the recorded gaps, the other makes its own.',
    );
}

interface Pacing {
  speed: number | null;
  rate: number | null;
}

function readPace({ speed, rate }: Plan, { url }: Target): Pacing {
  if (rate !== undefined) return { speed: null, rate: parseRate(rate) };
  if (speed === undefined) return { speed: null, rate: isLoopback(url) ? null : REMOTE_RATE };
  const factor = parseSpeed(speed);
  return { speed: Number.isFinite(factor) ? factor : null, rate: null };
}

function readSelection(plan: Plan, { endpoint }: Target, { io }: Context): Selection {
  const { status = null, ...filter } = parseFilter(plan, io.now());
  const filtered =
    endpoint !== null && (endpoint.events ?? endpoint.numbers ?? endpoint.queues) !== undefined;
  return {
    filter,
    status,
    kind: plan.kind ?? null,
    limit: plan.limit ?? null,
    subscription: filtered && plan.force !== true ? endpoint : null,
  };
}

function preview(context: Context, survey: Survey, target: Target, rate: number | null): void {
  const { deliveries, bodiless, unwanted, kind, first, skips } = survey;
  const url = target.url.href;
  if (context.options.json === true) {
    return context.printJson({
      type: 'dry_run',
      url,
      kind,
      deliveries,
      bodiless,
      unwanted,
      skipped: skips.count,
      first: first.map(({ id, at, eventId, event, callId, body }) => ({
        id,
        at: new Date(at).toISOString(),
        event_id: eventId,
        event,
        call_id: callId,
        body_bytes: body.length,
      })),
    });
  }
  const { dim, strong } = context.style('stdout');
  context.print(
    `${strong(String(deliveries))} ${kind === 'receipt' ? 'received' : 'sent'} deliveries would be sent to ${url}${rate === null ? '' : `, ${rate} a second`}`,
  );
  if (unwanted > 0)
    context.print(
      `${unwanted} more are left out: ${visible(target.name)} does not subscribe to them (--force sends them)`,
    );
  for (const { at, event, eventId, callId, body } of first) {
    context.print(
      `  ${dim(stamp(at))}  ${visible(event ?? '(no event)', 24).padEnd(17)}  ${dim(`[${visible(eventId ?? 'no id', 40)}]`)}  ${visible(callId ?? 'no call', 30)}  ${body.length} bytes`,
    );
  }
  if (deliveries > first.length) context.print(dim(`  … and ${deliveries - first.length} more`));
  context.note('Nothing was sent (--dry-run).');
}

/** `2h` ago is another time when the run is resumed, so times are kept as they were meant. */
function pick(plan: Plan, { filter: { since, until } }: Selection): Plan {
  const kept = PLAN_KEYS.flatMap((key) => (plan[key] === undefined ? [] : [[key, plan[key]]]));
  return {
    ...Object.fromEntries(kept),
    ...(since === undefined ? {} : { since: formatTimestamp(since) }),
    ...(until === undefined ? {} : { until: formatTimestamp(until) }),
  };
}
