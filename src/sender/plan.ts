import {
  type BodyFormat,
  type CallEvent,
  type EventType,
  sampleEvent,
  serializeEvent,
} from '../core/event.ts';
import { type IdPrefix, newId } from '../core/id.ts';
import { type Delivery, type Fault, makeDelivery } from './delivery.ts';
import { type Scenario, type Step, scenarioSteps } from './scenario.ts';

/** What a run is to send: deliveries in the order they are due, each made when its time has come. */
export interface Planned {
  /** When it is due after the run's start, ms; null as soon as a connection is free. */
  afterMs: number | null;
  /** `at` is when it is due, ms since the epoch: an event's timestamp is the moment it happens. */
  make: (at: number) => Delivery;
}

export interface PlanOptions {
  events: readonly EventType[];
  scenario: Scenario | null;
  /** How many events, or calls of a scenario. */
  count: number;
  /** Open loop: events or calls a second; null sends as fast as answers come. */
  rate: number | null;
  /** Divides a scenario's gaps; Infinity leaves none. */
  speed: number;
  /** How many times more each delivery is sent. */
  duplicate: number;
  shuffle: boolean;
  fault: Fault | null;
  bodyFormat: BodyFormat;
  secret: string;
  eventId: string | null;
  callId: string | null;
  /** Exact bytes to send instead of sample events. */
  data: { body: Uint8Array; event: string | null; callId: string | null } | null;
  changes: (event: CallEvent) => CallEvent;
  /** False for a step of a scenario that is left out, because its endpoint does not subscribe to it. */
  wants?: (event: CallEvent) => boolean;
  newId?: (prefix: IdPrefix, now: number) => string;
  random: () => number;
}

const SHUFFLE_WINDOW = 1000;
const STALE_MS = 86_400_000;

/** The deliveries of a run, one at a time: a plan of a million takes no more memory than a plan of ten. */
export function* planDeliveries(options: PlanOptions): Iterable<Planned> {
  const planned = repeat(
    options.scenario === null ? single(options) : scenario(options, options.scenario),
    options,
  );
  yield* options.shuffle ? shuffle(planned, options.random) : planned;
}

type Wanting = Partial<Pick<PlanOptions, 'changes' | 'wants'>>;

/** How many events a plan has, not counting the copies that `duplicate` adds. */
export function eventCount(options: Wanting & Pick<PlanOptions, 'scenario' | 'count'>): number {
  const { scenario: name, count } = options;
  if (name === null) return count;
  let events = 0;
  for (let i = 0; i < count; i++)
    events += scenarioSteps(name, i).filter((step) => wanted(step, options)).length;
  return events;
}

function wanted(step: Step, { changes, wants }: Wanting): boolean {
  const event = stepEvent(step, 'MO0', 0);
  return wants === undefined || wants(changes === undefined ? event : changes(event));
}

function stepEvent({ type, changes: stepChanges }: Step, call: string, time: number): CallEvent {
  const sample = sampleEvent(type, call, time);
  const { metadata, ...changes } = stepChanges ?? {};
  return { ...sample, ...changes, metadata: { ...sample.metadata, ...metadata } };
}

function* single(options: PlanOptions): Iterable<Planned> {
  const { events, rate, count } = options;
  for (let i = 0; i < count; i++) {
    const type = events[i % events.length] as EventType;
    const afterMs = rate === null ? null : (i * 1000) / rate;
    yield {
      afterMs,
      make: (at) => build(options, (time) => sampleEvent(type, callId(options, i), time), at),
    };
  }
}

function* scenario(options: PlanOptions, name: Scenario): Iterable<Planned> {
  const gap = options.rate === null ? 0 : 1000 / options.rate;
  for (const { afterMs, call, step } of mergeCalls(options, name, gap)) {
    const due = Number.isFinite(options.speed) || options.rate !== null ? afterMs : null;
    yield {
      afterMs: due,
      make: (at) => build(options, (time) => stepEvent(step, call, time), at),
    };
  }
}

type CallStep = { afterMs: number; call: string; step: Step };

/** The steps of all calls in order of time, holding only the calls that are under way: all of them without a rate. */
function* mergeCalls(options: PlanOptions, name: Scenario, gap: number): Iterable<CallStep> {
  const waiting: CallStep[] = [];
  for (let i = 0; i < options.count; i++) {
    const start = i * gap;
    while (waiting.length > 0 && (waiting[0] as CallStep).afterMs < start) yield waiting.shift() as CallStep;
    const call = callId(options, i);
    for (const step of scenarioSteps(name, i).filter((one) => wanted(one, options)))
      waiting.push({ afterMs: start + step.afterMs / options.speed, call, step });
    if (gap > 0) waiting.sort((a, b) => a.afterMs - b.afterMs);
    else if (!Number.isFinite(options.speed)) yield* waiting.splice(0);
  }
  yield* waiting.sort((a, b) => a.afterMs - b.afterMs);
}

function* repeat(planned: Iterable<Planned>, { duplicate }: PlanOptions): Iterable<Planned> {
  for (const { afterMs, make } of planned) {
    let made: Delivery | null = null;
    const once = (at: number) => {
      made ??= make(at);
      return made;
    };
    for (let i = 0; i <= duplicate; i++) yield { afterMs, make: once };
  }
}

/** Sends at the planned times, but other events than planned: each keeps the timestamp of its own place. */
function* shuffle(planned: Iterable<Planned>, random: () => number): Iterable<Planned> {
  let window: Planned[] = [];
  for (const item of planned) {
    window.push(item);
    if (window.length < SHUFFLE_WINDOW) continue;
    yield* permute(window, random);
    window = [];
  }
  yield* permute(window, random);
}

function* permute(window: Planned[], random: () => number): Iterable<Planned> {
  const order = window.map((_, index) => index);
  for (let i = order.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [order[i], order[j]] = [order[j] as number, order[i] as number];
  }
  for (const [place, index] of order.entries()) {
    const slot = window[place] as Planned;
    const chosen = window[index] as Planned;
    yield {
      afterMs: slot.afterMs,
      make: (at) =>
        chosen.make(slot.afterMs === null ? at + index - place : at - slot.afterMs + (chosen.afterMs ?? 0)),
    };
  }
}

function build(options: PlanOptions, sample: (time: number) => CallEvent, at: number): Delivery {
  const eventId = options.eventId ?? (options.newId ?? newId)('ev', at);
  if (options.data !== null) return makeDelivery({ eventId, ...options.data }, options.secret, options.fault);
  const event = options.changes(sample(options.fault === 'stale' ? at - STALE_MS : at));
  const body = serializeEvent(event, options.bodyFormat);
  return makeDelivery(
    { eventId, event: event.event, callId: event.call_id, body },
    options.secret,
    options.fault,
  );
}

function callId(options: PlanOptions, index: number): string {
  return (
    options.callId ??
    `MO${String(Math.floor(options.random() * 1e6)).padStart(6, '0')}${String(index).padStart(4, '0')}`
  );
}
