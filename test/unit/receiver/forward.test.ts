import { join } from 'node:path';
import { expect, test } from 'vitest';
import { endToEnd } from '../../../src/core/headers.ts';
import type { ReceiverOptions } from '../../../src/receiver/receiver.ts';
import { openStore } from '../../../src/store/open.ts';
import { delivery, eventBody } from '../../helpers/delivery.ts';
import { tempFolder } from '../../helpers/spawn-cli.ts';
import { answeringApp, CUT, heldApp, testReceiver } from '../../helpers/test-receiver.ts';

test('headers go on in their order and case, several of one name included', () => {
  const headers = [
    'X-B',
    '1',
    'x-a',
    '2',
    'X-b',
    '3',
    'Content-Type',
    'x',
    'content-TYPE',
    'y',
    'X-Empty',
    '',
  ];
  expect(endToEnd(headers)).toEqual(headers);
});

test.each([
  'Connection',
  'Content-Length',
  'Expect',
  'Host',
  'Keep-Alive',
  'Proxy-Authenticate',
  'Proxy-Authorization',
  'Proxy-Connection',
  'TE',
  'Trailer',
  'TRANSFER-ENCODING',
  'upgrade',
])('%s belongs to one hop and stays behind', (name) => {
  expect(endToEnd(['X-A', '1', name, 'x', 'X-B', '2'])).toEqual(['X-A', '1', 'X-B', '2']);
});

test('what Connection names stays behind too, but never a header of the delivery itself', () => {
  const headers = [
    'Connection',
    'x-hop, X-MO-Signature',
    'X-Hop',
    '1',
    'X-MO-Signature',
    's',
    'connection',
    'x-2',
    'X-2',
    '2',
  ];
  expect(endToEnd(headers)).toEqual(['X-MO-Signature', 's']);
});

test('the app gets the bytes and headers that arrived, and its status is the answer', async () => {
  const app = answeringApp(418);
  const receiver = await testReceiver({ forwarder: app });
  const sent = delivery({ body: Buffer.from([0xff, 0xfe, 0]), headers: ['X-A', '1', 'x-a', '2'] });
  const answer = await receiver.send(sent);
  expect(answer.status).toBe(418);
  expect(Buffer.from(answer.body).toString()).toBe('app says 418');
  expect(app.calls[0]?.body).toEqual(sent.body);
  expect(app.calls[0]?.headers).toEqual(sent.headers);
  expect((await receiver.stored())[0]).toMatchObject({ status: 418, forward: { status: 418, error: null } });
});

test('an app that cannot be reached is a 502 with Retry-After', async () => {
  const receiver = await testReceiver({ forwarder: answeringApp(null) });
  expect(await receiver.send(delivery())).toMatchObject({ status: 502, headers: ['Retry-After', '1'] });
  expect((await receiver.stored())[0]).toMatchObject({
    status: 502,
    forward: { status: null, error: 'connection refused' },
  });
});

test.each([500, 404, 301, null])(
  'a retry after the app failed with %s is forwarded again, and no duplicate',
  async (status) => {
    const app = answeringApp(status, 200);
    const receiver = await testReceiver({ forwarder: app });
    expect((await receiver.send(delivery())).status).toBe(status ?? 502);
    const retry = await receiver.send(delivery({ headers: ['X-MO-Delivery-Attempt', '2'] }));
    expect(retry.status).toBe(200);
    expect(retry.headers).not.toContain('X-MO-Duplicate');
    const after = await receiver.send(delivery({ headers: ['X-MO-Delivery-Attempt', '3'] }));
    expect(after.headers).toContain('X-MO-Duplicate');
    expect(app.calls).toHaveLength(2);
    const receipts = await receiver.stored();
    expect(receipts.map(({ duplicate }) => duplicate)).toEqual([null, null, 'duplicate']);
    expect(receipts.map(({ flags }) => flags.includes('redelivery'))).toEqual([false, true, false]);
    const { received } = await receiver.store.tally({});
    expect(received).toMatchObject({ events: 1, duplicates: 1, dropped: 1 });
    expect(received.latency.count).toBe(1);
  },
);

test.each([500, 200])(
  'duplicates while the first is in flight wait for it and get its answer, %i',
  async (status) => {
    const app = heldApp();
    const receiver = await testReceiver({ forwarder: app });
    const first = receiver.send(delivery());
    const copies = [receiver.send(delivery()), receiver.send(delivery())];
    // A third delivery, of another event, has been stored after the copies: so they have been judged.
    const other = receiver.send(delivery({ id: 'ev_2', body: eventBody({ call_id: 'MO2' }) }));
    while (app.calls.length < 2) await new Promise((resolve) => setImmediate(resolve));
    app.calls[1]?.answer(204);
    expect((await other).status).toBe(204);
    app.calls[0]?.answer(status);
    expect((await first).status).toBe(status);
    for (const copy of await Promise.all(copies)) {
      expect(copy.status).toBe(status);
      expect(copy.headers.includes('X-MO-Duplicate')).toBe(status === 200);
    }
    expect(app.calls).toHaveLength(2);
  },
);

test.each<[name: string, second: Parameters<typeof delivery>[0], strict: boolean, forwarded: number]>([
  ['a conflict', { body: eventBody({ call_id: 'MO2' }) }, false, 2],
  ['a conflict, --strict', { body: eventBody({ call_id: 'MO2' }) }, true, 2],
  ['a suspected replay', { id: 'ev_2' }, false, 2],
  ['a suspected replay, --strict: withheld', { id: 'ev_2' }, true, 1],
  ['a duplicate', {}, false, 1],
  ['a duplicate, --strict', {}, true, 1],
])('A14, A15 what the app gets of %s', async (_, second, strict, forwarded) => {
  const app = answeringApp(200);
  const receiver = await testReceiver({ forwarder: app, strict });
  await receiver.send(delivery());
  const answer = await receiver.send(delivery(second));
  expect(answer.status).toBe(200);
  expect(app.calls).toHaveLength(forwarded);
});

test('A15 what was withheld says so in its record', async () => {
  const receiver = await testReceiver({ forwarder: answeringApp(200), strict: true });
  await receiver.send(delivery());
  await receiver.send(delivery({ id: 'ev_2' }));
  expect((await receiver.stored())[1]).toMatchObject({
    duplicate: 'suspected_replay',
    status: 200,
    forward: { status: null, error: 'withheld: suspected replay' },
  });
});

test('a refused delivery is never forwarded', async () => {
  const app = answeringApp(200);
  const receiver = await testReceiver({ forwarder: app });
  await receiver.send(delivery({ signature: null }));
  await receiver.send(delivery({ id: '\u0001' }));
  expect(app.calls).toHaveLength(0);
});

test('--events hands on these types alone; the others are stored and answered 200', async () => {
  const app = answeringApp(500);
  const receiver = await testReceiver({ forwarder: app, events: ['call_missed'] });
  expect((await receiver.send(delivery())).status).toBe(200);
  expect((await receiver.send(delivery({ id: 'ev_2', body: 'hello' }))).status).toBe(200);
  const missed = delivery({ id: 'ev_3', body: eventBody({ event: 'call_missed' }) });
  expect((await receiver.send(missed)).status).toBe(500);
  expect(app.calls.map(({ body }) => body)).toEqual([missed.body]);
  expect(await receiver.stored()).toHaveLength(3);
});

test('--ack first answers before the app does, and records what the app said later', async () => {
  const app = heldApp();
  const receiver = await testReceiver({ forwarder: app, ack: 'first' });
  expect(await receiver.send(delivery())).toMatchObject({ status: 200, body: 'ok' });
  const again = await receiver.send(delivery());
  expect(again.headers).toContain('X-MO-Duplicate');
  app.calls[0]?.answer(500);
  const [first] = await receiver.stored();
  expect(first).toMatchObject({ status: 200, forward: { status: 500 } });
  expect(app.calls).toHaveLength(1);
});

/** A receiver that dies with one delivery at its app, and the store it leaves, as the next run finds it. */
async function crashed(ack: ReceiverOptions['ack'], paths: ReceiverOptions['paths'] = null) {
  const path = join(tempFolder(), 'deliveries.db');
  const app = heldApp();
  const receiver = await testReceiver({ store: await openStore(path), forwarder: app, ack, paths });
  void receiver.send(delivery({ headers: ['X-A', '1'] }), { target: '/crm?key=1' });
  while (app.calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
  const nextRun = () => openStore(path, { lease: { isAlive: () => false } });
  return { nextRun, app, receiver };
}

test('--ack first: what was acknowledged before a crash is handed on by the next run, once', async () => {
  const { nextRun } = await crashed('first');
  const app = answeringApp(200);
  const next = await testReceiver({ store: await nextRun(), forwarder: app, ack: 'first' });
  expect(await next.resume()).toMatchObject({ count: 1 });
  expect(app.calls).toMatchObject([{ ...delivery({ headers: ['X-A', '1'] }) }]);
  expect(await next.resume()).toMatchObject({ count: 0 });
  expect((await next.stored())[0]).toMatchObject({ status: 200, forward: { status: 200 } });
});

test.each([
  ['the query', null, '?key=1'],
  ['the query and the path that counts', ['/crm', '/slack'], '/crm?key=1'],
])('what was asked for is there after a crash: %s', async (_, paths, asked) => {
  const { nextRun, app } = await crashed('first', paths);
  const next = answeringApp(200);
  const receiver = await testReceiver({ store: await nextRun(), forwarder: next, ack: 'first' });
  expect(await receiver.resume()).toMatchObject({ count: 1 });
  expect([app.calls[0]?.asked, next.calls[0]?.asked]).toEqual([asked, asked]);
});

test('what a refused delivery asked for is not kept', async () => {
  const receiver = await testReceiver();
  await receiver.send(delivery({ signature: null }), { target: '/?key=1' });
  await receiver.send(delivery(), { target: '/?key=2' });
  await receiver.stored();
  const asked = [];
  for await (const { record } of receiver.store.entries('receipt', {}, { bodies: true }))
    asked.push('asked' in record ? record.asked : null);
  expect(asked).toEqual([null, '?key=2']);
});

test('--ack app: what was not acknowledged before a crash is left to the sender, whose retry is handed on', async () => {
  const { nextRun } = await crashed('app');
  const app = answeringApp(200);
  const next = await testReceiver({ store: await nextRun(), forwarder: app });
  expect(await next.resume()).toMatchObject({ count: 0 });
  expect(app.calls).toHaveLength(0);
  const retry = await next.send(delivery());
  expect(retry).toMatchObject({ status: 200 });
  expect(retry.headers).not.toContain('X-MO-Duplicate');
  expect(app.calls).toHaveLength(1);
});

test('--ack first: a forward that the end of the run cut off is left for the next run', async () => {
  const { nextRun, app, receiver } = await crashed('first');
  app.calls[0]?.answer(null, CUT);
  await receiver.drain();
  await receiver.store.close();
  const next = await testReceiver({ store: await nextRun(), forwarder: answeringApp(200), ack: 'first' });
  expect(await next.resume()).toMatchObject({ count: 1 });
});

test('G20 --ack first: what another run has at its app is left to it', async () => {
  const { app, receiver } = await crashed('first');
  const other = await testReceiver({
    store: await openStore(receiver.store.location),
    forwarder: answeringApp(200),
    ack: 'first',
  });
  expect(await other.resume()).toEqual({ count: 0, lookAgainMs: 10_000 });
  expect((await other.send(delivery({ headers: ['X-A', '1'] }))).headers).toContain('X-MO-Duplicate');
  app.calls[0]?.answer(201);
  expect((await receiver.stored())[0]).toMatchObject({ forward: { status: 201 } });
});

test('G20 --ack app: a duplicate of what another run has at its app is asked to come again', async () => {
  const { app, receiver } = await crashed('app');
  const other = await testReceiver({
    store: await openStore(receiver.store.location),
    forwarder: answeringApp(200),
  });
  await other.resume();
  expect((await other.send(delivery({ headers: ['X-A', '1'] }))).status).toBe(503);
  app.calls[0]?.answer(200);
  await receiver.drain();
  expect((await other.send(delivery({ headers: ['X-A', '1'] }))).status).toBe(200);
});

test('without an app there is nothing to resume', async () => {
  expect(await (await testReceiver()).resume()).toEqual({ count: 0, lookAgainMs: null });
});

test.each([
  ['a crash', () => {}],
  ['its end', (app: ReturnType<typeof heldApp>) => app.calls[0]?.answer(null, CUT)],
])(
  '--ack first: a resuming run that meets %s leaves what it had not handed on to the one after it',
  async (_, end) => {
    const { nextRun } = await crashed('first');
    const app = heldApp();
    const second = await testReceiver({ store: await nextRun(), forwarder: app, ack: 'first' });
    const resuming = second.resume();
    while (app.calls.length < 1) await new Promise((resolve) => setImmediate(resolve));
    end(app);
    const third = await testReceiver({
      store: await nextRun(),
      forwarder: answeringApp(200),
      ack: 'first',
    });
    expect(await third.resume()).toMatchObject({ count: 1 });
    app.calls[0]?.answer(null, CUT);
    expect(await resuming).toMatchObject({ count: 0 });
  },
);
