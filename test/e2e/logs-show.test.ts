import { describe, expect, test } from 'vitest';
import { bodyOf, CALLER, type Moment, receiveCall, WHOLE } from '../helpers/calls.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

describe('logs show of an event', () => {
  const store = fill(newStore(), async (open) => {
    const body = bodyOf('MO7', WHOLE[1] as Moment);
    const about = { eventId: 'ev_1', callId: 'MO7', dueAt: AT + 8000 };
    const failed = { status: 503, outcome: 'rejected' as const, final: false, error: 'answered 503' };
    await open.addAttempt(
      newAttempt({ ...about, id: 'at_1', sentAt: AT + 8050, ...failed }),
      Buffer.from(body),
    );
    await open.addAttempt(
      newAttempt({ ...about, id: 'at_2', sentAt: AT + 9055, attempt: 2, replayOf: 'at_0' }),
      null,
    );
    await receiveCall(open, 'MO7', WHOLE);
    const headers = [
      'X-MO-Event-Id',
      'ev_1',
      'X-MO-Signature',
      `sha256=${'ab'.repeat(32)}`,
      'X-Caller',
      CALLER,
    ];
    const again = { eventId: 'ev_1', callId: 'MO7', receivedAt: AT + 9500, attempt: 2, headers };
    await open.addReceipt(newReceipt({ id: 'rc_again', ...again, body }));
    const forged = {
      eventId: 'ev_1',
      signature: 'mismatch' as const,
      status: 400,
      accepted: false,
      secret: null,
    };
    await open.addReceipt(newReceipt({ id: 'rc_forged', receivedAt: AT + 20_000, ...forged, body: '{}' }));
  });

  test('tells its attempts and receipts in order, each with its verdict and the gap before it', async () => {
    const { code, out } = await call(await store, ['logs', 'show', 'ev_1']);
    expect(code).toBe(0);
    const lines = out.split('\n');
    expect(lines[0]).toBe('call_connected  [ev_1]  call MO7  delivered');
    expect(lines.slice(1, 11).map((line) => line.replaceAll(/ +/g, ' ').trim())).toEqual([
      '2026-01-31 12:00:08.050 sent 503 13 ms crm will be retried',
      'at_1 to https://crm.example.com/notify, run run_1',
      '2026-01-31 12:00:08.200 +150 ms came 200 signature valid latency 100 ms',
      'rc_1, secret MO_SECRET, 142 bytes',
      '2026-01-31 12:00:09.055 +855 ms sent 200 13 ms crm attempt 2 replay',
      'at_2 to https://crm.example.com/notify, run run_1, replay of at_0',
      '2026-01-31 12:00:09.500 +445 ms came 200 signature valid attempt 2 duplicate',
      'rc_again, secret MO_SECRET, 142 bytes',
      '2026-01-31 12:00:20.000 +10.5 s came 400 signature mismatch latency 100 ms',
      'rc_forged, 2 bytes',
    ]);
  });

  test('shows headers and body as they came, numbers masked, and the call', async () => {
    const { out } = await call(await store, ['logs', 'show', 'ev_1']);
    expect(out).toContain('\n  X-MO-Event-Id: ev_1\n');
    expect(out).toContain('\n  X-Caller: +91******5678\n');
    expect(out).toContain('\n    "caller_number": "+91******5678",\n');
    expect(out).not.toContain(CALLER);
    expect(out).toMatch(
      /\nCall MO7 {2}Disconnected\n(?: .*\n){3} {2}✓ nothing in its states contradicts itself\n$/,
    );
    const { out: full } = await call(await store, ['logs', 'show', 'ev_1', '--show-numbers']);
    expect(full).toContain(`"caller_number": "${CALLER}"`);
    const { out: bare } = await call(await store, ['logs', 'show', 'ev_1', '--no-body']);
    expect(bare).not.toMatch(/X-MO-Event-Id|caller_number/);
    expect(bare).toContain('Call MO7');
  });

  test('as JSON has its records as an export has them, and the call', async () => {
    const { out } = await call(await store, ['logs', 'show', 'ev_1', '--json', '--show-numbers']);
    const shown = JSON.parse(out) as { records: Record<string, unknown>[]; call: { events: object[] } };
    expect(Object.keys(shown)).toEqual(['event_id', 'records', 'call']);
    expect(shown.records.map(({ id }) => id)).toEqual(['at_1', 'rc_1', 'at_2', 'rc_again', 'rc_forged']);
    const { out: exported } = await call(await store, [
      ...['logs', 'export', '--event-id', 'ev_1', '--with-bodies', '--show-numbers'],
    ]);
    expect(shown.records).toEqual(
      exported
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as object),
    );
    expect(shown.call).toMatchObject({ call_id: 'MO7', status: 'Disconnected', findings: [] });
    expect(shown.call.events[1]).toEqual({
      event: 'call_connected',
      event_id: 'ev_1',
      timestamp: '2026-01-31T12:00:08.000Z',
      recorded_at: expect.any(String),
    });
    const masked = (await call(await store, ['logs', 'show', 'ev_1', '--json'])).out;
    expect(masked).not.toContain(CALLER);
    expect(masked).toContain('"body_masked":true');
    expect((await call(await store, ['logs', 'show', 'ev_1', '--json', '--no-body'])).out).not.toContain(
      'body_base64',
    );
  });

  test.each([[[]], [['--json']]])(
    'that nobody knows ends with 1 and says how to find one: %j',
    async (flags) => {
      const { code, out, err } = await call(await store, ['logs', 'show', 'ev_404', ...flags]);
      expect([code, out]).toEqual([1, '']);
      expect(err).toMatch(/no event and no call 'ev_404' in .*log\.db\. 'mo-notify logs list'/);
    },
  );

  test.each([
    ['that is no JSON', 'not json', '\n  not json\n'],
    ['that is empty', '', '\n\n  \n'],
    ['with its numbers as they were written', '{"call_id":"x","n":12345678.0e1,"m":1.10}', '"m": 1.10'],
    [
      'that is nested too deeply',
      `{"call_id":${'['.repeat(30_000)}${']'.repeat(30_000)}}`,
      '{"call_id":[[[[',
    ],
  ])('has a body %s shown as it is', async (_, body, shown) => {
    const odd = await fill(newStore(), (open) => open.addReceipt(newReceipt({ callId: null, body })));
    const { code, out } = await call(odd, ['logs', 'show', 'ev_1']);
    expect(code).toBe(0);
    expect(out).toContain(shown);
    expect(out.length).toBeLessThan(4000);
  });

  test('has no body where none is on record, and says so', async () => {
    const bare = await fill(newStore(), (open) => open.addAttempt(newAttempt(), null));
    expect((await call(bare, ['logs', 'show', 'ev_1'])).out).toContain('\n  its body is not on record\n');
  });

  test('of which there are thousands of copies shows the first of them, and says so', async () => {
    const flood = await fill(newStore(), (open) =>
      Promise.all(Array.from({ length: 1200 }, (_, i) => open.addReceipt(newReceipt({ id: `rc_${i}` })))),
    );
    const { out } = await call(flood, ['logs', 'show', 'ev_1', '--no-body']);
    expect(out.match(/ came /g)).toHaveLength(1000);
    expect(out).toContain('\n  … the first 1000 of them\n');
  });
});
