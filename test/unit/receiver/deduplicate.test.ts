import { gzipSync } from 'node:zlib';
import { expect, test } from 'vitest';
import type { Receipt } from '../../../src/core/record.ts';
import { type DeliveryOptions, delivery, EVENT, eventBody } from '../../helpers/delivery.ts';
import { answeringApp, type TestReceiver, testReceiver } from '../../helpers/test-receiver.ts';

/** What the store says of each of these deliveries, sent one after another. */
async function marks(...sent: DeliveryOptions[]): Promise<Receipt['duplicate'][]> {
  const receiver = await testReceiver();
  for (const options of sent) await receiver.send(delivery(options));
  return (await receiver.stored()).map(({ duplicate }) => duplicate);
}

const other = eventBody({ call_id: 'MO2' });

test.each<[name: string, sent: DeliveryOptions[], marks: Receipt['duplicate'][]]>([
  ['A13 same id, same body', [{}, {}, {}], [null, 'duplicate', 'duplicate']],
  ['A14 same id, other body', [{}, { body: other }], [null, 'conflict']],
  ['A14 the conflicting body again', [{}, { body: other }, { body: other }], [null, 'conflict', 'duplicate']],
  ['A14 the first body again after a conflict', [{}, { body: other }, {}], [null, 'conflict', 'duplicate']],
  ['A14 one space more is another body', [{}, { body: `${EVENT} ` }], [null, 'conflict']],
  ['A15 new id, same body', [{}, { id: 'ev_2' }], [null, 'suspected_replay']],
  ['A15 that one again', [{}, { id: 'ev_2' }, { id: 'ev_2' }], [null, 'suspected_replay', 'duplicate']],
  ['new id, new body', [{}, { id: 'ev_2', body: other }], [null, null]],
  ['A11 no id, same body', [{ id: null }, { id: null }], [null, 'duplicate']],
  ['A11 no id, other body', [{ id: null }, { id: null, body: other }], [null, null]],
  ['A11 no id after the same body with one', [{}, { id: null }], [null, 'duplicate']],
  ['ids that differ in case', [{}, { id: 'EV_1', body: other }], [null, null]],
  [
    'other headers alone',
    [{}, { headers: ['X-MO-Delivery-Attempt', '2'], contentType: null }],
    [null, 'duplicate'],
  ],
])('%s', async (_, sent, expected) => {
  expect(await marks(...sent)).toEqual(expected);
});

test('B9 compressed bytes are the same body whatever the unsigned Content-Encoding says', async () => {
  const body = gzipSync(EVENT);
  const gzip = ['Content-Encoding', 'gzip'];
  expect(await marks({ body, headers: gzip }, { body }, { id: 'ev_2', body })).toEqual([
    null,
    'duplicate',
    'suspected_replay',
  ]);
  expect(await marks({}, { headers: gzip })).toEqual([null, 'duplicate']);
});

test('a duplicate is answered 200 ok like the first, with X-MO-Duplicate: true', async () => {
  const receiver = await testReceiver();
  const first = await receiver.send(delivery());
  const second = await receiver.send(delivery());
  expect(first).toEqual({ status: 200, headers: ['Content-Type', 'text/plain'], body: 'ok' });
  expect(second).toEqual({ ...first, headers: [...first.headers, 'X-MO-Duplicate', 'true'] });
});

test.each([
  ['A14 conflict', { body: other }, 'conflict'],
  ['A15 suspected replay', { id: 'ev_2' }, 'suspected_replay'],
] as const)('%s is answered 200 without X-MO-Duplicate, and counted apart', async (_, again, mark) => {
  const receiver = await testReceiver();
  await receiver.send(delivery());
  const answer = await receiver.send(delivery(again));
  expect(answer).toEqual({ status: 200, headers: ['Content-Type', 'text/plain'], body: 'ok' });
  expect(receiver.answered[1]).toMatchObject({ duplicate: mark, status: 200 });
  const { received } = await receiver.store.tally({});
  expect(received).toMatchObject({
    receipts: 2,
    events: 1,
    duplicates: 0,
    conflicts: mark === 'conflict' ? 1 : 0,
    suspectedReplays: mark === 'suspected_replay' ? 1 : 0,
  });
});

async function burst(receiver: TestReceiver, options: DeliveryOptions = {}) {
  const answers = await Promise.all(Array.from({ length: 50 }, () => receiver.send(delivery(options))));
  const receipts = await receiver.stored();
  const count = (mark: Receipt['duplicate']) => receipts.filter(({ duplicate }) => duplicate === mark).length;
  return {
    statuses: new Set(answers.map(({ status }) => status)),
    marked: answers.filter(({ headers }) => headers.includes('X-MO-Duplicate')).length,
    fresh: count(null),
    duplicates: count('duplicate'),
  };
}

test.each([
  ['with an id', {}],
  ['without an id', { id: null }],
])('A13 50 at once %s: one new, 49 duplicates, all 200', async (_, options) => {
  expect(await burst(await testReceiver(), options)).toEqual({
    statuses: new Set([200]),
    marked: 49,
    fresh: 1,
    duplicates: 49,
  });
});

test.each(['app', 'first'] as const)('A13 50 at once with an app, --ack %s: it gets one', async (ack) => {
  const app = answeringApp(200);
  const outcome = await burst(await testReceiver({ forwarder: app, ack }));
  expect(outcome).toMatchObject({ statuses: new Set([200]), fresh: 1, duplicates: 49 });
  expect(app.calls).toHaveLength(1);
});

test('a duplicate has no latency: an event counts once', async () => {
  const receiver = await testReceiver();
  await receiver.send(delivery());
  await receiver.send(delivery());
  expect(receiver.answered.map(({ latencyMs }) => latencyMs)).toEqual([1000, null]);
  expect((await receiver.store.tally({})).received.latency.count).toBe(1);
});
