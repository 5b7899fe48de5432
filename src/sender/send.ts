import { setMaxListeners } from 'node:events';
import { placeAt } from '../core/asked.ts';
import { headerValue } from '../core/headers.ts';
import { newId } from '../core/id.ts';
import type { Attempt } from '../core/record.ts';
import { type RetrySchedule, retryDelay } from '../core/schedule.ts';
import type { Store } from '../core/store.ts';
import type { AttemptResult, OutgoingRequest, Transport } from '../http/attempt.ts';
import { type Delivery, type DeliveryStyle, deliveryHeaders } from './delivery.ts';
import type { Planned } from './plan.ts';
import { Slots } from './slots.ts';

export interface SendOptions {
  endpoint: string;
  /** Where they go, as the log has it. */
  url: string;
  transport: Transport;
  /** Where attempts are recorded; null keeps no record. */
  store: Store | null;
  schedule: RetrySchedule;
  style: DeliveryStyle;
  concurrency: number;
  run: string;
  clock: Clock;
  random: () => number;
  /** Whether what a drain leaves undone is taken up later: then an attempt that fails meanwhile is not its last. */
  resumable?: boolean;
  /** Stops new deliveries and retries, while what is under way ends (or is given up by `transport.abort`). */
  drain: AbortSignal;
  /** `first` where no attempt of its delivery came before in this run of the process. */
  onAttempt: (attempt: Attempt, result: AttemptResult, first: boolean) => void;
}

/** Time as a run sees it. */
export interface Clock {
  /** ms since the epoch; never goes back, whatever is done to the machine's clock meanwhile. */
  now: () => number;
  /** Resolves after `ms`, or as soon as the signal fires. */
  sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

/** Deliveries that wait for their retry; above this no new ones are begun. */
const MAX_OPEN = 10_000;

/**
 * Sends everything that is planned and retries what fails (contract §1). Each attempt is recorded, then told to
 * `onAttempt`; a slow endpoint never moves the time at which an event was due. Rejects with StoreError.
 */
export async function sendAll(
  planned: Iterable<Planned> | AsyncIterable<Planned>,
  options: SendOptions,
): Promise<void> {
  const { clock, concurrency } = options;
  const failed = new AbortController();
  const drain = AbortSignal.any([options.drain, failed.signal]);
  setMaxListeners(0, drain);
  const shared = { ...options, drain };
  const slots = new Slots(concurrency);
  const room = new Slots(MAX_OPEN);
  const ended = () => room.release();
  const start = clock.now();
  for await (const { afterMs, make } of planned) {
    if (afterMs !== null) {
      const wait = start + afterMs - clock.now();
      if (wait > 0) await clock.sleep(wait, drain);
    }
    const dueAt = afterMs === null ? null : start + afterMs;
    // Room first: who holds a slot while waiting for room keeps the retries from making it.
    if (!room.tryTake()) await room.take();
    if (!slots.tryTake()) await slots.take();
    if (drain.aborted) {
      slots.release();
      room.release();
      break;
    }
    const due = dueAt ?? clock.now();
    deliver(make, due, slots, shared).then(ended, (error: unknown) => {
      failed.abort(error);
      ended();
    });
  }
  await room.idle();
  if (failed.signal.aborted) throw failed.signal.reason;
}

/** One delivery from its first attempt to its last. It holds a slot while a request is under way, not between. */
async function deliver(
  make: Planned['make'],
  dueAt: number,
  slots: Slots,
  options: SendOptions,
): Promise<void> {
  const { clock, schedule, store, transport, drain, resumable = false } = options;
  let delivery: Delivery;
  try {
    delivery = make(dueAt);
  } catch (error) {
    slots.release();
    throw error;
  }
  for (let number = delivery.attemptsBefore + 1; ; number++) {
    const sentAt = clock.now();
    const headers = deliveryHeaders(delivery, number, sentAt, options.style);
    let result: AttemptResult;
    try {
      result = await transport.send(toRequest(delivery, headers, transport.url));
    } finally {
      slots.release();
    }
    const delay = nextDelay(result, number, delivery, schedule, options);
    const final = delay === null || (drain.aborted && !resumable);
    const attempt = toAttempt(delivery, number, { dueAt, sentAt, final }, result, options);
    await store?.addAttempt(attempt, number === 1 ? delivery.body : null);
    options.onAttempt(attempt, result, number === delivery.attemptsBefore + 1);
    if (delay === null || drain.aborted) return;
    await clock.sleep(delay, drain);
    if (drain.aborted) return;
    await slots.take();
    if (drain.aborted) return slots.release();
  }
}

function toRequest({ body, asked }: Delivery, headers: string[], url: URL): OutgoingRequest {
  return asked === '' ? { headers, body } : { headers, body, target: placeAt(url, asked) };
}

function nextDelay(
  result: AttemptResult,
  number: number,
  delivery: Delivery,
  schedule: RetrySchedule,
  { clock, random }: SendOptions,
): number | null {
  const settled =
    result.outcome === 'delivered' || result.outcome === 'blocked' || result.outcome === 'aborted';
  if (settled || delivery.fault !== null) return null;
  const retryAfter = headerValue(result.headers, 'Retry-After') ?? null;
  return retryDelay(schedule, number, { status: result.status, retryAfter, now: clock.now() }, random());
}

function toAttempt(
  delivery: Delivery,
  number: number,
  { dueAt, sentAt, final }: { dueAt: number; sentAt: number; final: boolean },
  result: AttemptResult,
  { endpoint, url, run }: SendOptions,
): Attempt {
  return {
    id: newId('at', sentAt),
    eventId: delivery.eventId,
    event: delivery.event,
    callId: delivery.callId,
    endpoint,
    url,
    attempt: number,
    dueAt: Math.round(dueAt),
    sentAt: Math.round(sentAt),
    status: result.status,
    outcome: result.outcome,
    durationMs: result.durationMs,
    final,
    run,
    replayOf: delivery.replayOf,
    error: result.error,
    fault: delivery.fault,
  };
}
