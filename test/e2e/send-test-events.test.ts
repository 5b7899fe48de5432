import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventOf, secretIo, sendTest, sendTestJson, signatureResult } from '../helpers/send-test.ts';

const ok = () => startEndpoint(answers(200));

describe('--event', () => {
  test.each([
    [[], 'call_connected'],
    [['-e', 'missed'], 'call_missed'],
    [['-e', 'call.missed'], 'call_missed'],
    [['--event', 'call_transferred'], 'call_transferred'],
    [['--event=Call-Initiated'], 'call_initiated'],
    [['-edisconnected'], 'call_disconnected'],
  ])('%j sends %s', async (args, event) => {
    const endpoint = await ok();
    const { code, attempts } = await sendTestJson(endpoint, args);
    expect(code).toBe(0);
    expect(endpoint.requests.map((request) => eventOf(request).event)).toEqual([event]);
    expect(attempts).toMatchObject([{ event }]);
  });

  test('repeated: each once, or in turn up to -n', async () => {
    const endpoint = await ok();
    const types = ['-e', 'initiated', '-e', 'missed', '--concurrency', '1'];
    await sendTestJson(endpoint, types);
    await sendTestJson(endpoint, [...types, '-n', '3']);
    const sent = endpoint.requests.map((request) => eventOf(request).event);
    expect(sent).toEqual([
      'call_initiated',
      'call_missed',
      'call_initiated',
      'call_missed',
      'call_initiated',
    ]);
  });

  test('a wrong name is answered with the nearest, and nothing is sent', async () => {
    const endpoint = await ok();
    const { code, io } = await sendTest(endpoint, ['-e', 'conected']);
    expect(code).toBe(2);
    expect(io.err()).toContain("'conected' is not an event type. Did you mean 'call_connected'?");
    expect(endpoint.connections()).toBe(0);
  });
});

test('what is sent is the documented event: compact, keys in order, rightly signed, headers in order', async () => {
  const endpoint = await ok();
  const before = Date.now();
  await sendTestJson(endpoint, ['-e', 'connected']);
  const [request] = endpoint.requests;
  if (request === undefined) throw new Error('nothing arrived');
  const event = eventOf(request);
  expect(Object.keys(event)).toEqual([
    'event',
    'call_id',
    'caller_number',
    'receiver_number',
    'direction',
    'timestamp',
    'duration_seconds',
    'metadata',
  ]);
  expect(request.body.toString()).toBe(JSON.stringify(event));
  expect(Date.parse(event.timestamp as string)).toBeGreaterThanOrEqual(before - 1);
  expect(Date.parse(event.timestamp as string)).toBeLessThanOrEqual(Date.now() + 1);
  expect(signatureResult(request)).toBe('valid');
  expect(request.header('X-MO-Signature')).toMatch(/^sha256=[0-9a-f]{64}$/);
  expect(request.header('Content-Type')).toBe('application/json');
  expect(request.header('X-MO-Event-Id')).toMatch(/^ev_./);
  expect(request.header('X-MO-Delivery-Attempt')).toBe('1');
  expect(request.header('User-Agent')).toMatch(/^mo-notify\/\d/);
  expect(request.header('X-MO-Sent-At')).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(request.header('X-MO-Replay')).toBeUndefined();
});

test('--no-tool-headers leaves a delivery as the platform’s', async () => {
  const endpoint = await ok();
  await sendTestJson(endpoint, ['--no-tool-headers']);
  const names = endpoint.requests[0]?.headers.filter((_, index) => index % 2 === 0);
  expect(names?.map((name) => name.toLowerCase()).sort()).toEqual([
    'connection',
    'content-length',
    'content-type',
    'host',
    'user-agent',
    'x-mo-delivery-attempt',
    'x-mo-event-id',
    'x-mo-signature',
  ]);
});

test('--event-id and --call-id are used as they are', async () => {
  const endpoint = await ok();
  const { attempts } = await sendTestJson(endpoint, ['--event-id', 'ev my/own', '--call-id', 'MO42']);
  expect(endpoint.requests[0]?.header('X-MO-Event-Id')).toBe('ev my/own');
  expect(eventOf(endpoint.requests[0] as never).call_id).toBe('MO42');
  expect(attempts).toMatchObject([{ event_id: 'ev my/own', call_id: 'MO42' }]);
});

test('-n sends so many events, each with its own ids', async () => {
  const endpoint = await ok();
  const { summary } = await sendTestJson(endpoint, ['-n', '25']);
  expect(summary).toMatchObject({ sent: 25, delivered: 25, failed: 0, attempts: 25 });
  expect(new Set(endpoint.requests.map((request) => request.header('X-MO-Event-Id'))).size).toBe(25);
  expect(new Set(endpoint.requests.map((request) => eventOf(request).call_id)).size).toBe(25);
});

describe('--set', () => {
  test.each<[string, Record<string, unknown>]>([
    ['metadata.queue=Support', { metadata: { queue: 'Support', agent_id: 'ag_72' } }],
    ['metadata.agent_id=a=b', { metadata: { agent_id: 'a=b' } }],
    ['duration_seconds=7', { duration_seconds: 7 }],
    ['metadata.recording_url=null', { metadata: { recording_url: null } }],
    ['caller_number=+919000000001', { caller_number: '+919000000001' }],
    ['x.y.z=1', { x: { y: { z: 1 } } }],
    ['call_id="42"', { call_id: '42' }],
    ['event=call_parked', { event: 'call_parked' }],
  ])('%s', async (assignment, expected) => {
    const endpoint = await ok();
    expect((await sendTestJson(endpoint, ['--set', assignment])).code).toBe(0);
    expect(eventOf(endpoint.requests[0] as never)).toMatchObject(expected);
    expect(signatureResult(endpoint.requests[0] as never)).toBe('valid');
  });

  test('is repeatable, the last one wins', async () => {
    const endpoint = await ok();
    await sendTestJson(endpoint, [
      '--set',
      'metadata.queue=A',
      '--set',
      'direction=outbound',
      '--set',
      'metadata.queue=B',
    ]);
    expect(eventOf(endpoint.requests[0] as never)).toMatchObject({
      direction: 'outbound',
      metadata: { queue: 'B' },
    });
  });
});

describe('--data', () => {
  const bytes = Buffer.from(
    '\ufeff{ "event" : "call_missed",\r\n "call_id":"MO1", "n": 1.0, "x":"\xff" }\n',
    'latin1',
  );

  test('FILE: exactly these bytes, signed', async () => {
    const endpoint = await ok();
    const file = join(mkdtempSync(join(tmpdir(), 'mo-notify-test-')), 'body.json');
    writeFileSync(file, bytes);
    expect((await sendTestJson(endpoint, ['--data', file])).code).toBe(0);
    expect(endpoint.requests[0]?.body).toEqual(bytes);
    expect(signatureResult(endpoint.requests[0] as never)).toBe('valid');
  });

  test('-: the bytes of standard input; their event is the record’s', async () => {
    const endpoint = await ok();
    const stdin = '{"event":"call_missed","call_id":"MO9","timestamp":"2026-01-01T00:00:00Z"}\n';
    const { attempts } = await sendTestJson(endpoint, ['--data', '-'], secretIo({ stdin }));
    expect(endpoint.requests[0]?.body.toString()).toBe(stdin);
    expect(attempts).toMatchObject([{ event: 'call_missed', call_id: 'MO9' }]);
  });

  test('an empty body is sent too', async () => {
    const endpoint = await ok();
    expect((await sendTestJson(endpoint, ['--data', '-'], secretIo({ stdin: '' }))).code).toBe(0);
    expect(endpoint.requests[0]?.body.length).toBe(0);
    expect(signatureResult(endpoint.requests[0] as never)).toBe('valid');
  });
});

describe('--body-format: right signatures over other forms of the same event', () => {
  test.each([
    ['compact', /^\{"event":"call_disconnected","call_id":"[^"]+","caller/],
    ['pretty', /^\{\n {2}"event": "call_disconnected",\n/],
    ['escaped', /"recording_url":"https:\\\/\\\/recordings.*J\\u00fcrgen/],
  ])('%s', async (format, pattern) => {
    const endpoint = await ok();
    const args = ['-e', 'disconnected', '--set', 'metadata.agent=Jürgen', '--body-format', format];
    expect((await sendTestJson(endpoint, args)).code).toBe(0);
    expect(endpoint.requests[0]?.body.toString()).toMatch(pattern);
    expect(eventOf(endpoint.requests[0] as never)).toMatchObject({ metadata: { agent: 'Jürgen' } });
    expect(signatureResult(endpoint.requests[0] as never)).toBe('valid');
  });
});

describe('-H', () => {
  test('is repeatable, never split on commas, and stands in for ours', async () => {
    const endpoint = await ok();
    const args = [
      '-H',
      'X-Team: a, b',
      '-H',
      'x-team: c',
      '-H',
      'User-Agent: me/1',
      '-H',
      'X-Name: José',
      '-H',
      'X-Empty:',
    ];
    await sendTestJson(endpoint, args);
    const { headers = [] } = endpoint.requests[0] ?? {};
    const values = headers.flatMap((name, index) =>
      index % 2 === 0 && name.toLowerCase() === 'x-team' ? [headers[index + 1]] : [],
    );
    expect(values).toEqual(['a, b', 'c']);
    expect(endpoint.requests[0]?.header('User-Agent')).toBe('me/1');
    expect(endpoint.requests[0]?.header('X-Name')).toBe('José');
    expect(endpoint.requests[0]?.header('X-Empty')).toBe('');
  });
});
