import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { KILLED } from '../../src/core/record.ts';
import { answers, type Endpoint, startEndpoint } from '../helpers/endpoint.ts';
import { AT } from '../helpers/records.ts';
import { eventIds, inStore, ioOf, replay, type Sent, to, type World, world } from '../helpers/replay.ts';

const failed = { status: 503, outcome: 'rejected' } as const;
const retried = { ...failed, final: false };
/** A later attempt of an event; its body is with the first. */
const later = (eventId: string, attempt: number, about: Sent): Sent => ({
  eventId,
  attempt,
  body: null,
  ...about,
});

/** What came of five events in the end: 200, 200 after a retry, 503, no answer, 404. */
const LOG: Sent[] = [
  {},
  retried,
  retried,
  { status: null, outcome: 'refused', error: 'connection refused' },
  { status: 404, outcome: 'rejected' },
  later('ev_1', 2, {}),
  later('ev_2', 2, failed),
];

/** The ids that a replay with these flags sends, in order. */
async function sentBy(where: World, args: string[]): Promise<(string | undefined)[]> {
  return sentTo(await startEndpoint(answers(200)), where, args);
}

async function sentTo(endpoint: Endpoint, where: World, args: string[]): Promise<(string | undefined)[]> {
  const before = endpoint.requests.length;
  const { code, io } = await replay(where, [...args, ...to(endpoint, '--concurrency', '1', '-q')]);
  expect([code, io.err()]).toEqual([0, '']);
  return eventIds(endpoint).slice(before);
}

async function exported(where: World, format: string): Promise<string> {
  const name = join(where.cwd, `log.${format}`);
  const args = ['logs', 'export', '--with-bodies', '--show-numbers', '--format', format, '-o', name];
  expect(await run(args, ioOf(where))).toBe(0);
  return name;
}

describe('--status says how an event’s delivery ended', () => {
  const cases: [string, string[]][] = [
    ['failed', ['ev_2', 'ev_3', 'ev_4']],
    ['all', ['ev_0', 'ev_1', 'ev_2', 'ev_3', 'ev_4']],
    ['2xx', ['ev_0', 'ev_1']],
    ['200', ['ev_0', 'ev_1']],
    ['503', ['ev_2']],
    ['5xx', ['ev_2']],
    ['4xx', ['ev_4']],
    ['500', []],
  ];

  test.each(cases)('%s, out of the store', async (status, ids) => {
    expect(await sentBy(await world(LOG), ['--status', status])).toEqual(ids);
  });

  test.each(cases)('%s, out of a file', async (status, ids) => {
    const where = await world(LOG);
    for (const format of ['ndjson', 'csv'])
      expect(await sentBy(await world(), [await exported(where, format), '--status', status])).toEqual(ids);
  });

  test('what an earlier replay has delivered there has not failed any more; a rehearsal elsewhere changes nothing', async () => {
    const where = await world(LOG);
    const endpoint = await startEndpoint(answers(200));
    const failing = (...flags: string[]) => sentTo(endpoint, where, ['--status', 'failed', ...flags]);
    expect(await sentBy(where, ['--status', 'failed'])).toEqual(['ev_2', 'ev_3', 'ev_4']);
    expect(await failing('--limit', '1')).toEqual(['ev_2']);
    expect(await failing()).toEqual(['ev_3', 'ev_4']);
    expect(await failing()).toEqual([]);
  });

  test('what one endpoint has taken has failed all the same where it was another’s to take', async () => {
    const elsewhere = {
      endpoint: 'billing',
      url: 'https://billing.example.com/',
      eventId: 'ev_0',
      id: 'at_b',
    };
    const where = await world([failed, elsewhere]);
    const { io } = await replay(where, [
      '--status',
      'failed',
      '--endpoint',
      'crm',
      '--to',
      '9',
      '--dry-run',
      '--json',
    ]);
    expect(JSON.parse(io.out())).toMatchObject({ deliveries: 1, first: [{ event_id: 'ev_0' }] });
  });

  test('attempts whose outcome nobody knows, and negative tests, decide nothing', async () => {
    const dark = later('ev_0', 2, { outcome: 'aborted', status: null, fault: KILLED });
    const negative = later('ev_1', 1, { ...failed, fault: 'bad-signature' });
    const where = await world([{}, {}, dark, negative]);
    expect(await sentBy(where, ['--status', 'failed'])).toEqual([]);
    expect(await sentBy(where, ['--status', '2xx'])).toEqual(['ev_0', 'ev_1']);
  });

  test('of what was received: what the app answered in the end', async () => {
    const where = await world(0, [{}, { forwarding: true }, { forwarding: true }]);
    const settle = (seq: number, status: number | null) => ({
      seqs: [seq],
      status: 200,
      owed: status !== 200,
      forward: { status, durationMs: 1, error: null },
    });
    await inStore(where, async (store) => {
      // The forwards of the run before are this one's to settle.
      await store.takeUnforwarded();
      await store.settleForward(settle(2, null));
      await store.settleForward(settle(3, 200));
    });
    expect(await sentBy(where, ['--status', 'failed'])).toEqual(['ev_1']);
  });
});

describe('which records are meant', () => {
  const at = (seconds: number) => new Date(AT + seconds * 1000).toISOString();
  const log: Sent[] = [
    { event: 'call_missed' },
    { callId: 'MO77', run: 'run_2' },
    { endpoint: 'billing', url: 'https://billing.example.com/x' },
    { event: 'call_missed', run: 'run_2' },
  ];
  const cases: [string[], string[]][] = [
    [
      ['--event', 'missed'],
      ['ev_0', 'ev_3'],
    ],
    [
      ['--event', 'call.connected'],
      ['ev_1', 'ev_2'],
    ],
    [['--call-id', 'MO77'], ['ev_1']],
    [['--event-id', 'ev_2'], ['ev_2']],
    [['--endpoint', 'billing'], ['ev_2']],
    [['--endpoint', 'https://billing.example.com/x'], ['ev_2']],
    [
      ['--run', 'run_2'],
      ['ev_1', 'ev_3'],
    ],
    [['--run', 'run_2', '--event', 'missed'], ['ev_3']],
    [
      ['--since', at(1)],
      ['ev_1', 'ev_2', 'ev_3'],
    ],
    [['--until', at(1)], ['ev_0']],
    [
      ['--since', at(1), '--until', at(3)],
      ['ev_1', 'ev_2'],
    ],
    [
      ['--limit', '2'],
      ['ev_0', 'ev_1'],
    ],
    [
      ['--limit', '9'],
      ['ev_0', 'ev_1', 'ev_2', 'ev_3'],
    ],
    [['--event', 'missed', '--limit', '1'], ['ev_0']],
    [['--kind', 'receipt'], []],
    [['--kind', 'attempt', '--call-id', 'MO2'], ['ev_2']],
  ];

  test.each(cases)('%j, out of the store', async (flags, ids) => {
    expect(await sentBy(await world(log), flags)).toEqual(ids);
  });

  test.each(cases)('%j, out of a file', async (flags, ids) => {
    const where = await world(log);
    for (const format of ['ndjson', 'csv'])
      expect(await sentBy(await world(), [await exported(where, format), ...flags])).toEqual(ids);
  });

  test('--since as a time ago', async () => {
    const where = await world(log);
    const endpoint = await startEndpoint(answers(200));
    const io = { ...ioOf(where), now: () => AT + 10_000 };
    await replay(where, to(endpoint, '--since', '8s', '--concurrency', '1'), io);
    expect(eventIds(endpoint)).toEqual(['ev_2', 'ev_3']);
  });
});

describe('what was received comes first; --kind asks for the other', () => {
  const received = [{ eventId: 'came' }];
  test.each([
    [[], ['came']],
    [['--kind', 'receipt'], ['came']],
    [
      ['--kind', 'attempt'],
      ['ev_0', 'ev_1'],
    ],
    [
      ['--run', 'run_1'],
      ['ev_0', 'ev_1'],
    ],
    [['--event-id', 'ev_1'], ['ev_1']],
  ])('%j', async (flags, ids) => {
    const where = await world(2, received);
    expect(await sentBy(where, flags)).toEqual(ids);
    expect(await sentBy(await world(), [await exported(where, 'ndjson'), ...flags])).toEqual(ids);
  });
});

test('what is never sent: negative tests, replays, forged and refused deliveries, copies, retries', async () => {
  const sent = await world([
    {},
    { fault: 'tampered-body', eventId: 'bad' },
    { replayOf: 'at_0', run: 'run_r', eventId: 'replayed' },
    later('ev_0', 2, {}),
  ]);
  expect(await sentBy(sent, [])).toEqual(['ev_0']);
  const received = await world(0, [
    {},
    { eventId: 'forged', signature: 'mismatch', status: 400, accepted: false },
    { eventId: 'unsigned', signature: 'missing', status: 400, accepted: false },
    { eventId: 'ev_0', body: 'the same id, another body' },
    { eventId: 'refused', status: 503, body: 'no' },
    { eventId: 'unchecked', signature: 'unchecked', body: 'unchecked' },
  ]);
  expect(await sentBy(received, [])).toEqual(['ev_0', 'ev_0', 'unchecked']);
  const copy = { eventId: 'ev_0', body: 'the same', timestampMs: AT };
  expect(await sentBy(await world(0, [copy, copy, copy]), [])).toEqual(['ev_0']);
});
