import type { Receipt } from '../../src/core/record.ts';
import type { Store } from '../../src/core/store.ts';
import type { Answer } from '../../src/http/serve-options.ts';
import type { AppAnswer, ForwardedDelivery, Forwarder } from '../../src/receiver/forward.ts';
import { createReceiver, type Receiver, type ReceiverOptions } from '../../src/receiver/receiver.ts';
import { openStore } from '../../src/store/open.ts';
import { type Delivery, delivery, SECRET } from './delivery.ts';

/** When every delivery of `receive` arrives, unless it says otherwise: a second after the sample event. */
export const NOW = Date.parse('2025-07-21T12:45:01Z');

/** A receiver on a store in memory, called with plain values. */
export interface TestReceiver extends Receiver {
  store: Store;
  /** Sends a delivery, `POST /` unless told otherwise. */
  send(
    delivery: Delivery,
    about?: { method?: string; target?: string; receivedAt?: number },
  ): Promise<Answer>;
  /** The receipts as `onAnswered` told of them, in that order. */
  answered: Receipt[];
  /** The receipts as the store has them. */
  stored(): Promise<Receipt[]>;
}

export async function testReceiver(overrides: Partial<ReceiverOptions> = {}): Promise<TestReceiver> {
  const store = overrides.store ?? (await openStore('sqlite::memory:'));
  const answered: Receipt[] = [];
  let ids = 0;
  const receiver = createReceiver({
    secrets: [{ name: 'current', value: SECRET }],
    store,
    newId: () => `rc_${++ids}`,
    maxBody: 1024 ** 2,
    paths: null,
    invalidStatus: 400,
    strict: false,
    maxAgeMs: null,
    ack: 'app',
    forwarder: null,
    events: null,
    rehearsal: null,
    onAnswered: (receipt) => answered.push(receipt),
    ...overrides,
  });
  return {
    ...receiver,
    store,
    answered,
    send: ({ headers, body }, { method = 'POST', target = '/', receivedAt = NOW } = {}) =>
      receiver.receive({ method, target, headers, body, receivedAt }),
    async stored() {
      await receiver.drain();
      const receipts: Receipt[] = [];
      for await (const receipt of store.receipts({})) receipts.push(receipt);
      return receipts;
    },
  };
}

/** The receipt of one delivery to a receiver of its own, with the answer to it. */
export async function receiveOne(
  options: Parameters<typeof delivery>[0],
  overrides: Partial<ReceiverOptions> = {},
): Promise<{ answer: Answer; receipt: Receipt }> {
  const receiver = await testReceiver(overrides);
  const answer = await receiver.send(delivery(options));
  const receipts = await receiver.stored();
  if (receipts.length !== 1) throw new Error(`stored ${receipts.length} receipts where one was due`);
  return { answer, receipt: receipts[0] as Receipt };
}

/** The error of a forward that the run's own end cut off. */
export const CUT = 'interrupted';

/** An app that answers when the test says so. */
export interface HeldApp extends Forwarder {
  /** What was forwarded, in order. */
  calls: (ForwardedDelivery & { answer: (status: number | null, error?: string) => void })[];
}

export function heldApp(): HeldApp {
  const calls: HeldApp['calls'] = [];
  return {
    url: new URL('http://127.0.0.1:9/'),
    calls,
    forward: (delivery) =>
      new Promise<AppAnswer>((resolve) => {
        const answer = (status: number | null, error: string | null = null) =>
          resolve({
            result: { status, durationMs: 1, error },
            outcome: status === null ? 'refused' : status < 300 ? 'delivered' : 'rejected',
            delivered: status !== null && status < 300,
            cut: error === CUT,
            place: 'http://127.0.0.1:9/',
            status,
            durationMs: 1,
            error,
            failure: null,
            headers: [],
            bodyCut: false,
            said: `app says ${status}`,
            responseBody: Buffer.from(`app says ${status}`),
          });
        calls.push({ ...delivery, answer });
      }),
    close: async () => {},
  };
}

/** An app that answers these statuses in turn, the last one for ever; null for no answer. */
export function answeringApp(...statuses: (number | null)[]): HeldApp {
  const app = heldApp();
  return {
    ...app,
    forward: (delivery) => {
      const answer = app.forward(delivery);
      const status = statuses[Math.min(app.calls.length, statuses.length) - 1] as number | null;
      app.calls.at(-1)?.answer(status, status === null ? 'connection refused' : undefined);
      return answer;
    },
  };
}
