import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { signPayload } from '../../src/core/signature.ts';
import { delivery, EVENT, eventBody, SECRET } from '../helpers/delivery.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { post } from '../helpers/raw-http.ts';
import { jsonLines, startListen, type TestIo, testIo } from '../helpers/test-io.ts';

const env = { MO_SECRET: SECRET };
const RECEIPT_KEYS =
  'type kind id event_id event call_id attempt received_at signature secret duplicate latency_ms transit_ms status forward body_bytes flags';

/** `listen` as people see it, on a free port. */
async function startText(args: string[] = []): Promise<{ io: TestIo; port: number; ended: Promise<number> }> {
  const io = testIo({ env });
  const ended = run(['listen', '--port', '0', ...args], io);
  const [, port] = await io.waitFor(/Ready {2}deliveries to http:\/\/127\.0\.0\.1:(\d+)/);
  return { io, port: Number(port), ended };
}

test('--json: a ready line, a receipt each, a summary, nothing else; interrupted it ends with 130', async () => {
  const { io, port, stop } = await startListen([], { env });
  const now = delivery({ body: eventBody({ timestamp: new Date(Date.now() - 60).toISOString() }) });
  await post(port, {
    ...now,
    headers: [...now.headers, 'X-MO-Delivery-Attempt', '2', 'X-MO-Sent-At', new Date().toISOString()],
  });
  await post(port, now);
  await post(port, delivery({ id: 'ev_2', signature: null }));
  expect(await stop()).toBe(130);
  const [ready, first, second, third, summary, ...rest] = jsonLines(io);
  expect(rest).toEqual([]);
  expect(ready).toEqual({
    type: 'ready',
    url: `http://127.0.0.1:${port}`,
    dashboard: expect.stringMatching(/^http:\/\/127\.0\.0\.1:\d+\/#token=[\w-]{32}$/),
    tunnel: null,
  });
  for (const receipt of [first, second]) expect(Object.keys(receipt ?? {}).join(' ')).toBe(RECEIPT_KEYS);
  expect(Object.keys(third ?? {}).join(' ')).toBe(`${RECEIPT_KEYS} body_sha256 cause`);
  expect(first).toMatchObject({
    kind: 'receipt',
    id: expect.stringMatching(/^rc_/),
    event_id: 'ev_1',
    event: 'call_connected',
    call_id: 'MO1',
    attempt: 2,
    received_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    signature: 'valid',
    secret: 'env:MO_SECRET',
    duplicate: null,
    status: 200,
    forward: null,
    body_bytes: now.body.length,
    flags: [],
  });
  expect(first?.latency_ms).toBeGreaterThanOrEqual(60);
  expect(first?.transit_ms).toBeGreaterThanOrEqual(0);
  expect(second).toMatchObject({ event_id: 'ev_1', duplicate: 'duplicate', latency_ms: null });
  expect(third).toMatchObject({ event_id: 'ev_2', signature: 'missing', secret: null, status: 400 });
  expect(summary).toMatchObject({
    type: 'summary',
    received: 3,
    events: 1,
    duplicates: 1,
    refused: 1,
    conflicts: 0,
    suspected: 0,
    aborted: 0,
    unstored: 0,
    unrecorded: 0,
    latency_ms: { p50: first?.latency_ms, max: first?.latency_ms },
  });
});

test('--json: the forward is part of its receipt', async () => {
  const app = await startEndpoint(answers(201));
  const { io, port, stop } = await startListen([app.url.href], { env });
  await post(port, delivery());
  await stop();
  const forward = { status: 201, duration_ms: expect.any(Number), error: null };
  expect(jsonLines(io)[1]).toMatchObject({ status: 201, forward });
});

const right = signPayload(EVENT, SECRET);
const hex = right.slice('sha256='.length);
test.each([
  ['A1 no header', { signature: null }, /signature missing: there is no X-MO-Signature/],
  ['A2 no prefix', { signature: hex }, /prefix missing \(the digest itself is right\)/],
  [
    'A3 upper case',
    { signature: `sha256=${hex.toUpperCase()}` },
    /upper-case hex \(the digest itself is right\)/,
  ],
  ['A4 cut short', { signature: right.slice(0, -1) }, /wrong length/],
  [
    'A5 re-serialised',
    { body: JSON.stringify(JSON.parse(EVENT), null, 2), signature: right },
    /without spaces/,
  ],
  ['A5 a newline more', { body: `${EVENT}\n`, signature: right }, /without its trailing newline/],
  ['A5 CRLF', { body: '{\r\n}', signature: signPayload('{\n}', SECRET) }, /with LF line ends/],
  ['A5 BOM', { body: `\ufeff${EVENT}`, signature: right }, /without its byte order mark/],
  ['A9 the secret with a newline', { secret: `${SECRET}\n` }, /the secret and a trailing newline/],
  ['A10 sha1', { signature: `sha1=${hex.slice(0, 40)}` }, /unsupported scheme/],
  [
    'A7 nothing known',
    { secret: 'another' },
    /signature mismatch: none of the current secrets produces it for these bytes/,
  ],
])(
  '%s: its line names the cause, and neither the secret nor the right signature',
  async (_, options, cause) => {
    const { io, port } = await startText();
    expect((await post(port, delivery(options))).status).toBe(400);
    const [line] = await io.waitFor(/^.*-->.*$/m);
    expect(line).toMatch(cause);
    io.interrupt();
    await io.waitFor(/1 received.*0 new, 0 duplicates, 1 refused/);
    expect(io.out() + io.err()).not.toContain(SECRET);
    expect(io.out() + io.err()).not.toContain(hex);
  },
);

test('a line each way, of the event and of the app, with masked numbers', async () => {
  const app = await startEndpoint(answers([500, {}, 'no agent for +919876543210']));
  const { io, port, ended } = await startText([app.url.href]);
  await post(port, delivery({ body: eventBody({ timestamp: new Date().toISOString() }) }));
  expect((await io.waitFor(/^.*-->.*$/m))[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} {2}--> {2}call_connected +\[ev_1\] {2}signature ok {2}latency \d+/,
  );
  expect((await io.waitFor(/^.*<--.*$/m))[0]).toMatch(
    /^\d\d:\d\d:\d\d\.\d{3} {2}<-- {2}\[500\] POST http:\/\/127\.0\.0\.1:\d+\/notify {2}\[ev_1\] {2}\([\d.]+ m?s\)/,
  );
  expect(io.out()).not.toContain('+919876543210');
  io.interrupt();
  expect(await ended).toBe(130);
});
