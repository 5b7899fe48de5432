import type { SecretSources } from '../config/secrets.ts';
import { UsageError } from '../core/errors.ts';
import { type BodyFormat, type CallEvent, eventType, sampleEvent } from '../core/event.ts';
import { isEventId } from '../core/headers.ts';
import { nearest } from '../core/nearest.ts';
import { unwantedBecause } from '../core/subscription.ts';
import { parseDuration } from '../core/time.ts';
import type { Fault } from '../sender/delivery.ts';
import { eventCount, type Planned, type PlanOptions } from '../sender/plan.ts';
import { SCENARIOS, type Scenario } from '../sender/scenario.ts';
import type { CommonOptions, Context } from './context.ts';
import { readInput } from './input.ts';
import { runClock } from './run-clock.ts';
import type { SendingOptions } from './sending.ts';
import { changeEvent } from './set-path.ts';
import type { Target } from './target.ts';

/** The flags of `send-test`, as commander parses them. */
export interface SendTestOptions extends CommonOptions, SecretSources, SendingOptions {
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
  force?: boolean;
  duplicate: number;
  shuffle?: boolean;
  fault?: Fault;
  bodyFormat: BodyFormat;
  curl?: boolean;
  dryRun?: boolean;
  threshold?: string[];
  record: boolean;
}

/** The plan that the flags ask for. Throws UsageError. */
export async function toPlan(
  context: Context,
  options: SendTestOptions,
  secret: string,
  target: Target,
): Promise<PlanOptions> {
  refuseIdleFlags(options);
  const rate = options.rate === undefined ? null : parseRate(options.rate);
  const duration = options.duration === undefined ? null : parseDuration(options.duration, '--duration');
  if (duration === 0) throw new UsageError("--duration: '0s' sends nothing. Give it some time, such as 30s.");
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
  const changes = changeEvent(options.set ?? []);
  const data = options.data === undefined ? null : await readData(options.data, context);
  const unwanted = (event: CallEvent) =>
    target.endpoint === null || options.force === true ? null : unwantedBecause(event, target.endpoint);
  if (scenario === null) {
    const sent = data === null ? events.map((type) => changes(sampleEvent(type, 'MO0', 0))) : data.sent;
    for (const event of sent) refuseUnwanted(target.name, event.event, unwanted(event));
  }
  const count =
    options.count ?? defaultCount(scenario === 'campaign' ? CAMPAIGN : events.length, rate, duration);
  const wants = (event: CallEvent) => unwanted(event) === null;
  if (scenario !== null && eventCount({ scenario, count: Math.min(count, MIX), changes, wants }) === 0) {
    throw new UsageError(
      `'${target.name}' gets no event of the scenario '${scenario}', by its subscription. Send it all the same with --force.`,
    );
  }
  return {
    events,
    scenario,
    // Whichever is reached first.
    count: rate === null || duration === null ? count : Math.min(count, defaultCount(1, rate, duration)),
    rate,
    speed,
    duplicate: options.duplicate,
    shuffle: options.shuffle === true,
    fault: options.fault ?? null,
    bodyFormat: options.bodyFormat,
    secret,
    eventId: options.eventId ?? null,
    callId: options.callId ?? null,
    data,
    changes,
    wants,
    random: context.io.random,
  };
}

/** How many calls a campaign is, unless told otherwise; after so many its mix of calls begins again. */
const CAMPAIGN = 20;
const MIX = 3;

/** An endpoint gets only what it subscribes to and its filters match (cli.md, send-test). */
function refuseUnwanted(name: string, event: string, why: string | null): void {
  if (why === null) return;
  throw new UsageError(`'${name}' does not get this ${event}: ${why}. Send it all the same with --force.`);
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

/** Each named type once; a duration with a rate says how many; a duration alone has no end but the clock. */
function defaultCount(types: number, rate: number | null, durationMs: number | null): number {
  if (durationMs === null) return types;
  return rate === null ? Number.MAX_SAFE_INTEGER : Math.max(1, Math.round((rate * durationMs) / 1000));
}

/** How many deliveries a plan comes to; null where only the clock will end it. */
export function expectedCount(plan: PlanOptions): number | null {
  if (plan.count === Number.MAX_SAFE_INTEGER) return null;
  return eventCount(plan) * (1 + plan.duplicate);
}

/** Ends a closed loop when its time is up; an open loop's count was fixed beforehand. */
export function* withinDuration(
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
  const { event, callId, problem, data } = parsePayload(body);
  if (problem !== null)
    context.note(`--data: these bytes are no event (${problem}); they are sent as they are.`);
  return { body, event, callId, sent: data === null ? [] : [data] };
}

export function parseRate(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(?:\/(s|m|h))?$/.exec(text.trim());
  const rate = match ? Number(match[1]) / { s: 1, m: 60, h: 3600 }[(match[2] ?? 's') as 's' | 'm' | 'h'] : 0;
  if (!(rate > 0 && rate <= 100_000))
    throw new UsageError(`--rate: '${text}' is not a rate. Write it like 200/s or 30/m.`);
  return rate;
}

export function parseSpeed(text: string): number {
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
