import { describe, expect, test } from 'vitest';
import { headerValue } from '../../../src/core/headers.ts';
import { verifySignature } from '../../../src/core/signature.ts';
import { sendAll } from '../../../src/sender/send.ts';
import { fakeClock, START } from '../../helpers/fake-clock.ts';
import {
  fakeTransport,
  planned,
  type Reply,
  sendOptions,
  testDelivery,
} from '../../helpers/fake-transport.ts';

/** Sends one delivery to an endpoint that answers so, and says when its requests went out. */
async function deliverOne(
  reply: Reply | ((nth: number) => Reply),
  changes: Parameters<typeof sendOptions>[2] = {},
) {
  const clock = fakeClock();
  const transport = fakeTransport(clock, (_, nth) => (typeof reply === 'function' ? reply(nth) : reply));
  const options = sendOptions(transport, clock, changes);
  await clock.run(sendAll(planned(1), options));
  return {
    sent: transport.sent,
    attempts: options.attempts,
    at: transport.sent.map((request) => request.at),
  };
}

describe('D16 what is retried, and how', () => {
  test('a failure is sent 4 times: same id, bytes and signature, attempt header 1 to 4, backoff between', async () => {
    const { sent, attempts, at } = await deliverOne(500);
    expect(at).toEqual([0, 1000, 6000, 31_000]);
    expect(sent.map(({ headers }) => headerValue(headers, 'X-MO-Delivery-Attempt'))).toEqual([
      '1',
      '2',
      '3',
      '4',
    ]);
    const signatures = sent.map(({ headers }) => headerValue(headers, 'X-MO-Signature'));
    expect(new Set(signatures).size).toBe(1);
    expect(new Set(sent.map(({ eventId }) => eventId))).toEqual(new Set(['ev_1']));
    for (const { body } of sent) {
      expect(body).toEqual(testDelivery('ev_1').body);
      expect(verifySignature(body, signatures[0], [{ name: 's', value: 'secret' }])).toMatchObject({
        result: 'valid',
      });
    }
    expect(attempts.map(({ attempt, final }) => [attempt, final])).toEqual([
      [1, false],
      [2, false],
      [3, false],
      [4, true],
    ]);
  });

  const failures: [string, Reply][] = [
    ...[301, 400, 401, 404, 422, 429, 500, 503].map((status): [string, Reply] => [`D6 ${status}`, status]),
    ['D1 timeout', { outcome: 'timeout' }],
    ['D9 refused', { outcome: 'refused' }],
    ['D2 reset', { outcome: 'reset' }],
    ['D9 dns', { outcome: 'dns' }],
    ['D10 tls', { outcome: 'tls' }],
  ];
  test.each(failures)('%s is retried 3 times', async (_, reply) => {
    const { sent, attempts } = await deliverOne(reply);
    expect(sent).toHaveLength(4);
    expect(attempts.at(-1)).toMatchObject({ attempt: 4, final: true });
  });

  test.each<[string, Reply]>([
    ['a success', 200],
    ['D5 a 410', 410],
    ['D5 a 410 that asks to be tried again', [410, { 'Retry-After': '1' }]],
    ['D11 a blocked address', { outcome: 'blocked' }],
    ['an attempt that was given up', { outcome: 'aborted' }],
  ])('%s ends it at once', async (_, reply) => {
    const { sent, attempts } = await deliverOne(reply);
    expect(sent).toHaveLength(1);
    expect(attempts).toMatchObject([{ attempt: 1, final: true }]);
  });

  test('a retry that succeeds ends it', async () => {
    const { attempts } = await deliverOne((nth) => (nth < 3 ? 503 : 202));
    expect(attempts.map(({ status, final }) => [status, final])).toEqual([
      [503, false],
      [503, false],
      [202, true],
    ]);
  });

  test('a negative test is never retried', async () => {
    const clock = fakeClock();
    const transport = fakeTransport(clock, () => 400);
    const plan = [{ afterMs: null, make: () => testDelivery('ev_1', { fault: 'bad-signature' }) }];
    await clock.run(sendAll(plan, sendOptions(transport, clock)));
    expect(transport.sent).toHaveLength(1);
  });

  test.each([
    [0, [0]],
    [1, [0, 100]],
    [5, [0, 100, 300, 500, 700, 900]],
  ])('%i retries; the last pause of the list serves for the rest', async (retries, expected) => {
    const { at } = await deliverOne(500, { schedule: { retries, backoffMs: [100, 200] } });
    expect(at).toEqual(expected);
  });
});

describe('D4 Retry-After', () => {
  const date = (ms: number) => new Date(START + ms).toUTCString();
  test.each<[string, number, string, number]>([
    ['seconds above the scheduled pause', 429, '2', 2000],
    ['on a 503 as well', 503, '2', 2000],
    ['a date', 503, date(30_000), 30_000],
    ['not on a 500', 500, '2', 1000],
    ['less than the scheduled pause', 429, '0', 1000],
    ['a date that is past', 429, date(-60_000), 1000],
    ['a negative number', 429, '-1', 1000],
    ['beyond the cap', 429, '3600', 60_000],
    ['99999999999 seconds', 429, '99999999999', 60_000],
    ['a date beyond the cap', 429, date(86_400_000), 60_000],
    ['1e9 is garbage', 429, '1e9', 1000],
    ['words are garbage', 429, 'soon', 1000],
    ['an ISO date is garbage', 429, new Date(START + 30_000).toISOString(), 1000],
    ['two values are garbage', 429, '2, 5', 1000],
    ['nothing', 429, '', 1000],
    ['twenty digits', 429, '99999999999999999999', 1000],
  ])('%s', async (_, status, value, pause) => {
    const { at } = await deliverOne((nth) => (nth === 1 ? [status, { 'retry-after': value }] : 200));
    expect(at).toEqual([0, pause]);
  });

  test('two headers are garbage', async () => {
    const headers = ['Retry-After', '2', 'Retry-After', '9'];
    const { at } = await deliverOne((nth) =>
      nth === 1 ? { outcome: 'rejected', status: 429, headers } : 200,
    );
    expect(at).toEqual([0, 1000]);
  });

  test('a scheduled pause above the cap is kept', async () => {
    const schedule = { retries: 1, backoffMs: [300_000] };
    const { at } = await deliverOne([429, { 'Retry-After': '2' }], { schedule });
    expect(at).toEqual([0, 300_000]);
  });
});

test.each([
  [0, [0, 800, 4800, 24_800]],
  [0.999_999, [0, 1200, 7200, 37_200]],
])('D17 the pauses have ±20 %% jitter (random %d)', async (random, expected) => {
  expect((await deliverOne(500, { random: () => random })).at).toEqual(expected);
});

test('the record of an attempt says what was sent, when it was due, and how it ended', async () => {
  const { attempts } = await deliverOne({
    outcome: 'rejected',
    status: 404,
    durationMs: 12.5,
    error: 'answered 404',
  });
  expect(attempts[1]).toMatchObject({
    eventId: 'ev_1',
    event: 'call_connected',
    callId: 'MO1',
    endpoint: 'endpoint',
    url: 'http://127.0.0.1:1/notify',
    attempt: 2,
    dueAt: START,
    sentAt: START + 1000,
    status: 404,
    outcome: 'rejected',
    durationMs: 12.5,
    run: 'run_1',
    replayOf: null,
    error: 'answered 404',
    fault: null,
  });
  expect(new Set(attempts.map(({ id }) => id)).size).toBe(4);
});

test('each attempt says when it was sent itself; without tool headers none does', async () => {
  const sentAt = ({ sent }: Awaited<ReturnType<typeof deliverOne>>) =>
    sent.map(({ headers }) => headerValue(headers, 'X-MO-Sent-At'));
  expect(sentAt(await deliverOne(500))).toEqual(
    [0, 1000, 6000, 31_000].map((ms) => new Date(START + ms).toISOString()),
  );
  const style = { toolHeaders: false, replay: null, extraHeaders: [] };
  expect(sentAt(await deliverOne(500, { style }))).toEqual(Array(4).fill(undefined));
});
