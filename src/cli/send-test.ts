import { setMaxListeners } from 'node:events';
import type { Command } from 'commander';
import { EXIT, UsageError } from '../core/errors.ts';
import { BODY_FORMATS, type BodyFormat, eventType } from '../core/event.ts';
import { isEventId } from '../core/headers.ts';
import { newId } from '../core/id.ts';
import { nearest } from '../core/nearest.ts';
import { attemptToJson } from '../core/record.ts';
import { maskNumbers, visible } from '../core/redact.ts';
import { DEFAULT_SCHEDULE, parseBackoff } from '../core/schedule.ts';
import { parseDuration } from '../core/time.ts';
import type { Transport } from '../http/attempt.ts';
import type { Delivery, Fault } from '../sender/delivery.ts';
import { deliveryHeaders, FAULTS } from '../sender/delivery.ts';
import { eventCount, type Planned, type PlanOptions, planDeliveries } from '../sender/plan.ts';
import { SCENARIOS, type Scenario } from '../sender/scenario.ts';
import type { Context, StartContext } from './context.ts';
import { curlCommand } from './curl.ts';
import { readInput } from './input.ts';
import {
  collect,
  oneOf,
  parseHeaders,
  wholeNumber,
  withOutputOptions,
  withSecretOptions,
  withStoreOption,
} from './options.ts';
import { runClock } from './run-clock.ts';
import { refuseSharedStdin, signingSecret } from './secrets.ts';
import { sendProgress } from './send-progress.ts';
import { changeEvent } from './set-path.ts';
import { isLoopback, parseTarget } from './target.ts';
import { parseSendThresholds, unmetThresholds } from './thresholds.ts';

interface SendTestOptions {
  event?: string[];
  scenario?: string;
  speed: string;
  set?: string[];
  data?: string;
  eventId?: string;
  callId?: string;
  count?: number;
  rate?: string;
  duration?: string;
  concurrency?: number;
  retries: number;
  backoff?: string;
  timeout: string;
  duplicate: number;
  shuffle?: boolean;
  fault?: Fault;
  bodyFormat: BodyFormat;
  toolHeaders: boolean;
  header?: string[];
  curl?: boolean;
  dryRun?: boolean;
  insecure?: boolean;
  threshold?: string[];
  record: boolean;
  json?: boolean;
  secretEnv?: string[];
  secretFile?: string[];
  secretStdin?: boolean;
}

const DEFAULT_TARGET = '4800';
const CLOSED_LOOP = 16;
const OPEN_LOOP = 256;
const DRAIN_MS = 5000;

export function configure(command: Command, start: StartContext): void {
  withSecretOptions(withStoreOption(withOutputOptions(command)))
    .argument('[target]', 'a URL, or a port on this machine', DEFAULT_TARGET)
    .option(
      '-e, --event <type>',
      'event type: connected, call_missed, …; repeatable (default: call_connected)',
      collect,
    )
    .option('--scenario <name>', `a call's life: ${SCENARIOS.join(', ')}`)
    .option('--speed <factor>', 'pace of a scenario: 1x, 10x, max', '1x')
    .option('--set <path=value>', 'change a field: metadata.queue=Support; repeatable', collect)
    .option('--data <file>', 'send these exact bytes; - for standard input')
    .option('--event-id <id>', 'use this event id')
    .option('--call-id <id>', 'use this call id')
    .option('-n, --count <n>', 'how many events, or calls of a scenario', wholeNumber(1))
    .option('--rate <n/s>', 'open loop: send this many a second, however slow the answers')
    .option('--duration <time>', 'send for this long: 30s, 5m')
    .option('--concurrency <n>', 'requests under way at once', wholeNumber(1, 10_000))
    .option('--retries <n>', 'retries of a failed delivery', wholeNumber(0, 100), DEFAULT_SCHEDULE.retries)
    .option('--backoff <list>', 'pauses before the retries (default: 1s,5s,25s)')
    .option('--timeout <time>', 'the whole of an attempt', '30s')
    .option('--duplicate <n>', 'send each event this many times more', wholeNumber(0, 10_000), 0)
    .option('--shuffle', 'send out of order')
    .addOption(oneOf('--fault <kind>', 'a negative test: succeeds when the receiver refuses', FAULTS))
    .addOption(oneOf('--body-format <form>', 'how the JSON is written', BODY_FORMATS).default('compact'))
    .option('--no-tool-headers', 'leave out X-MO-Sent-At, as the platform does')
    .option('-H, --header <line>', "add a header: 'X-Team: sales'; repeatable", collect)
    .option('--curl', 'print the cURL command instead of sending')
    .option('--dry-run', 'show what would be sent, send nothing')
    .option('--insecure', 'accept any TLS certificate')
    .option(
      '--threshold <expr>',
      "fail unless it holds: 'p(95)<500ms', 'success_rate>=99%'; repeatable",
      collect,
    )
    .option('--no-record', 'keep no record of the attempts')
    .addHelpText(
      'after',
      `
Examples:
  mo-notify send-test 3000                                 one signed event to a local app
  mo-notify send-test https://example.com/notify -e missed
  mo-notify send-test --scenario answered --speed 10x      a call's life
  mo-notify send-test -n 1000 --rate 200/s --json
  mo-notify send-test --fault bad-signature                succeeds when it is refused`,
    )
    .action(async (target: string, options: SendTestOptions) => {
      const context = start(options);
      context.exitCode = await sendTest(context, parseTarget(target), options);
    });
}

async function sendTest(context: Context, url: URL, options: SendTestOptions) {
  refuseIdleFlags(options);
  refuseSharedStdin('--data', options.data, options);
  const secret = await signingSecret(context, options, isLoopback(url));
  const style = { toolHeaders: options.toolHeaders, extraHeaders: parseHeaders(options.header ?? []) };
  const thresholds = parseSendThresholds(options.threshold ?? []);
  const plan = await toPlan(context, options, secret.value);
  const schedule = {
    retries: options.retries,
    backoffMs: options.backoff === undefined ? DEFAULT_SCHEDULE.backoffMs : parseBackoff(options.backoff),
  };
  const timeoutMs = parseDuration(options.timeout, '--timeout');
  const planned = withinDuration(planDeliveries(plan), options, plan.rate, context);
  if (options.curl === true || options.dryRun === true)
    return show(context, url, planned, options, style, plan);

  const { createTransport } = await import('../http/attempt.ts');
  const { sendAll } = await import('../sender/send.ts');
  const concurrency = options.concurrency ?? (plan.rate === null ? CLOSED_LOOP : OPEN_LOOP);
  const transport = createTransport({
    url,
    connections: concurrency,
    timeoutMs,
    insecure: options.insecure === true,
  });
  const store = options.record ? await context.store() : null;
  const progress = sendProgress(context, url, {
    expected: expectedCount(options, plan),
    faulty: plan.fault !== null,
  });
  const stop = stopSignals(context, transport);
  try {
    await sendAll(planned, {
      endpoint: url.host,
      url,
      transport,
      store,
      schedule,
      style,
      concurrency,
      run: newId('run', context.io.now()),
      clock: runClock(context.io),
      random: context.io.random,
      drain: stop.drain,
      onAttempt: (attempt, result) => {
        if (options.json === true) context.printJson(attemptToJson(attempt));
        progress.attempt(attempt, result);
      },
    });
  } finally {
    stop.done();
    progress.stop();
    await transport.close();
  }
  const summary = progress.summary();
  if (options.json === true) context.printJson(summary);
  else progress.printSummary(url, store);
  if (context.io.interrupted.aborted) return EXIT.interrupted;
  const unmet = unmetThresholds(thresholds, progress.totals());
  for (const line of unmet) context.warn(`mo-notify: ${line}`);
  return progress.succeeded() && unmet.length === 0 ? EXIT.ok : EXIT.shortfall;
}

/** Flags that would change nothing are a misunderstanding, and a run that ignores them would mislead. */
function refuseIdleFlags({ data, scenario, event, set, fault }: SendTestOptions): void {
  const refuse = (flag: string, other: string, why: string) => {
    throw new UsageError(`${flag} cannot be used with ${other}: ${why}.`);
  };
  if (scenario !== undefined && event !== undefined)
    refuse('--event', '--scenario', 'a scenario names its own');
  if (data === undefined) return;
  const exact = 'these exact bytes are sent';
  if (set !== undefined) refuse('--set', '--data', exact);
  if (event !== undefined) refuse('--event', '--data', exact);
  if (scenario !== undefined) refuse('--scenario', '--data', exact);
  if (fault === 'stale') refuse('--fault stale', '--data', exact);
}

async function toPlan(context: Context, options: SendTestOptions, secret: string): Promise<PlanOptions> {
  const rate = options.rate === undefined ? null : parseRate(options.rate);
  const duration = options.duration === undefined ? null : parseDuration(options.duration, '--duration');
  if (options.eventId !== undefined && !isEventId(options.eventId)) {
    throw new UsageError(
      `--event-id: '${options.eventId}' is not an event id. Use 1 to 256 printable ASCII characters.`,
    );
  }
  if (options.callId === '') throw new UsageError('--call-id: the id is empty.');
  const events = (options.event ?? ['call_connected']).map(eventType);
  const scenario = options.scenario === undefined ? null : parseScenario(options.scenario);
  const speed = parseSpeed(options.speed);
  if (scenario !== null && duration !== null && rate === null && !options.count && Number.isFinite(speed)) {
    throw new UsageError(
      '--duration: with a scenario, say how many calls begin: --rate 2/s or -n 20 (or --speed max).',
    );
  }
  return {
    events,
    scenario,
    count: options.count ?? defaultCount(events.length, rate, duration),
    rate,
    speed,
    duplicate: options.duplicate,
    shuffle: options.shuffle === true,
    fault: options.fault ?? null,
    bodyFormat: options.bodyFormat,
    secret,
    eventId: options.eventId ?? null,
    callId: options.callId ?? null,
    data: options.data === undefined ? null : await readData(options.data, context),
    changes: changeEvent(options.set ?? []),
    random: context.io.random,
  };
}

/** Each named type once; a duration with a rate says how many; a duration alone has no end but the clock. */
function defaultCount(types: number, rate: number | null, durationMs: number | null): number {
  if (durationMs === null) return types;
  return rate === null ? Number.MAX_SAFE_INTEGER : Math.max(1, Math.round((rate * durationMs) / 1000));
}

function expectedCount(options: SendTestOptions, plan: PlanOptions): number | null {
  if (plan.count === Number.MAX_SAFE_INTEGER) return null;
  return eventCount(plan) * (1 + options.duplicate);
}

/** Ends a closed loop when its time is up; an open loop's count was fixed beforehand. */
function* withinDuration(
  planned: Iterable<Planned>,
  options: SendTestOptions,
  rate: number | null,
  { io }: Context,
): Iterable<Planned> {
  const end =
    options.duration === undefined || rate !== null
      ? Number.POSITIVE_INFINITY
      : parseDuration(options.duration);
  const clock = runClock(io);
  const began = clock.now();
  for (const item of planned) {
    if (clock.now() - began >= end) return;
    yield item;
  }
}

async function readData(source: string, context: Context) {
  const body = await readInput(source, '--data', context.io);
  const { parsePayload } = await import('../core/payload.ts');
  const { event, callId, problem } = parsePayload(body);
  if (problem !== null)
    context.note(`--data: these bytes are no event (${problem}); they are sent as they are.`);
  return { body, event, callId };
}

function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text.trim());
  const rate = match ? Number(match[1]) / { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'] : 0;
  if (!(rate > 0 && rate <= 100_000))
    throw new UsageError(`--rate: '${text}' is not a rate. Write it like 200/s or 30/m.`);
  return rate;
}

function parseSpeed(text: string): number {
  if (text === 'max') return Number.POSITIVE_INFINITY;
  const speed = Number(/^(\d+(?:\.\d+)?)x?$/.exec(text)?.[1]);
  if (!(speed > 0)) throw new UsageError(`--speed: '${text}' is not a speed. Write 1x, 10x or max.`);
  return speed;
}

function parseScenario(name: string): Scenario {
  if ((SCENARIOS as readonly string[]).includes(name)) return name as Scenario;
  const hint = nearest(name, SCENARIOS);
  throw new UsageError(
    `--scenario: '${name}' is not a scenario.${hint ? ` Did you mean '${hint}'?` : ''} Known: ${SCENARIOS.join(', ')}.`,
  );
}

/** `--curl` and `--dry-run`: what the first deliveries would look like. */
function show(
  context: Context,
  url: URL,
  planned: Iterable<Planned>,
  options: SendTestOptions,
  style: Parameters<typeof deliveryHeaders>[3],
  plan: PlanOptions,
) {
  const shown = options.curl === true ? 1 : 5;
  const deliveries: { delivery: Delivery; headers: string[] }[] = [];
  for (const { afterMs, make } of planned) {
    const at = context.io.now() + (afterMs ?? 0);
    const delivery = make(at);
    deliveries.push({ delivery, headers: deliveryHeaders(delivery, 1, at, style) });
    if (deliveries.length === shown) break;
  }
  if (options.curl === true) {
    for (const { delivery, headers } of deliveries) {
      const command = curlCommand(url, headers, delivery.body, options.insecure);
      if (options.json === true) context.printJson({ type: 'curl', command });
      else context.print(command);
    }
    return EXIT.ok;
  }
  const total = expectedCount(options, plan);
  if (options.json === true) {
    context.printJson({
      type: 'dry_run',
      url: url.href,
      total,
      deliveries: deliveries.map(({ delivery, headers }) => ({
        event_id: delivery.eventId,
        event: delivery.event,
        call_id: delivery.callId,
        headers: pairs(headers),
        body_base64: Buffer.from(delivery.body).toString('base64'),
      })),
    });
    return EXIT.ok;
  }
  const { dim, strong } = context.style('stdout');
  for (const { delivery, headers } of deliveries) {
    context.print(`${strong('POST')} ${url.href}`);
    for (const [name, value] of pairs(headers)) context.print(`${dim(`${name}:`)} ${visible(value, 300)}`);
    context.print(`\n${shownBody(delivery.body)}\n`);
  }
  const rest = total === null ? 'the rest of the run' : `${total - deliveries.length} more`;
  context.note(`Nothing was sent (--dry-run)${total === deliveries.length ? '' : `; ${rest} not shown`}.`);
  return EXIT.ok;
}

/** A body for people: its lines stay lines, numbers are masked; the exact bytes are in `--json` and `--curl`. */
function shownBody(body: Uint8Array): string {
  return maskNumbers(Buffer.from(body).toString('utf8'))
    .split('\n')
    .map((line) => visible(line, 2000))
    .join('\n');
}

function pairs(headers: readonly string[]): [string, string][] {
  const result: [string, string][] = [];
  for (let i = 0; i < headers.length; i += 2) result.push([headers[i] as string, headers[i + 1] as string]);
  return result;
}

/** First Ctrl-C: nothing new, five seconds for what is under way. A reader that went away ends the run likewise. */
function stopSignals({ io }: Context, transport: Transport): { drain: AbortSignal; done: () => void } {
  const drain = AbortSignal.any([io.interrupted, io.closed]);
  setMaxListeners(0, drain);
  let timer: NodeJS.Timeout | undefined;
  const onDrain = () => {
    timer = setTimeout(() => transport.abort(), DRAIN_MS);
  };
  if (drain.aborted) onDrain();
  else drain.addEventListener('abort', onDrain, { once: true });
  return {
    drain,
    done: () => {
      clearTimeout(timer);
      drain.removeEventListener('abort', onDrain);
    },
  };
}
