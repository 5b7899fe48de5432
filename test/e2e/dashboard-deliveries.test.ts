import { describe, expect, test } from 'vitest';
import { startTestDashboard, startWithPage } from '../helpers/dashboard-server.ts';
import { type DeliveryOptions, delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { leakForms } from '../helpers/find-text.ts';
import { AT, collect, newAttempt, newReceipt } from '../helpers/records.ts';

const CALLER = '+919876543210';

describe('pages of deliveries', () => {
  async function filled() {
    const board = await startTestDashboard();
    for (let i = 1; i <= 250; i++) {
      const about = { id: `rc_${i}`, eventId: `ev_${i}`, receivedAt: AT + i * 1000 };
      const body = eventBody({ call_id: `MO${i}`, caller_number: i === 40 ? CALLER : '+911' });
      await board.store.addReceipt(
        newReceipt({ ...about, body, event: i % 5 === 0 ? 'call_missed' : 'call_connected' }),
      );
    }
    await Promise.all(
      Array.from({ length: 30 }, (_, i) =>
        board.store.addAttempt(
          newAttempt({
            id: `at_${i}`,
            eventId: `ev_${i}`,
            sentAt: AT + i * 8000,
            status: 500,
            outcome: 'rejected',
          }),
          null,
        ),
      ),
    );
    const get = async (query: Record<string, string> = {}) =>
      (await board.ask(`/api/deliveries?${new URLSearchParams(query)}`)).json();
    return { board, get };
  }

  test('lead from the latest to the first, each record once', async () => {
    const { get } = await filled();
    const seen: string[] = [];
    const times: number[] = [];
    for (let cursor: string | null = ''; cursor !== null; ) {
      const page: {
        records: { kind: string; seq: number; sent_at: string; received_at: string }[];
        cursor: string | null;
      } = await get(cursor === '' ? { limit: '37' } : { limit: '37', cursor });
      for (const row of page.records) {
        seen.push(`${row.kind}/${row.seq}`);
        times.push(Date.parse(row.sent_at ?? row.received_at));
      }
      cursor = page.cursor;
    }
    expect(seen).toHaveLength(280);
    expect(new Set(seen).size).toBe(280);
    expect(times).toEqual([...times].sort((a, b) => b - a));
  });

  test.each<[string, Record<string, string>, number]>([
    ['nothing said', {}, 100],
    ['a number', { limit: '7' }, 7],
    ['too many', { limit: '100000' }, 200],
    ['none', { limit: '0' }, 100],
    ['less than none', { limit: '-5' }, 100],
    ['a part of one', { limit: '1.5' }, 100],
    ['no number', { limit: 'all' }, 100],
    ['endless', { limit: 'Infinity' }, 100],
    ['beyond numbers', { limit: '9'.repeat(400) }, 100],
    ['an odd cursor', { cursor: 'x.y' }, 100],
    ['a negative cursor', { cursor: '-1.-1' }, 100],
    ['a long cursor', { cursor: `${'9'.repeat(16)}.1` }, 100],
  ])('%s: are so long', async (_, query, length) => {
    const { get } = await filled();
    expect((await get(query)).records).toHaveLength(length);
  });

  test('are of what was asked for', async () => {
    const { get } = await filled();
    const count = async (query: Record<string, string>) => {
      const { records, cursor } = await get({ limit: '200', ...query });
      return [records.length, cursor];
    };
    expect(await count({ kind: 'attempt' })).toEqual([30, null]);
    expect(await count({ event: 'call_missed' })).toEqual([50, null]);
    expect(await count({ kind: 'receipt', result: 'failed' })).toEqual([0, null]);
    expect(await count({ result: 'failed' })).toEqual([30, null]);
    expect(await count({ search: '98765' })).toEqual([1, null]);
    expect(await count({ search: 'nothing at all' })).toEqual([0, null]);
    const { records } = await get({ kind: 'nonsense', result: 'nonsense' });
    expect(records).toHaveLength(100);
  });
});

describe('a delivery that is inspected', () => {
  test('has all that is known of it, numbers in full, the secret nowhere', async () => {
    const app = await startEndpoint(answers([500, {}, `no agent for ${CALLER}`]));
    const { page, send } = await startWithPage([app.url.href]);
    const body = eventBody({ caller_number: CALLER });
    await send({ body });
    const answer = await page.ask('/api/deliveries/receipt/1');
    expect(answer.status).toBe(200);
    const { body: sent, headers } = delivery({ body });
    expect(answer.json()).toMatchObject({
      row: { kind: 'receipt', seq: 1, status: 500, caller_number: CALLER, forward: { status: 500 } },
      headers: expect.arrayContaining([['X-MO-Signature', headers[headers.indexOf('X-MO-Signature') + 1]]]),
      body_base64: sent.toString('base64'),
      explanation: null,
      answer: `no agent for ${CALLER}`,
      related: [{ seq: 1 }],
    });
    for (const form of leakForms(SECRET)) expect(answer.body).not.toContain(form);
  });

  test.each<[string, DeliveryOptions, RegExp]>([
    ['unsigned', { signature: null }, /no X-MO-Signature/i],
    ['signed otherwise', { secret: 'another' }, /None of the current secrets produces it for these bytes\./],
    ['signed with a newline too many', { secret: `${SECRET}\n` }, /newline/i],
    [
      're-serialised',
      { body: JSON.stringify(JSON.parse(eventBody()), null, 2), signature: delivery().headers[5] as string },
      /without spaces/i,
    ],
  ])('and was %s says why, and neither the secret nor the right signature', async (_, options, why) => {
    const { page, send } = await startWithPage();
    expect(await send(options)).toBe(400);
    const answer = await page.ask('/api/deliveries/receipt/1');
    expect(answer.json().explanation).toMatch(why);
    const { signature: _given, ...rest } = options;
    const right = delivery({ ...rest, secret: SECRET }).headers.find((text) => text.startsWith('sha256='));
    expect(answer.body).not.toContain(right);
    for (const form of leakForms(SECRET)) expect(answer.body).not.toContain(form);
  });

  test('and is not there any more says so', async () => {
    const { page } = await startWithPage();
    for (const path of [
      '/api/deliveries/receipt/1',
      '/api/deliveries/attempt/1',
      '/api/deliveries/receipt/1/curl',
    ]) {
      const answer = await page.ask(path);
      expect([answer.status, answer.json()]).toEqual([
        404,
        { error: 'This record is not in the log any more' },
      ]);
    }
  });
});

test('a store in trouble is said to be, and to come again soon', async () => {
  const { StoreError } = await import('../../src/core/errors.ts');
  const { openStore } = await import('../../src/store/open.ts');
  const store = await openStore('sqlite::memory:');
  const error = new StoreError('The store deliveries.db is locked by another process. Try again.', 'busy');
  const board = await startTestDashboard({
    store: { ...store, last: () => Promise.reject(error), tally: () => Promise.reject(error) },
  });
  for (const path of ['/api/feed', '/api/deliveries', '/api/kpis']) {
    const answer = await board.ask(path);
    expect([answer.status, answer.headers['retry-after'], answer.json()]).toEqual([
      503,
      '1',
      { error: error.message },
    ]);
  }
  expect(board.faults).toEqual([]);
  expect(await collect(store.receipts({}))).toEqual([]);
});

test('F17 the secret is in no answer, nor in what a page is streamed', async () => {
  const app = await startEndpoint(answers(200, 500));
  const { page, send, listen } = await startWithPage([app.url.href]);
  const stream = await page.stream();
  await send();
  await send({ id: 'ev_2', body: eventBody({ call_id: 'MO2' }) });
  await send({ id: 'ev_3', secret: ` ${SECRET}` });
  await send({ id: 'ev_4', signature: SECRET });
  await page.post('/api/deliveries/receipt/1/resend');
  const changes = await stream.find(({ data }) =>
    data.records?.some((row: { kind: string }) => row.kind === 'attempt'),
  );
  const paths = [
    '/',
    '/app.js',
    '/session',
    '/api/deliveries',
    '/api/kpis',
    `/api/calls/${changes.data.calls[0]?.key ?? 1}`,
  ];
  for (const seq of [1, 2, 3])
    paths.push(`/api/deliveries/receipt/${seq}`, `/api/deliveries/receipt/${seq}/curl`);
  const said = [JSON.stringify(stream.messages)];
  for (const path of [...paths, '/api/deliveries/attempt/1']) said.push((await page.ask(path)).body);
  said.push(listen.io.out(), listen.io.err());
  expect(said.join('').length).toBeGreaterThan(50_000);
  for (const form of leakForms(SECRET)) expect(said.join('\n')).not.toContain(form);
});
