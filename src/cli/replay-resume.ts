import { readFileSync } from 'node:fs';
import { isAlive } from '../config/process-alive.ts';
import type { SecretSources } from '../config/secrets.ts';
import { quote } from '../core/curl.ts';
import { wantedEndpoint } from '../core/endpoint-identity.ts';
import { UsageError } from '../core/errors.ts';
import type { RecordKind } from '../core/record.ts';
import type { ReplayState, Store } from '../core/store.ts';
import { formatTimestamp } from '../core/time.ts';
import { MASK, maskLiterals, queryValues } from '../core/url-values.ts';
import type { CommonOptions } from './context.ts';
import type { Plan } from './replay-plan.ts';
import type { Selection } from './replay-survey.ts';

/** Which deliveries are sent, where to, and as what: a run that is resumed keeps to these. */
const KEPT = [
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
  'newIds',
  'retime',
  'resign',
  'force',
] as const satisfies readonly (keyof Plan)[];
/** How they are sent: another pace may be what a run that went badly needs. */
const CHANGEABLE = [
  'speed',
  'rate',
  'concurrency',
  'retries',
  'backoff',
  'timeout',
  'toolHeaders',
  'insecure',
  'allowHttp',
] as const satisfies readonly (keyof Plan)[];

/** How a resumed run knows that its source is still the same. */
export interface SourceMark {
  /** The last records of the store when the run began. */
  through?: Record<RecordKind, number>;
  /** A file's size, bytes, and when it was last changed, ms since the epoch. */
  size?: number;
  changedAt?: number;
}

/** A run as the store keeps it. */
export interface SavedPlan {
  options: Plan;
  about: SourceMark;
  pid: number;
}

export interface Resumed {
  state: ReplayState;
  plan: SavedPlan;
}

/** The run to go on with. Throws UsageError where there is nothing left to do, or somebody is still at it. */
export async function findRun(store: Store, run: string): Promise<Resumed> {
  const state = await store.replay(run);
  if (state === null) throw new UsageError(`--resume: no replay '${run}' is on record in ${store.location}.`);
  if (state.state === 'done')
    throw new UsageError(`--resume: the replay ${run} came to its end; nothing is left of it.`);
  const plan = JSON.parse(state.plan) as SavedPlan;
  if (state.state === 'running' && plan.pid !== process.pid && isAtWork(plan.pid))
    throw new UsageError(`--resume: the replay ${run} is still under way (process ${plan.pid}).`);
  return { state, plan };
}

/** Whether a process is there, and is one of ours: a number is given again once its process has ended. */
function isAtWork(pid: number): boolean {
  if (!isAlive(pid)) return false;
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes('mo-notify');
  } catch {
    // Where that cannot be read, a process that is there may be ours.
    return true;
  }
}

/** How to go on: the command with the flags that say where things are. What may be a secret is not repeated. */
export function resumeCommand(run: string, options: ResumeOptions): string {
  const flag = (name: string, value: string | undefined) => (value === undefined ? [] : [name, word(value)]);
  const words = [
    ...flag('--store', options.store),
    ...flag('--config', options.config),
    ...(options.secretEnv ?? []).flatMap((name) => flag('--secret-env', name)),
    ...(options.secretFile ?? []).flatMap((path) => flag('--secret-file', path)),
    ...(options.secretStdin === true ? ['--secret-stdin'] : []),
  ];
  const again = [
    ...(options.to !== undefined && maskLiterals(options.to) !== options.to ? ['--to'] : []),
    ...(options.header === undefined ? [] : ['-H']),
  ];
  const same = again.length === 0 ? '' : ` (and the same ${again.join(' and ')})`;
  return ['mo-notify replay --resume', run, ...words].join(' ') + same;
}

type ResumeOptions = Pick<CommonOptions, 'store' | 'config'> &
  SecretSources & { header?: string[]; to?: string };

function word(text: string): string {
  return /^[\w./:@%+=,-]+$/.test(text) ? text : quote(text);
}

/** The run's own plan, at another pace where flags ask for one. Throws UsageError for any other change. */
export function resumedPlan(given: Plan, { state: { run }, plan: { options } }: Resumed): Plan {
  const kept = fitToKeep(given);
  const changed = KEPT.find((key) => kept[key] !== undefined && String(kept[key]) !== String(options[key]));
  if (changed !== undefined) {
    const what =
      changed === 'source' ? 'the source' : `--${changed.replace(/[A-Z]/g, (c) => `-${c.toLowerCase()}`)}`;
    throw new UsageError(
      `--resume: ${what} cannot be changed: ${run} sends exactly what is left of what it began with. Start a new replay instead.`,
    );
  }
  const { to = options.to } = given;
  if (to !== undefined && queryValues(to).some(({ value }) => value === MASK)) {
    throw new UsageError(
      `--resume: ${run} was sent to ${to}, and what is masked there is not kept. Give --to with its values again.`,
    );
  }
  const pace = CHANGEABLE.flatMap((key) =>
    given[key] === undefined || (key === 'toolHeaders' && given[key] === true) ? [] : [[key, given[key]]],
  );
  // One of the two takes the other's place.
  const { speed, rate, ...rest } = options;
  const paced = given.speed === undefined && given.rate === undefined ? options : rest;
  return { ...paced, ...(to === undefined ? {} : { to }), ...(Object.fromEntries(pace) as Plan) };
}

/** The same without secrets, which a store does not keep. */
function fitToKeep(plan: Plan): Plan {
  const { to, endpoint } = plan;
  return {
    ...plan,
    ...(to === undefined ? {} : { to: maskLiterals(to) }),
    ...(endpoint === undefined ? {} : { endpoint: wantedEndpoint(endpoint) }),
  };
}

/** What the store keeps. `2h` ago is another time when the run is resumed, so times are kept as they were meant. */
export function savedPlan(
  plan: Plan,
  { filter: { since, until } }: Selection,
  kind: RecordKind,
  about: SourceMark,
): SavedPlan {
  const fit = fitToKeep(plan);
  const kept = [...KEPT, ...CHANGEABLE].flatMap((key) => (fit[key] === undefined ? [] : [[key, fit[key]]]));
  const options: Plan = {
    ...Object.fromEntries(kept),
    kind,
    ...(since === undefined ? {} : { since: formatTimestamp(since) }),
    ...(until === undefined ? {} : { until: formatTimestamp(until) }),
  };
  return { options, about, pid: process.pid };
}

/** Throws UsageError where a file is not the one that the run began with. */
export function refuseChangedSource(about: SourceMark, resumed: Resumed, name: string): void {
  const { size, changedAt } = resumed.plan.about;
  if (size === about.size && changedAt === about.changedAt) return;
  throw new UsageError(
    `--resume: ${name} has changed since the run began, so what is left of it is not known.`,
  );
}
