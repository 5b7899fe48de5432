import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import { startCommand } from '../helpers/dashboard-command.ts';
import { enter, type Session, startTestDashboard, startWithPage } from '../helpers/dashboard-server.ts';
import { type DeliveryOptions, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, deadPort, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { leakForms } from '../helpers/find-text.ts';
import { newAttempt, newReceipt } from '../helpers/records.ts';
import { start } from '../helpers/spawn-cli.ts';
import { jsonLines, type RunningListen, startListen } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };

const CALLER = '+919876543210';

const noCurl = spawnSync('curl', ['--version']).status !== 0;
const curlReason = noCurl ? ' (skipped: no curl here)' : '';

/** As whoever pastes it does. */
async function inShell(command: string): Promise<string> {
  const { code, out, err } = await start('/bin/sh', ['-c', command]).ended;
  expect([code, err]).toEqual([0, '']);
  return out;
}

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
    const { page, send, listen } = await startWithPage(args);
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

  test.skipIf(noCurl)(
    `makes the same request to the app: its bytes, id and signature; the secret is not in it${curlReason}`,
    async () => {
      const app = await startEndpoint(answers(200));
      const body = `${eventBody({ caller_number: CALLER, note: `it's "é" $HOME \\n` })}\n`;
      const { text } = await commandFor({ body }, [app.url.href]);
      expect(text).toContain(CALLER);
      for (const form of leakForms(SECRET)) expect(text).not.toContain(form);
      expect(text).not.toMatch(/-H '(host|content-length|connection|transfer-encoding)/i);
      expect(await inShell(text)).toMatch(/^HTTP\/1\.1 200/);
      expect(app.requests).toHaveLength(2);
      expect(app.requests[1]?.body.toString()).toBe(body);
      expect(signedHeaders(app, 1)).toEqual(signedHeaders(app, 0));
      expect(app.requests[1]?.header('Host')).toBe(app.url.host);
    },
  );

  test.skipIf(noCurl)(
    `without an app goes to the receiver, on the path that it listens on${curlReason}`,
    async () => {
      const { text, listen, page } = await commandFor({}, ['--path', '/hook']);
      expect(text).toContain(`http://127.0.0.1:${listen.port}/hook`);
      expect(await inShell(text)).toMatch(/^HTTP\/1\.1 200[\s\S]*X-MO-Duplicate: true/);
      expect((await page.ask('/api/deliveries/receipt/2')).json().row).toMatchObject({
        signature: 'valid',
        duplicate: 'duplicate',
      });
    },
  );

  test('of a body that no command line carries is refused in words', async () => {
    const { page, send } = await startWithPage();
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
    const { page, send, listen } = await startWithPage([app.url.href]);
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
    const { page, send } = await startWithPage([app.url.href]);
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
    const { page, send } = await startWithPage([String(port)]);
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

  test('C9 and is under way at Ctrl-C is cut off, on record as such, and nobody’s fault', async () => {
    const app = await startEndpoint((response, _, nth) => void (nth === 1 && response.end('ok')));
    const { page, send, listen } = await startWithPage([app.url.href]);
    await send();
    const resent = page.post('/api/deliveries/receipt/1/resend').catch(() => 'cut off');
    await app.arrived(2);
    expect(await listen.stop()).toBe(130);
    expect([await resent, listen.io.err()]).toEqual(['cut off', '']);
    const later = await enter((await startCommand([], { cwd: listen.io.cwd })).link);
    expect((await later.ask('/api/deliveries/attempt/1')).json().row).toMatchObject({
      event_id: 'ev_1',
      outcome: 'aborted',
      final: true,
      replay_of: expect.stringMatching(/^rc_/),
    });
  });

  test('without an app is refused in words', async () => {
    const { page, send } = await startWithPage();
    await send();
    const answer = await page.post('/api/deliveries/receipt/1/resend');
    expect(answer.status).toBe(422);
    expect(answer.json().error).toMatch(/no app.*mo-notify listen 3000/);
  });

  test('that is not there is not', async () => {
    const app = await startEndpoint(answers(200));
    const { page } = await startWithPage([app.url.href]);
    expect((await page.post('/api/deliveries/receipt/9/resend')).status).toBe(404);
    expect(app.requests).toEqual([]);
  });

  test.each<[string, { headers: string[] | null; body: string | null }, RegExp]>([
    ['without its body', { headers: null, body: null }, /not on record/],
    [
      'with a header that no request can carry',
      { headers: ['X-Odd', 'a\u2028b'], body: '{}' },
      /cannot be sent: .*X-Odd/,
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
      receipt: { ...receipt, bodyBytes: 2, duplicate: null, forward: null, shownAt: null },
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
