import { setMaxListeners } from 'node:events';
import { headerValue } from '../../src/core/headers.ts';
import { isSuccess } from '../../src/core/record.ts';
import type { AttemptResult, OutgoingRequest, Transport } from '../../src/http/attempt.ts';
import type { Delivery } from '../../src/sender/delivery.ts';
import { makeDelivery } from '../../src/sender/delivery.ts';
import type { Planned } from '../../src/sender/plan.ts';
import type { SendOptions } from '../../src/sender/send.ts';
import type { FakeClock } from './fake-clock.ts';

/** What a request to the fake endpoint comes to: a status, or a status with headers, or a whole result. */
export type Reply = number | [status: number, headers: Record<string, string>] | Partial<AttemptResult>;

export interface Sent extends OutgoingRequest {
  /** ms after the clock's start. */
  at: number;
  eventId: string;
  attempt: number;
}

export interface FakeTransport extends Transport {
  sent: Sent[];
  /** The most requests that were under way at once. */
  most: () => number;
}

/** An endpoint without a network: `reply` says how it answers, `latencyMs` how late; Infinity is never. */
export function fakeTransport(
  clock: FakeClock,
  reply: (request: Sent, nth: number) => Reply,
  latencyMs: number | ((request: Sent) => number) = 0,
): FakeTransport {
  const sent: Sent[] = [];
  let abort = new AbortController();
  let underWay = 0;
  let most = 0;
  return {
    url: new URL('http://127.0.0.1:1/notify'),
    sent,
    most: () => most,
    async send(request) {
      const header = (name: string) => headerValue(request.headers, name) ?? '';
      const seen: Sent = {
        ...request,
        at: clock.elapsed(),
        eventId: header('X-MO-Event-Id'),
        attempt: Number(header('X-MO-Delivery-Attempt')),
      };
      sent.push(seen);
      const { signal } = abort;
      setMaxListeners(0, signal);
      const nth = sent.length;
      most = Math.max(most, ++underWay);
      const late = typeof latencyMs === 'number' ? latencyMs : latencyMs(seen);
      if (late > 0) await wait(late, clock, signal);
      underWay -= 1;
      return signal.aborted
        ? result({ outcome: 'aborted', error: 'interrupted' }, late)
        : result(reply(seen, nth), late);
    },
    abort: () => {
      abort.abort();
      abort = new AbortController();
    },
    close: async () => {},
  };
}

async function wait(ms: number, clock: FakeClock, signal: AbortSignal): Promise<void> {
  if (Number.isFinite(ms)) return clock.sleep(ms, signal);
  if (!signal.aborted) await new Promise((resolve) => signal.addEventListener('abort', resolve));
}

function result(reply: Reply, durationMs: number): AttemptResult {
  const none = {
    headers: [],
    responseBody: Buffer.alloc(0),
    bodyCut: false,
    failure: null,
    status: null,
    error: null,
    durationMs,
  };
  if (typeof reply === 'object' && !Array.isArray(reply)) return { ...none, outcome: 'reset', ...reply };
  const [status, headers] = typeof reply === 'number' ? [reply, {}] : reply;
  const ok = isSuccess(status);
  return {
    ...none,
    status,
    headers: Object.entries(headers).flat(),
    outcome: ok ? 'delivered' : 'rejected',
    error: ok ? null : `answered ${status}`,
  };
}

/** What `sendAll` needs besides a plan, on fakes; what was told to `onAttempt` is in `attempts`. */
export function sendOptions(
  transport: FakeTransport,
  clock: FakeClock,
  changes: Partial<SendOptions> = {},
): SendOptions & { attempts: Parameters<SendOptions['onAttempt']>[0][] } {
  const attempts: Parameters<SendOptions['onAttempt']>[0][] = [];
  return {
    endpoint: 'endpoint',
    url: 'http://127.0.0.1:1/notify',
    transport,
    store: null,
    schedule: { retries: 3, backoffMs: [1000, 5000, 25_000] },
    style: { toolHeaders: true, replay: null, extraHeaders: [] },
    concurrency: 16,
    run: 'run_1',
    clock,
    random: () => 0.5,
    drain: new AbortController().signal,
    onAttempt: (attempt) => void attempts.push(attempt),
    ...changes,
    attempts,
  };
}

/** Deliveries `ev_1` … `ev_n`, each due `everyMs` after the one before; null for a closed loop. */
export function planned(count: number, everyMs: number | null = null): Planned[] {
  return Array.from({ length: count }, (_, index) => ({
    afterMs: everyMs === null ? null : index * everyMs,
    make: () => testDelivery(`ev_${index + 1}`),
  }));
}

export function testDelivery(eventId: string, changes: Partial<Delivery> = {}): Delivery {
  const body = Buffer.from(`{"event":"call_connected","call_id":"MO1","n":"${eventId}"}`);
  return { ...makeDelivery({ eventId, event: 'call_connected', callId: 'MO1', body }, 'secret'), ...changes };
}
