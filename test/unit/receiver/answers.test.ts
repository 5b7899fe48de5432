import { expect, test } from 'vitest';
import { StoreError, type StoreProblem } from '../../../src/core/errors.ts';
import type { Outcome, Receipt } from '../../../src/core/record.ts';
import type { Store } from '../../../src/core/store.ts';
import { appAnswer } from '../../../src/receiver/answers.ts';
import type { AppAnswer } from '../../../src/receiver/forward.ts';
import type { ReceiverOptions } from '../../../src/receiver/receiver.ts';
import { openStore } from '../../../src/store/open.ts';
import { type DeliveryOptions, delivery, EVENT, eventBody } from '../../helpers/delivery.ts';
import { answeringApp, NOW, receiveOne, testReceiver } from '../../helpers/test-receiver.ts';

test('a new event is answered 200 ok after it was stored', async () => {
  const { answer, receipt } = await receiveOne({});
  expect(answer).toEqual({ status: 200, headers: ['Content-Type', 'text/plain'], body: 'ok' });
  expect(receipt).toMatchObject({
    eventId: 'ev_1',
    event: 'call_connected',
    callId: 'MO1',
    receivedAt: NOW,
    signature: 'valid',
    duplicate: null,
    latencyMs: 1000,
    status: 200,
    forward: null,
    bodyBytes: EVENT.length,
    flags: [],
  });
});

test.each(['GET', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'HEAD', 'post'])(
  'C2 %s: 405, Allow: POST, nothing stored',
  async (method) => {
    const receiver = await testReceiver();
    const answer = await receiver.send(delivery(), { method });
    expect(answer).toMatchObject({ status: 405, headers: ['Allow', 'POST'] });
    expect(await receiver.stored()).toEqual([]);
  },
);

test('--path takes deliveries on its path alone, whatever the query', async () => {
  const receiver = await testReceiver({ paths: ['/notify'] });
  const status = async (target: string) => (await receiver.send(delivery(), { target })).status;
  expect(await status('/notify')).toBe(200);
  expect(await status('/notify?x=/')).toBe(200);
  for (const target of ['/', '/notify/', '/Notify', '/x?/notify', '//notify'])
    expect(await status(target)).toBe(404);
  expect(await receiver.stored()).toHaveLength(2);
});

test.each([
  [EVENT.length, 200],
  [EVENT.length - 1, 413],
])('B11 a body against a limit of %i bytes: %i', async (maxBody, status) => {
  const receiver = await testReceiver({ maxBody });
  expect((await receiver.send(delivery())).status).toBe(status);
  expect(await receiver.stored()).toHaveLength(status === 200 ? 1 : 0);
});

test.each([
  ['not JSON', { body: 'hello' }],
  ['an empty body', { body: '' }],
  ['no event at all', { body: '[]' }],
] satisfies [string, DeliveryOptions][])(
  '--strict answers 422 to %s, keeps it, and its id is not burnt',
  async (_, options) => {
    const receiver = await testReceiver({ strict: true });
    expect(await receiver.send(delivery(options))).toMatchObject({ status: 422, body: 'Not an event' });
    expect((await receiver.send(delivery())).status).toBe(200);
    expect((await receiver.stored()).map(({ status, duplicate }) => [status, duplicate])).toEqual([
      [422, null],
      [200, null],
    ]);
  },
);

test('--strict takes an unknown event type: that is no reason to drop it', async () => {
  const { answer } = await receiveOne({ body: eventBody({ event: 'call_recorded' }) }, { strict: true });
  expect(answer.status).toBe(200);
});

test.each<[name: string, options: DeliveryOptions, stale: boolean]>([
  ['a second old', {}, false],
  ['an hour old', { body: eventBody({ timestamp: '2025-07-21T11:45:00Z' }) }, true],
  ['without a timestamp', { body: eventBody({ timestamp: undefined }) }, true],
])('--max-age 1m on an event %s', async (_, options, stale) => {
  const lenient = await receiveOne(options, { maxAgeMs: 60_000 });
  expect(lenient.answer.status).toBe(200);
  expect(lenient.receipt.flags.includes('stale')).toBe(stale);
  const strict = await receiveOne(options, { maxAgeMs: 60_000, strict: true });
  expect(strict.answer.status).toBe(stale ? 400 : 200);
  expect(strict.receipt.flags.includes('stale')).toBe(stale);
});

test('a stale delivery that was refused burns no id', async () => {
  const receiver = await testReceiver({ maxAgeMs: 60_000, strict: true });
  expect((await receiver.send(delivery(), { receivedAt: NOW + 600_000 })).status).toBe(400);
  expect((await receiver.send(delivery())).headers).not.toContain('X-MO-Duplicate');
});

/** A store that cannot store. */
async function broken(reason: StoreProblem): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  return { ...store, addReceipt: () => Promise.reject(new StoreError(`it is ${reason}`, reason)) };
}

test.each(['busy', 'full', 'damaged', 'unavailable'] as const)(
  'a store that is %s: 503 with Retry-After, nothing forwarded, nothing counted as received',
  async (reason) => {
    const failures: string[] = [];
    const received: Receipt[] = [];
    const app = answeringApp(200);
    const receiver = await testReceiver({
      store: await broken(reason),
      forwarder: app,
      onReceived: (receipt) => received.push(receipt),
      onStoreFailure: (error) => failures.push(error.reason),
    });
    expect(await receiver.send(delivery())).toMatchObject({ status: 503, headers: ['Retry-After', '1'] });
    expect(failures).toEqual([reason]);
    expect([app.calls, received, receiver.answered]).toEqual([[], [], []]);
  },
);

test('a refusal is still a refusal while the store is down', async () => {
  const receiver = await testReceiver({ store: await broken('full') });
  expect((await receiver.send(delivery({ signature: null }))).status).toBe(400);
  await receiver.drain();
});

function rehearsing(...statuses: number[]): Partial<ReceiverOptions> {
  return { rehearsal: { statuses, pause: async () => {} } };
}

test('--respond 500,500,200: refusals burn no id, the last status goes on for ever', async () => {
  const receiver = await testReceiver(rehearsing(500, 500, 200));
  const answers = [];
  for (let i = 0; i < 4; i++) answers.push(await receiver.send(delivery()));
  expect(answers.map(({ status }) => status)).toEqual([500, 500, 200, 200]);
  expect(answers.map(({ headers }) => headers.includes('X-MO-Duplicate'))).toEqual([
    false,
    false,
    false,
    true,
  ]);
  const receipts = await receiver.stored();
  expect(receipts.map(({ duplicate }) => duplicate)).toEqual([null, null, null, 'duplicate']);
  expect(receipts.map(({ flags }) => flags.includes('rehearsed'))).toEqual([true, true, false, false]);
});

test('--respond does not turn a wrong signature into anything else, nor is it used up by one', async () => {
  const receiver = await testReceiver(rehearsing(503, 200));
  expect((await receiver.send(delivery({ signature: null }))).status).toBe(400);
  expect((await receiver.send(delivery())).status).toBe(503);
});

test('--respond 500 keeps the delivery from the app', async () => {
  const app = answeringApp(200);
  const receiver = await testReceiver({ ...rehearsing(500, 200), forwarder: app });
  expect((await receiver.send(delivery())).status).toBe(500);
  expect(app.calls).toHaveLength(0);
  expect((await receiver.send(delivery())).status).toBe(200);
  expect(app.calls).toHaveLength(1);
});

test.each<[name: string, overrides: Partial<ReceiverOptions>]>([
  ['alone', {}],
  ['in front of an app', { forwarder: answeringApp(200) }],
  ['in front of an app, --ack first', { forwarder: answeringApp(200), ack: 'first' }],
])('--delay holds the answer back, %s', async (_, overrides) => {
  let release = () => {};
  let waiting = () => {};
  const paused = new Promise<void>((resolve) => {
    waiting = resolve;
  });
  const pause = () => {
    waiting();
    return new Promise<void>((resolve) => {
      release = resolve;
    });
  };
  const receiver = await testReceiver({ ...overrides, rehearsal: { statuses: [], pause } });
  let answered = false;
  const answer = receiver.send(delivery()).finally(() => {
    answered = true;
  });
  await Promise.race([paused, answer]);
  expect(answered).toBe(false);
  release();
  expect((await answer).status).toBe(200);
});

test.each<[outcome: Outcome, status: number]>([
  ['timeout', 504],
  ['refused', 502],
  ['reset', 502],
  ['dns', 502],
  ['tls', 502],
  ['blocked', 502],
  ['aborted', 502],
])(
  'an app that gave no answer, %s: %i, whatever the words for it; the same delivery is to be tried again',
  (outcome, status) => {
    const answer = appAnswer({ ...NO_ANSWER, outcome, error: 'no answer, no connection' });
    expect(answer).toMatchObject({ status, headers: ['Retry-After', '1'], unavailable: true });
  },
);

test("the app's own 503 with Retry-After is its answer, and no reason to keep what waits", () => {
  const headers = ['retry-after', '7', 'Content-Type', 'a\0b', 'X-Own', '1'];
  expect(appAnswer({ ...NO_ANSWER, outcome: 'rejected', status: 503, headers })).toEqual({
    status: 503,
    headers: ['Retry-After', '7'],
    body: Buffer.from('body'),
  });
});

const NO_ANSWER: AppAnswer = {
  result: { status: null, durationMs: 1, error: null },
  outcome: 'reset',
  status: null,
  durationMs: 1,
  error: null,
  failure: null,
  delivered: false,
  cut: false,
  place: 'http://127.0.0.1:9/',
  headers: [],
  responseBody: Buffer.from('body'),
  bodyCut: false,
  said: 'body',
};
