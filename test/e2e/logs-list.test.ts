import { beforeAll, describe, expect, test } from 'vitest';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { call, fill, newStore, variedStore } from '../helpers/varied-log.ts';

const CALLER = '+919812345678';
const BODY = `{"event":"call_missed","call_id":"MO2","caller_number":"${CALLER}"}`;
let store: string;

// Attempts and receipts in turn, a second apart: at_0, rc_0, at_1, …
beforeAll(async () => {
  const attempts = [
    { eventId: 'ev_a' },
    { eventId: 'ev_b', status: 503, outcome: 'rejected' as const, final: false, error: `no ${CALLER}` },
    { eventId: 'ev_b', attempt: 2, event: 'call_missed', callId: 'MO2' },
    { eventId: 'ev_c', endpoint: 'erp', url: 'http://erp.test/in', run: 'run_2', replayOf: 'at_0' },
    {
      eventId: 'ev_d',
      status: null,
      outcome: 'timeout' as const,
      error: `no answer to ${CALLER}`,
      fault: 'stale',
    },
  ];
  const answered = { durationMs: 5, error: null };
  const receipts = [
    { eventId: 'ev_a', headers: ['X-Caller', CALLER] },
    { eventId: 'ev_a', attempt: 2, flags: ['old_secret'] },
    { eventId: 'ev_b', event: 'call_missed', callId: 'MO2', body: BODY },
    { eventId: null, signature: 'mismatch' as const, status: 400, accepted: false, latencyMs: null },
    { eventId: 'ev_e', forwarding: true },
  ];
  store = await fill(newStore(), async (open) => {
    for (let i = 0; i < 5; i++) {
      const at = AT + i * 2000;
      await open.addAttempt(
        newAttempt({ id: `at_${i}`, sentAt: at, dueAt: at, ...attempts[i] }),
        i === 0 ? Buffer.from(BODY) : null,
      );
      const receipt = newReceipt({ id: `rc_${i}`, receivedAt: at + 1000, ...receipts[i] });
      const { seq } = await open.addReceipt(receipt);
      if (i === 4)
        await open.settleForward({
          seqs: [seq],
          forward: { ...answered, status: 500 },
          status: 200,
          owed: true,
        });
    }
  });
});

const list = (...args: string[]) => call(store, ['logs', 'list', ...args]);

async function ids(...args: string[]): Promise<string[]> {
  const { code, out } = await list('--json', ...args);
  expect(code).toBe(0);
  return [...out.matchAll(/^\{"kind":"(?:attempt|receipt)","id":"([^"]+)"/gm)].map(([, id]) => id as string);
}

const ALL = ['rc_4', 'at_4', 'rc_3', 'at_3', 'rc_2', 'at_2', 'rc_1', 'at_1', 'rc_0', 'at_0'];

describe('logs list has', () => {
  test.each([
    ['everything, the latest first', [], ALL],
    ['--kind attempt', ['--kind', 'attempt'], ['at_4', 'at_3', 'at_2', 'at_1', 'at_0']],
    ['--kind receipt', ['--kind', 'receipt'], ['rc_4', 'rc_3', 'rc_2', 'rc_1', 'rc_0']],
    ['--limit', ['--limit', '3'], ALL.slice(0, 3)],
    ['--since', ['--since', '2026-01-31T12:00:07Z'], ['rc_4', 'at_4', 'rc_3']],
    ['--since a while ago', ['--since', '3592s'], ['rc_4', 'at_4']],
    ['--until, which is exclusive', ['--until', '2026-01-31T12:00:02Z'], ['rc_0', 'at_0']],
    ['--event', ['--event', 'missed'], ['rc_2', 'at_2']],
    ['--event-id', ['--event-id', 'ev_a'], ['rc_1', 'rc_0', 'at_0']],
    ['--call-id', ['--call-id', 'MO2'], ['rc_2', 'at_2']],
    ['--status failed, by what the app said too', ['--status', 'failed'], ['rc_4', 'at_4', 'rc_3', 'at_1']],
    ['--status 2xx', ['--status', '2xx', '--kind', 'receipt'], ['rc_4', 'rc_2', 'rc_1', 'rc_0']],
    ['--status 503', ['--status', '503'], ['at_1']],
    ['--status 4XX', ['--status', '4XX'], ['rc_3']],
    ['--status all', ['--status', 'all'], ALL],
    ['--endpoint by name', ['--endpoint', 'erp'], ['at_3']],
    ['--endpoint by URL', ['--endpoint', 'http://erp.test/in'], ['at_3']],
    ['--run', ['--run', 'run_2'], ['at_3']],
    ['several filters', ['--event-id', 'ev_b', '--status', 'failed', '--kind', 'attempt'], ['at_1']],
    ['nothing', ['--call-id', 'MO404'], []],
  ])('%s', async (_, flags, expected) => {
    expect(await ids(...flags)).toEqual(expected);
  });

  test.each([
    [['--status', 'bad'], `--status: 'bad' is not a status`],
    [['--status', '99'], `'99' is not a status`],
    [['--event', 'mised'], `Did you mean 'call_missed'?`],
    [['--since', '1h', '--until', '2h'], 'is not before'],
    [['--limit', '0'], 'Give a whole number from 1 up.'],
    [['--cursor', '12'], `--cursor: '12' is not a place`],
    [['--cursor', '1.2; DROP TABLE attempts'], 'is not a place'],
    [['--kind', 'atempt'], `Did you mean 'attempt'?`],
  ])('no use for %j, and says what is allowed', async (flags, message) => {
    const { code, out, err } = await list(...flags);
    expect(err).toContain(message);
    expect([code, out]).toEqual([2, '']);
  });

  test('a word for nothing at all', async () => {
    const { code, out, err } = await list('--run', 'run_9');
    expect([code, out]).toEqual([0, '']);
    expect(err).toMatch(/^No records match in .*log\.db\.\n$/);
  });
});

describe('the pages of logs list', () => {
  async function pages(
    location: string,
    limit: number,
    flags: readonly string[] = [],
    between = async () => {},
  ) {
    const shown: string[] = [];
    let cursor: string[] = [];
    for (let page = 0; page < 200; page++) {
      const { out, err } = await call(location, [
        ...['logs', 'list', '--json', '--limit', String(limit), ...cursor, ...flags],
      ]);
      const lines = out.split('\n').filter((text) => text !== '');
      const rows = lines.map((text) => JSON.parse(text) as { id: string; type?: string; cursor?: string });
      expect(err).toBe('');
      const next = rows.at(-1)?.type === 'page' ? rows.pop()?.cursor : undefined;
      expect(rows.length).toBeLessThanOrEqual(limit);
      shown.push(...rows.map(({ id }) => id));
      if (next === undefined) return shown;
      cursor = ['--cursor', next];
      await between();
    }
    throw new Error('there is no last page');
  }

  test.each([1, 2, 3, 4, 7, 9, 10, 11])('of %i hold everything exactly once', async (limit) => {
    expect(await pages(store, limit)).toEqual(ALL);
  });

  test.each([
    [['--kind', 'receipt']],
    [['--status', 'failed']],
    [['--event', 'connected']],
    [['--since', '2026-01-31T12:00:03Z', '--until', '2026-01-31T12:00:08Z']],
  ])('with %j hold what matches exactly once', async (flags) => {
    expect(await pages(store, 2, flags)).toEqual(await ids(...flags));
  });

  test('of a store with records of every kind hold each exactly once', async () => {
    const varied = await variedStore();
    const { out } = await call(varied, ['logs', 'export']);
    const all = out.split('\n').filter((text) => text !== '');
    const shown = await pages(varied, 7);
    expect(new Set(shown).size).toBe(all.length);
    expect(shown).toHaveLength(all.length);
  });

  test('name the next one at their end, but for --quiet: a hint on stderr, with --json a line', async () => {
    expect((await list('--limit', '3')).err).toBe('Older ones: --cursor 5.4\n');
    expect((await list('--limit', '3', '--quiet')).err).toBe('');
    for (const quiet of [[], ['--quiet']]) {
      const { out, err } = await list('--limit', '3', '--json', ...quiet);
      expect(err).toBe('');
      expect(out.trimEnd().split('\n').slice(3)).toEqual(['{"type":"page","cursor":"5.4"}']);
    }
    for (const flags of [[], ['--json']]) {
      const { out, err } = await list('--limit', '10', ...flags);
      expect(out + err).not.toMatch(/cursor/);
    }
  });

  test('are not disturbed by what comes in meanwhile', async () => {
    let count = 0;
    const growing = await fill(newStore(), async (open) => {
      for (let i = 0; i < 6; i++) await open.addAttempt(newAttempt({ id: `at_${i}`, sentAt: AT + i }), null);
    });
    const more = () =>
      fill(growing, (open) => open.addAttempt(newAttempt({ id: `new_${count++}`, sentAt: AT + 1000 }), null));
    const shown = await pages(growing, 2, [], async () => void (await more()));
    expect(shown).toEqual(['at_5', 'at_4', 'at_3', 'at_2', 'at_1', 'at_0']);
    expect(count).toBe(2);
  });
});

describe('a line of logs list', () => {
  test('says when, which way, what, and how it went', async () => {
    const { out } = await list();
    const lines = out.trimEnd().split('\n');
    expect(lines).toHaveLength(10);
    expect(lines[0]).toBe(
      '2026-01-31 12:00:09.000  came  call_connected     [ev_e]  200  signature valid  latency 100 ms  app 500 in 5 ms',
    );
    expect(lines[1]).toBe(
      '2026-01-31 12:00:08.000  sent  call_connected     [ev_d]  timeout  13 ms  crm  stale  no answer to +91******5678',
    );
    expect(lines[2]).toBe(
      '2026-01-31 12:00:07.000  came  call_connected     [no id]  400  signature mismatch',
    );
    expect(lines[3]).toContain('  erp  replay');
    expect(lines[6]).toContain('  attempt 2  duplicate, old_secret');
    expect(lines[7]).toContain('503  13 ms  crm  will be retried');
  });

  test('as JSON has the keys of the contract, and bodies where they are wanted', async () => {
    const rows = (out: string) =>
      out
        .trimEnd()
        .split('\n')
        .map((text) => JSON.parse(text) as object);
    const plain = rows((await list('--json')).out);
    expect(Object.keys(plain[9] as object)).toEqual([
      ...['kind', 'id', 'event_id', 'event', 'call_id', 'endpoint', 'url', 'attempt', 'due_at', 'sent_at'],
      ...['status', 'outcome', 'duration_ms', 'final', 'run', 'replay_of', 'error'],
    ]);
    expect(plain[1]).toMatchObject({ fault: 'stale', status: null });
    expect(Object.keys(plain[8] as object)).toEqual([
      ...['kind', 'id', 'event_id', 'event', 'call_id', 'attempt', 'received_at', 'signature', 'secret'],
      ...['duplicate', 'latency_ms', 'transit_ms', 'status', 'forward', 'body_bytes', 'flags'],
    ]);
    expect(plain[0]).toMatchObject({ forward: { status: 500, duration_ms: 5, error: null } });
    const full = rows((await list('--json', '--with-bodies', '--show-numbers')).out);
    const encoded = Buffer.from(BODY).toString('base64');
    expect(full[9]).toEqual({ ...plain[9], body_base64: encoded });
    expect(full[4]).toEqual({ ...plain[4], body_base64: encoded });
    expect(full[8]).toMatchObject({ headers: [['X-Caller', CALLER]] });
  });

  test('has callers’ numbers masked, unless --show-numbers', async () => {
    for (const flags of [[], ['--json'], ['--json', '--with-bodies']]) {
      const masked = (await list(...flags)).out;
      const bodies = [...masked.matchAll(/"body_base64":"([^"]+)"/g)].map(([, text]) =>
        Buffer.from(text as string, 'base64').toString(),
      );
      for (const text of [masked, ...bodies]) expect(text, flags.join(' ')).not.toContain(CALLER);
      expect([masked, ...bodies].join('')).toContain('+91******5678');
      if (flags.includes('--with-bodies')) expect(masked).toContain('"body_masked":true');
      expect((await list(...flags, '--show-numbers')).out).toContain(CALLER);
    }
  });
});
