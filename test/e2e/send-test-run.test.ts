import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answers, deadPort, startEndpoint, startRawEndpoint, startTlsEndpoint } from '../helpers/endpoint.ts';
import { pacedEndpoint } from '../helpers/paced-endpoint.ts';
import { eventOf, secretIo, sendTest, sendTestJson, signatureResult } from '../helpers/send-test.ts';

const FAST = ['--backoff', '1ms'];
const times = (attempts: Record<string, unknown>[], field: string) =>
  attempts.map((attempt) => Date.parse(attempt[field] as string));

describe('retries', () => {
  test('D16 up to 3: same id, bytes and signature, attempt header 1 to 4, then exit 1', async () => {
    const endpoint = await startEndpoint(answers(500, 404, 302, 503));
    const { code, attempts, summary } = await sendTestJson(endpoint, FAST);
    expect(code).toBe(1);
    const [first] = endpoint.requests;
    for (const [index, request] of endpoint.requests.entries()) {
      expect(request.header('X-MO-Delivery-Attempt')).toBe(String(index + 1));
      expect(request.header('X-MO-Event-Id')).toBe(first?.header('X-MO-Event-Id'));
      expect(request.header('X-MO-Signature')).toBe(first?.header('X-MO-Signature'));
      expect(request.body).toEqual(first?.body);
      expect(signatureResult(request)).toBe('valid');
    }
    expect(attempts.map(({ attempt, status, outcome, final }) => [attempt, status, outcome, final])).toEqual([
      [1, 500, 'rejected', false],
      [2, 404, 'rejected', false],
      [3, 302, 'rejected', false],
      [4, 503, 'rejected', true],
    ]);
    expect(summary).toMatchObject({ sent: 1, delivered: 0, failed: 1, attempts: 4 });
    expect(summary.latency_ms).toEqual({ p50: null, p95: null, p99: null, max: null });
  });

  test('a retry that succeeds: exit 0', async () => {
    const endpoint = await startEndpoint(answers(500, 200));
    const { code, summary } = await sendTestJson(endpoint, FAST);
    expect(code).toBe(0);
    expect(summary).toMatchObject({ sent: 1, delivered: 1, failed: 0, attempts: 2 });
  });

  test.each([
    ['0', 1],
    ['1', 2],
    ['5', 6],
  ])('--retries %s makes %i requests', async (retries, requests) => {
    const endpoint = await startEndpoint(answers(500));
    expect((await sendTestJson(endpoint, ['--retries', retries, ...FAST])).code).toBe(1);
    expect(endpoint.requests).toHaveLength(requests);
  });

  test('--backoff sets the pauses, within their jitter', async () => {
    const endpoint = await startEndpoint(answers(500));
    const { attempts } = await sendTestJson(endpoint, ['--backoff', '20ms,60ms', '--retries', '2']);
    const [first, second, third] = times(attempts, 'sent_at') as [number, number, number];
    expect(second - first).toBeGreaterThanOrEqual(15);
    expect(third - second).toBeGreaterThanOrEqual(47);
  });

  test('the record names each failure: refused, timeout, reset, tls', async () => {
    const silent = await startRawEndpoint((socket) => void socket.resume());
    const breaking = await startRawEndpoint((socket) => socket.once('data', () => socket.resetAndDestroy()));
    const selfSigned = await startTlsEndpoint('self-signed');
    const cases = [
      [`http://127.0.0.1:${await deadPort()}/`, 'refused'],
      [silent, 'timeout', '150ms'],
      [breaking, 'reset'],
      [selfSigned, 'tls'],
    ] as const;
    for (const [target, outcome, timeout = '30s'] of cases) {
      const { code, attempts } = await sendTestJson(target, ['--retries', '0', '--timeout', timeout]);
      expect(code).toBe(1);
      expect(attempts).toMatchObject([{ status: null, outcome, final: true, error: expect.any(String) }]);
    }
  });

  test('D10 --insecure accepts any certificate', async () => {
    const endpoint = await startTlsEndpoint('expired');
    expect((await sendTestJson(endpoint, ['--retries', '0'])).code).toBe(1);
    expect((await sendTestJson(endpoint, ['--insecure'])).code).toBe(0);
    expect(endpoint.requests).toHaveLength(1);
  });
});

describe('--rate: an open loop', () => {
  test.each([
    ['100/s', 10],
    ['100', 10],
    ['6000/m', 10],
    ['720000/h', 5],
  ])('%s makes events due %i ms apart', async (rate, gap) => {
    const endpoint = await startEndpoint(answers(200));
    const { attempts } = await sendTestJson(endpoint, ['--rate', rate, '-n', '4']);
    const due = times(attempts, 'due_at').sort((a, b) => a - b);
    expect(due.map((at) => at - (due[0] as number))).toEqual([0, gap, 2 * gap, 3 * gap]);
  });

  test('latency counts from when a send was due, not from when a connection was free', async () => {
    const endpoint = await startEndpoint((response) => void setTimeout(() => response.end(), 40));
    const args = ['--rate', '1000/s', '-n', '3', '--concurrency', '1'];
    const { attempts, summary } = await sendTestJson(endpoint, args);
    const due = times(attempts, 'due_at');
    const latencies = times(attempts, 'sent_at').map(
      (at, index) => at - (due[index] as number) + (attempts[index]?.duration_ms as number),
    );
    const { max } = summary.latency_ms as { max: number };
    expect(max).toBeGreaterThan(110);
    expect(Math.abs(max - Math.max(...latencies))).toBeLessThan(4);
    expect(max).toBeGreaterThan(2 * Math.min(...attempts.map((attempt) => attempt.duration_ms as number)));
  });

  test('--duration with a rate says how many', async () => {
    const endpoint = await startEndpoint(answers(200));
    const { summary } = await sendTestJson(endpoint, ['--rate', '200/s', '--duration', '50ms']);
    expect(summary).toMatchObject({ sent: 10 });
  });
});

test('--duration without a rate sends one after another until the time is up', async () => {
  const endpoint = await pacedEndpoint(30);
  const { code, summary } = await sendTestJson(endpoint, ['--duration', '80ms', '--concurrency', '1']);
  expect(code).toBe(0);
  // Those that begin after 0, 30 and 60 ms, and the one that waited for its turn by then.
  expect(summary.sent).toBe(4);
  expect(endpoint.requests).toHaveLength(4);
});

test.each([
  ['3', 3],
  [null, 16],
])('--concurrency %s has %i requests under way, never more', async (concurrency, most) => {
  const held: (() => void)[] = [];
  let under = 0;
  let seen = 0;
  const endpoint = await startEndpoint((response) => {
    seen = Math.max(seen, ++under);
    held.push(() => {
      under -= 1;
      response.end();
    });
    if (held.length >= most) for (const answer of held.splice(0)) answer();
  });
  const args = concurrency === null ? [] : ['--concurrency', concurrency];
  const { summary } = await sendTestJson(endpoint, ['-n', String(3 * most), ...args]);
  expect(summary).toMatchObject({ delivered: 3 * most });
  expect(seen).toBe(most);
  expect(endpoint.connections()).toBe(most);
});

test('--duplicate sends each so many times more: same id, bytes and signature', async () => {
  const endpoint = await startEndpoint(answers(200));
  const { summary } = await sendTestJson(endpoint, ['-n', '2', '--duplicate', '2']);
  expect(summary).toMatchObject({ sent: 6, delivered: 6 });
  const kinds = endpoint.requests.map(({ header, body }) =>
    [header('X-MO-Event-Id'), header('X-MO-Signature'), body.toString()].join('\n'),
  );
  expect(kinds).toHaveLength(6);
  expect(new Set(kinds).size).toBe(2);
  expect(endpoint.requests.map(({ header }) => header('X-MO-Delivery-Attempt'))).toEqual(Array(6).fill('1'));
});

test('--shuffle sends the same events out of order, each with the timestamp of its own place', async () => {
  const endpoint = await startEndpoint(answers(200));
  let seed = 7;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  const args = ['-n', '12', '--rate', '1000/s', '--concurrency', '1', '--shuffle'];
  await sendTestJson(endpoint, args, { ...secretIo(), random });
  const events = endpoint.requests.map(eventOf);
  const place = (event: Record<string, unknown>) => Number(String(event.call_id).slice(-4));
  const places = events.map(place);
  expect(places).not.toEqual([...places].sort((a, b) => a - b));
  expect([...places].sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, index) => index));
  const start = Date.parse(events[places.indexOf(0)]?.timestamp as string);
  for (const event of events) {
    expect(Math.abs(Date.parse(event.timestamp as string) - start - place(event))).toBeLessThanOrEqual(1);
  }
});

describe('--threshold', () => {
  test.each([
    [0, ['delivery_rate>=99%', 'success_rate>=0.5', 'p(95)<20s', 'med<=20s', 'max<20s', 'p99.9<20s']],
    [1, ['success_rate>=99%']],
    [1, ['p(50)<0ms']],
    [1, ['delivery_rate>=99%', 'max<0ms']],
    [1, ['delivery_rate<1']],
  ])('exit %i for %j', async (expected, thresholds) => {
    const endpoint = await startEndpoint(answers(500, 200));
    const args = thresholds.flatMap((threshold) => ['--threshold', threshold]);
    const { code, io } = await sendTestJson(endpoint, [...FAST, ...args]);
    expect(code).toBe(expected);
    if (expected === 1) expect(io.err()).toContain(`the threshold '${thresholds.at(-1)}' is missed`);
  });
});

test('the record of an attempt and the summary have the documented shapes', async () => {
  const endpoint = await startEndpoint(answers(200));
  const { attempts, summary } = await sendTestJson(endpoint);
  expect(Object.keys(attempts[0] ?? {})).toEqual([
    'kind',
    'id',
    'event_id',
    'event',
    'call_id',
    'endpoint',
    'url',
    'attempt',
    'due_at',
    'sent_at',
    'status',
    'outcome',
    'duration_ms',
    'final',
    'run',
    'replay_of',
    'error',
  ]);
  expect(attempts[0]).toMatchObject({ url: endpoint.url.href, replay_of: null, error: null });
  expect(Object.keys(summary)).toEqual(['type', 'sent', 'delivered', 'failed', 'attempts', 'latency_ms']);
  const { p50, p95, p99, max } = summary.latency_ms as Record<string, number>;
  for (const figure of [p50, p95, p99]) expect(figure).toBe(max);
});

test('--quiet prints nothing, --no-record keeps nothing', async () => {
  const endpoint = await startEndpoint(answers(200));
  const { code, io } = await sendTest(endpoint, ['--quiet', '--no-record']);
  expect([code, io.out(), io.err()]).toEqual([0, '', '']);
  expect(existsSync(join(io.cwd, '.mo-notify'))).toBe(false);
});
