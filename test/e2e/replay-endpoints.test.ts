import { describe, expect, test } from 'vitest';
import { answers, deadPort, startEndpoint, startRawEndpoint, startTlsEndpoint } from '../helpers/endpoint.ts';
import { attemptsOf, eventIds, file, ioOf, replay, type Sent, to, world } from '../helpers/replay.ts';
import { SECRET, signatureResult } from '../helpers/send-test.ts';

/** A world with one endpoint `crm` in its config, which is signed for with the usual secret. */
async function registered(sent: Parameters<typeof world>[0], url: string, settings: object = {}) {
  const where = await world(sent);
  where.env = {
    MO_NOTIFY_STORE: where.env.MO_NOTIFY_STORE as string,
    CRM_SECRET: where.env.MO_SECRET as string,
  };
  const crm = { url, secret: 'env:CRM_SECRET', ...settings };
  file(where, 'mo-notify.config.json', JSON.stringify({ endpoints: { crm } }));
  return where;
}

describe('an endpoint from the config', () => {
  test('has its own secret, and its name is on record', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(1, endpoint.url.href);
    const { code, run } = await replay(where, ['--to', 'crm', '--json']);
    expect([code, endpoint.requests.map(signatureResult)]).toEqual([0, ['valid']]);
    expect(await attemptsOf(where, run)).toMatchObject([{ endpoint: 'crm', url: endpoint.url.href }]);
  });

  test('has its own retries and pauses; flags have the last word', async () => {
    const endpoint = await startEndpoint(answers(503));
    const where = await registered(1, endpoint.url.href, { retries: 1, backoff: '1ms' });
    expect((await replay(where, ['--to', 'crm'])).code).toBe(1);
    expect(endpoint.requests).toHaveLength(2);
    await replay(where, ['--to', 'crm', '--retries', '0']);
    expect(endpoint.requests).toHaveLength(3);
  });

  test('has its own timeout', async () => {
    const silent = await startRawEndpoint((socket) => void socket.resume());
    const where = await registered(1, silent.url.href, { retries: 0, timeout: '50ms' });
    const { code, attempts } = await replay(where, ['--to', 'crm', '--json']);
    expect([code, attempts]).toMatchObject([
      1,
      [{ outcome: 'timeout', error: expect.stringContaining('50 ms') }],
    ]);
  });

  test('that --endpoint names says which records are meant, not whose secret they are signed with', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered([{ endpoint: 'crm' }, { endpoint: 'other' }], 'http://127.0.0.1:9/');
    where.env = { ...where.env, MO_SECRET: SECRET, CRM_SECRET: 'another secret' };
    const { code } = await replay(where, ['--endpoint', 'crm', ...to(endpoint)]);
    expect([code, eventIds(endpoint), endpoint.requests.map(signatureResult)]).toEqual([
      0,
      ['ev_0'],
      ['valid'],
    ]);
  });

  test('that is not known is refused, with the nearest name', async () => {
    const where = await registered(1, 'http://127.0.0.1:9/');
    const { code, io } = await replay(where, ['--to', 'crn']);
    expect([code, io.err()]).toEqual([2, expect.stringContaining("Did you mean 'crm'?")]);
  });

  test('is resumed with the config’s secret, without a flag', async () => {
    let stop = () => {};
    const endpoint = await startEndpoint((response, _, nth) => {
      if (nth === 1) stop();
      response.end();
    });
    const where = await registered(3, endpoint.url.href);
    const io = ioOf(where);
    stop = io.interrupt;
    const { code, run } = await replay(where, ['--to', 'crm', '--json', '--concurrency', '1'], io);
    expect([code, (await replay(where, ['--resume', run])).code]).toEqual([130, 0]);
    expect(endpoint.requests.map(signatureResult)).toEqual(['valid', 'valid', 'valid']);
  });
});

describe('subscriptions: an endpoint gets only what it wants', () => {
  const event = (type: string, more: object = {}) => JSON.stringify({ event: type, call_id: 'MO1', ...more });
  const sent: Sent[] = [
    {
      event: 'call_missed',
      body: event('call_missed', { caller_number: '+911', metadata: { queue: 'Sales' } }),
    },
    {
      event: 'call_connected',
      body: event('call_connected', { receiver_number: '+912', metadata: { queue: 'Sales' } }),
    },
    {
      event: 'call_missed',
      body: event('call_missed', { caller_number: '+913', metadata: { queue: 'Support' } }),
    },
    { event: 'call_missed', body: event('call_missed') },
  ];

  test.each([
    [{ events: ['call_missed'] }, ['ev_0', 'ev_2', 'ev_3']],
    [{ numbers: ['+911', '+912'] }, ['ev_0', 'ev_1']],
    [{ queues: ['Sales'] }, ['ev_0', 'ev_1']],
    [{ events: ['call_missed'], queues: ['Sales'] }, ['ev_0']],
    [{}, ['ev_0', 'ev_1', 'ev_2', 'ev_3']],
  ])('%j', async (wants, ids) => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(sent, endpoint.url.href, wants);
    const { code, announced } = await replay(where, ['--to', 'crm', '--json', '--concurrency', '1']);
    expect([code, announced, eventIds(endpoint)]).toEqual([0, ids.length, ids]);
  });

  test('of a file, too', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(0, endpoint.url.href, { events: ['call_missed'] });
    const rows = ['call_connected', 'call_missed'].map(
      (type, n) => `ev_${n},"${event(type).replaceAll('"', '""')}"`,
    );
    const name = file(where, 'log.csv', `event_id,body\n${rows.join('\n')}\n`);
    expect((await replay(where, [name, '--to', 'crm'])).code).toBe(0);
    expect(eventIds(endpoint)).toEqual(['ev_1']);
  });

  test('--limit counts what is sent, not what is left out', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(sent, endpoint.url.href, { events: ['call_missed'] });
    await replay(where, ['--to', 'crm', '--limit', '2', '--concurrency', '1']);
    expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_2']);
  });

  test('--dry-run says how many are left out; --force sends them all', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(sent, endpoint.url.href, { events: ['call_missed'] });
    const { io } = await replay(where, ['--to', 'crm', '--dry-run']);
    expect(io.out()).toMatch(/^3 sent deliveries/);
    expect(io.out()).toMatch(/^1 more are left out: crm does not subscribe.*--force/m);
    const { code } = await replay(where, ['--to', 'crm', '--force', '--concurrency', '1']);
    expect([code, eventIds(endpoint)]).toEqual([0, ['ev_0', 'ev_1', 'ev_2', 'ev_3']]);
  });

  test('where it wants none of them: exit 0, nothing is sent', async () => {
    const endpoint = await startEndpoint(answers(200));
    const where = await registered(sent, endpoint.url.href, { events: ['call_transferred'] });
    expect([(await replay(where, ['--to', 'crm'])).code, endpoint.connections()]).toEqual([0, 0]);
  });
});

describe('retries', () => {
  test.each([
    ['0', 1],
    ['2', 3],
  ])('--retries %s makes %i requests of what fails', async (retries, requests) => {
    const endpoint = await startEndpoint(answers(500));
    const { code, summary } = await replay(await world(1), to(endpoint, '--retries', retries));
    expect([code, endpoint.requests.length]).toEqual([1, requests]);
    expect(summary).toMatchObject({ sent: 1, delivered: 0, failed: 1, attempts: requests });
  });

  test('--backoff sets the pauses', async () => {
    const endpoint = await startEndpoint(answers(500));
    const args = ['--to', endpoint.url.href, '--json', '--backoff', '20ms,60ms', '--retries', '2'];
    const { attempts } = await replay(await world(1), args);
    const [first, second, third] = attempts.map(({ sent_at }) => Date.parse(sent_at as string)) as [
      number,
      number,
      number,
    ];
    expect(second - first).toBeGreaterThanOrEqual(15);
    expect(third - second).toBeGreaterThanOrEqual(47);
  });

  test('D5 a 410 ends it; D3 a redirect is not followed', async () => {
    const target = await startEndpoint(answers(200));
    const endpoint = await startEndpoint(answers(410, [302, { Location: target.url.href }]));
    const args = to(endpoint, '--retries', '1', '--concurrency', '1');
    const { code, attempts } = await replay(await world(2), args);
    expect([code, target.connections()]).toEqual([1, 0]);
    expect(attempts.map(({ status, event_id, final }) => [event_id, status, final]).sort()).toEqual([
      ['ev_0', 410, true],
      ['ev_1', 302, false],
      ['ev_1', 302, true],
    ]);
  });

  test('one that fails does not keep the others: exit 1, and each failure is named', async () => {
    const endpoint = await startEndpoint((response, { header }) =>
      response.writeHead(header('X-MO-Event-Id') === 'ev_1' ? 500 : 204).end(),
    );
    const { code, summary } = await replay(await world(3), to(endpoint));
    expect(code).toBe(1);
    expect(summary).toMatchObject({ sent: 3, delivered: 2, failed: 1, attempts: 6 });
    const dead = await replay(await world(1), to(`http://127.0.0.1:${await deadPort()}/`, '--retries', '0'));
    expect([dead.code, dead.attempts]).toMatchObject([1, [{ outcome: 'refused', status: null }]]);
  });

  test('D10 --insecure accepts any certificate', async () => {
    const endpoint = await startTlsEndpoint('expired');
    const where = await world(1);
    expect((await replay(where, to(endpoint, '--retries', '0'))).attempts).toMatchObject([
      { outcome: 'tls' },
    ]);
    expect((await replay(where, to(endpoint, '--insecure'))).code).toBe(0);
  });

  test('D11 a blocked address is connected to in no way, named in a log or not', async () => {
    const where = await world([{ url: 'http://169.254.169.254/' }]);
    const { code, attempts } = await replay(where, to('http://169.254.169.254/'));
    expect([code, attempts]).toMatchObject([1, [{ outcome: 'blocked', attempt: 1, final: true }]]);
  });
});

test('the URL on record is never sent to: --to says where', async () => {
  const recorded = await startEndpoint(answers(200));
  const endpoint = await startEndpoint(answers(200));
  await replay(await world([{ url: recorded.url.href }]), to(endpoint));
  expect([recorded.connections(), endpoint.requests.length]).toEqual([0, 1]);
});
