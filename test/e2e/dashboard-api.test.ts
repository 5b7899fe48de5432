import { describe, expect, onTestFinished, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { enter, type Session, startTestDashboard } from '../helpers/dashboard-server.ts';
import { type DeliveryOptions, delivery, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { leakForms } from '../helpers/find-text.ts';
import { post } from '../helpers/raw-http.ts';
import { AT, collect, newAttempt, newReceipt } from '../helpers/records.ts';
import { bash } from '../helpers/spawn-cli.ts';
import { jsonLines, type RunningListen, startListen, testIo } from '../helpers/test-io.ts';

const CALLER = '+919876543210';
const env = { MO_SECRET: SECRET };

/** A `listen` with an app behind it, and a page of its dashboard; all end with the test. */
async function start(
  args: string[] = [],
): Promise<{ listen: RunningListen; page: Session; send: (options?: DeliveryOptions) => Promise<number> }> {
  const listen = await startListen(args, { env });
  onTestFinished(async () => void (await listen.stop()));
  const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
  return {
    listen,
    page,
    send: async (options = {}) => (await post(listen.port, delivery(options), { path: '/hook' })).status,
  };
}

/** What `report --json` says of the same log. */
async function reportOf({ io }: RunningListen, args: string[] = []) {
  const report = testIo({ cwd: io.cwd });
  await run(['report', '--json', ...args], report);
  return JSON.parse(report.out());
}

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
    const { page, send } = await start([app.url.href]);
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
    ['signed otherwise', { secret: 'another' }, /No live secret makes this signature over these bytes\./],
    ['signed with a newline too many', { secret: `${SECRET}\n` }, /newline/i],
    [
      're-serialised',
      { body: JSON.stringify(JSON.parse(eventBody()), null, 2), signature: delivery().headers[5] as string },
      /without spaces/i,
    ],
  ])('and was %s says why, and neither the secret nor the right signature', async (_, options, why) => {
    const { page, send } = await start();
    expect(await send(options)).toBe(400);
    const answer = await page.ask('/api/deliveries/receipt/1');
    expect(answer.json().explanation).toMatch(why);
    const { signature: _given, ...rest } = options;
    const right = delivery({ ...rest, secret: SECRET }).headers.find((text) => text.startsWith('sha256='));
    expect(answer.body).not.toContain(right);
    for (const form of leakForms(SECRET)) expect(answer.body).not.toContain(form);
  });

  test('and is not there any more says so', async () => {
    const { page } = await start();
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

describe('a delivery as a cURL command', () => {
  const HEADERS = [
    'X-Odd',
    `it's "quoted" \\ $HOME`,
    'Accept',
    '*/*',
    'Connection',
    'close',
    'X-MO-Delivery-Attempt',
    '3',
  ];

  async function commandFor(
    options: DeliveryOptions,
    args: string[],
  ): Promise<{ text: string; page: Session; listen: RunningListen }> {
    const { page, send, listen } = await start(args);
    await send({ headers: HEADERS, ...options });
    const answer = await page.ask('/api/deliveries/receipt/1/curl');
    expect([answer.status, answer.headers['content-type']]).toEqual([200, 'text/plain; charset=utf-8']);
    return { text: answer.body, page, listen };
  }

  /** The headers that make a delivery what it is. */
  const signedHeaders = ({ requests }: Endpoint, nth: number) =>
    ['Content-Type', 'X-MO-Event-Id', 'X-MO-Signature', 'X-MO-Delivery-Attempt', 'X-Odd'].map((name) =>
      requests[nth]?.header(name),
    );

  test('makes the same request to the app: its bytes, id and signature; the secret is not in it', async () => {
    const app = await startEndpoint(answers(200));
    const body = `${eventBody({ caller_number: CALLER, note: `it's "é" $HOME \\n` })}\n`;
    const { text } = await commandFor({ body }, [app.url.href]);
    expect(text).toContain(CALLER);
    for (const form of leakForms(SECRET)) expect(text).not.toContain(form);
    expect(text).not.toMatch(/-H '(host|content-length|connection|transfer-encoding)/i);
    const ran = await bash(text);
    expect(ran.out).toMatch(/^HTTP\/1\.1 200/);
    expect(app.requests).toHaveLength(2);
    expect(app.requests[1]?.body.toString()).toBe(body);
    expect(signedHeaders(app, 1)).toEqual(signedHeaders(app, 0));
    expect(app.requests[1]?.header('Host')).toBe(app.url.host);
  });

  test('without an app goes to the receiver, on the path that it listens on', async () => {
    const { text, listen, page } = await commandFor({}, ['--path', '/hook']);
    expect(text).toContain(`http://127.0.0.1:${listen.port}/hook`);
    expect((await bash(text)).out).toMatch(/^HTTP\/1\.1 200[\s\S]*X-MO-Duplicate: true/);
    expect((await page.ask('/api/deliveries/receipt/2')).json().row).toMatchObject({
      signature: 'valid',
      duplicate: 'duplicate',
    });
  });

  test('of a body that no command line carries is refused in words', async () => {
    const { page, send } = await start();
    await send({ body: Buffer.from([0xff, 0x00, 0x01]) });
    const answer = await page.ask('/api/deliveries/receipt/1/curl');
    expect(answer.status).toBe(422);
    expect(answer.json().error).toMatch(/the body is binary/);
  });

  test('of what was sent is refused: its headers are not on record', async () => {
    const board = await startTestDashboard();
    await board.store.addAttempt(newAttempt(), Buffer.from('{}'));
    for (const answer of [
      await board.ask('/api/deliveries/attempt/1/curl'),
      await board.post('/api/deliveries/attempt/1/resend'),
    ]) {
      expect(answer.status).toBe(422);
      expect(answer.json().error).toMatch(/not on record|no app/);
    }
  });
});

describe('a delivery that is sent again', () => {
  test('reaches the app as it came, but for what says that it is a replay; the attempt is on record', async () => {
    const app = await startEndpoint(answers(200, [201, {}, 'thanks']));
    const { page, send, listen } = await start([app.url.href]);
    const body = `{ "event" :"call_connected","call_id":"MO1","timestamp":"2025-07-21T12:45:00Z","n":1.0,"é":"\\u00e9"}\n`;
    await send({
      body,
      headers: [
        'X-MO-Sent-At',
        '2020-01-01T00:00:00.000Z',
        'X-MO-Replay',
        'run_old',
        'X-Odd',
        'a',
        'x-odd',
        'b',
      ],
    });
    const answer = await page.post('/api/deliveries/receipt/1/resend');
    expect(answer.json()).toEqual({
      status: 201,
      duration_ms: expect.any(Number),
      error: null,
      answer: 'thanks',
    });
    const [first, again] = app.requests as [Endpoint['requests'][0], Endpoint['requests'][0]];
    expect(app.requests).toHaveLength(2);
    expect(again.body).toEqual(first.body);
    expect(again.body.toString()).toBe(body);
    for (const name of ['Content-Type', 'X-MO-Event-Id', 'X-MO-Signature', 'X-Odd'])
      expect(again.header(name), name).toBe(first.header(name));
    expect(again.header('X-MO-Replay')).toMatch(/^run_[0-9A-Z]{26}$/);
    expect(Date.now() - Date.parse(again.header('X-MO-Sent-At') as string)).toBeLessThan(60_000);
    const { related } = (await page.ask('/api/deliveries/receipt/1')).json();
    const [receipt, attempt] = related;
    expect(receipt).toMatchObject({ kind: 'receipt', seq: 1 });
    expect(attempt).toMatchObject({
      kind: 'attempt',
      event_id: 'ev_1',
      call_id: 'MO1',
      endpoint: app.url.host,
      url: app.url.href,
      attempt: 1,
      status: 201,
      outcome: 'delivered',
      final: true,
      run: again.header('X-MO-Replay'),
      replay_of: receipt.id,
    });
    expect(
      Buffer.from((await page.ask('/api/deliveries/attempt/1')).json().body_base64, 'base64').toString(),
    ).toBe(body);
    await listen.stop();
    expect(jsonLines(listen.io).filter(({ type }) => type === 'receipt')).toHaveLength(1);
  });

  test('is told to every page at once', async () => {
    const app = await startEndpoint(answers(200));
    const { page, send } = await start([app.url.href]);
    await send();
    const stream = await page.stream();
    await stream.find(({ event }) => event === 'snapshot');
    await page.post('/api/deliveries/receipt/1/resend');
    const { data } = await stream.find(
      ({ event, data }) => event === 'changes' && data.records[0]?.kind === 'attempt',
    );
    expect(data.records).toMatchObject([{ replay_of: expect.stringMatching(/^rc_/) }]);
  });

  test('to an app that is down says so, and that is on record, too', async () => {
    const port = await deadPort();
    const { page, send } = await start([String(port)]);
    expect(await send()).toBe(502);
    const { status, error, answer } = (await page.post('/api/deliveries/receipt/1/resend')).json();
    expect({ status, answer }).toEqual({ status: null, answer: '' });
    expect(error).toMatch(/refused/);
    expect((await page.ask('/api/deliveries/attempt/1')).json().row).toMatchObject({
      outcome: 'refused',
      status: null,
      error,
    });
  });

  test('without an app is refused in words', async () => {
    const { page, send } = await start();
    await send();
    const answer = await page.post('/api/deliveries/receipt/1/resend');
    expect(answer.status).toBe(422);
    expect(answer.json().error).toMatch(/no app.*mo-notify listen 3000/);
  });

  test('that is not there is not', async () => {
    const app = await startEndpoint(answers(200));
    const { page } = await start([app.url.href]);
    expect((await page.post('/api/deliveries/receipt/9/resend')).status).toBe(404);
    expect(app.requests).toEqual([]);
  });

  test.each<[string, { headers: string[] | null; body: string | null }, RegExp]>([
    ['without its body', { headers: null, body: null }, /not on record/],
    [
      'with a header that no request can carry',
      { headers: ['X-Odd', 'a\u2028b'], body: '{}' },
      /X-Odd cannot stand in a header/,
    ],
  ])('from another log, %s, is refused in words', async (_, { headers, body }, why) => {
    const app = await startEndpoint(answers(200));
    const listen = await startListen([app.url.href], { env });
    const page = await enter(jsonLines(listen.io)[0]?.dashboard as string);
    const { openStore } = await import('../../src/store/open.ts');
    const store = await openStore(`${listen.io.cwd}/.mo-notify/deliveries.db`);
    const { body: _body, headers: _headers, timestampMs, accepted, forwarding, ...receipt } = newReceipt();
    await store.addRecord({
      kind: 'receipt',
      receipt: { ...receipt, duplicate: null, forward: null, shownAt: null },
      headers,
      body: body === null ? null : Buffer.from(body),
    });
    await store.close();
    const answer = await page.post('/api/deliveries/receipt/1/resend');
    expect([answer.status, answer.json().error]).toEqual([422, expect.stringMatching(why)]);
    expect(app.requests).toEqual([]);
    await listen.stop();
    expect(listen.io.err()).not.toMatch(/failed at something/);
  });
});

describe('the KPIs', () => {
  test('are those of report --json of the same log', async () => {
    const app = await startEndpoint(answers(200, 500, 200));
    const { page, send, listen } = await start([app.url.href]);
    const now = () => eventBody({ timestamp: new Date(Date.now() - 40).toISOString(), n: Math.random() });
    for (let i = 0; i < 4; i++) await send({ id: `ev_${i}`, body: now() });
    await send({ id: 'ev_x', signature: null });
    await page.post('/api/deliveries/receipt/1/resend');
    const { report } = (await page.ask('/api/kpis')).json();
    expect(report).toEqual(await reportOf(listen));
    expect(report.totals).toMatchObject({ receipts: 5, attempts: 1, refused: 1 });
  });

  test('of each window there is; of another not', async () => {
    const { page, send } = await start();
    await send();
    for (const window of ['15m', '1h', '24h', 'all']) {
      const { report, rates } = (await page.ask(`/api/kpis?window=${window}`)).json();
      expect(report.totals.receipts).toBe(1);
      expect(rates.steps.received.reduce((sum: number, n: number) => sum + n)).toBe(1);
    }
    for (const window of ['2h', '', '__proto__', 'toString']) {
      const answer = await page.ask(`/api/kpis?window=${window}`);
      expect([answer.status, answer.json().error]).toEqual([
        422,
        `'${window}' is not a window. Known: 15m, 1h, 24h, all.`,
      ]);
    }
  });
});

describe('what pages have shown', () => {
  const widget = (report: { kpis: { name: string }[] }) =>
    report.kpis.find(({ name }) => name === 'widget_latency_median');
  const fresh = () => ({ body: eventBody({ timestamp: new Date(Date.now() - 500).toISOString() }) });

  test('is in the report; what the same event is said of later changes nothing', async () => {
    const { page, send, listen } = await start();
    await send(fresh());
    expect(widget(await reportOf(listen))).toMatchObject({ observed: null, n: 0, verdict: 'no data' });
    const at = Date.now();
    expect((await page.post('/api/shown', JSON.stringify({ shown: [[1, at]] }))).status).toBe(200);
    const first = widget(await reportOf(listen));
    expect(first).toMatchObject({ n: 1, verdict: 'pass', observed: expect.any(Number) });
    expect((first as unknown as { observed: number }).observed).toBeGreaterThanOrEqual(500);
    for (const later of [at + 1, at - 100, at - 50_000])
      await page.post(
        '/api/shown',
        JSON.stringify({
          shown: [
            [1, later],
            [99, later],
          ],
        }),
      );
    expect(widget(await reportOf(listen))).toEqual(first);
    const { report, latency } = (await page.ask('/api/kpis')).json();
    expect(widget(report)).toEqual(first);
    expect(latency.widget.reduce((sum: number, [, count]: [number, number]) => sum + count, 0)).toBe(1);
  });

  test.each([
    ['in the future', (now: number) => now + 86_400_000],
    ['far in the past', () => 1],
  ])('by a clock that is %s was shown when that was said', async (_, clock) => {
    const { page, send, listen } = await start();
    await send(fresh());
    const before = Date.now();
    await page.post('/api/shown', JSON.stringify({ shown: [[1, clock(before)]] }));
    const after = Date.now();
    const { row } = (await page.ask('/api/deliveries/receipt/1')).json();
    expect(Date.parse(row.shown_at)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(row.shown_at)).toBeLessThanOrEqual(after);
    expect(widget(await reportOf(listen))).toMatchObject({ n: 1 });
  });

  test('is refused in words where it makes no sense, and nothing of it is noted', async () => {
    const { page, send, listen } = await start();
    await send(fresh());
    for (const body of ['', '{', '[]', '{"shown":[[1,5],["x",5]]}', `{"shown":[[1,${Date.now()}],[0,1]]}`]) {
      const answer = await page.post('/api/shown', body);
      expect([body, answer.status]).toEqual([body, 422]);
      expect(answer.json().error).toMatch(/^The report is not /);
    }
    expect(widget(await reportOf(listen))).toMatchObject({ n: 0 });
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
  const { page, send, listen } = await start([app.url.href]);
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
