import { describe, expect, test } from 'vitest';
import { bodyOf, ENDED, type Moment, receiveCall, WHOLE } from '../helpers/calls.ts';
import { AT, newAttempt, newReceipt } from '../helpers/records.ts';
import { call, fill, newStore } from '../helpers/varied-log.ts';

const HOUR = 3_600_000;
type Finding = { rule: string; severity: string; text: string };

async function callShown(moments: readonly Moment[], now = AT + HOUR) {
  const store = await fill(newStore(), (open) => receiveCall(open, 'MO7', moments));
  const { code, out } = await call(store, ['logs', 'show', 'MO7'], { now });
  const { out: json } = await call(store, ['logs', 'show', 'MO7', '--json'], { now });
  const parsed = JSON.parse(json) as { status: string; events: { event: string }[]; findings: Finding[] };
  return { code, out, json: parsed };
}

describe('logs show of a call', () => {
  test('by its id tells its events in order of its life, with the gaps between them', async () => {
    const { code, out, json } = await callShown(WHOLE);
    expect(code).toBe(0);
    expect(out.split('\n').map((line) => line.replaceAll(/ +/g, ' ').trim())).toEqual([
      'Call MO7 Disconnected',
      '2026-01-31 12:00:00.000 call_initiated [ev_0]',
      '2026-01-31 12:00:08.000 +8.0 s call_connected [ev_1] Sales',
      '2026-01-31 12:00:50.000 +42.0 s call_disconnected [ev_2] Sales 42 s',
      '✓ nothing in its states contradicts itself',
      '',
    ]);
    expect(json).toMatchObject({ call_id: 'MO7', status: 'Disconnected', findings: [] });
    expect(json.events.map(({ event }) => event)).toEqual(WHOLE.map(([event]) => event));
  });

  test.each<[string, Moment[], Finding, number?]>([
    [
      'connected after it was missed',
      [
        ['call_initiated', 0],
        ['call_missed', 20],
        ['call_connected', 23],
      ],
      { rule: 'connected_after_missed', severity: 'warn', text: 'connected 3.0 s after it was missed' },
    ],
    [
      'without an end for long',
      [
        ['call_initiated', 0],
        ['call_connected', 8],
      ],
      {
        rule: 'no_end',
        severity: 'warn',
        text: 'no call_disconnected or call_missed, 10.0 h after its last event',
      },
      AT + 8000 + 10 * HOUR,
    ],
    [
      'still under way',
      [
        ['call_initiated', 0],
        ['call_connected', 8],
      ],
      {
        rule: 'no_end',
        severity: 'info',
        text: 'no call_disconnected or call_missed, 30.0 s after its last event',
      },
      AT + 38_000,
    ],
    [
      'of another length than it says',
      [...WHOLE.slice(0, 2), ['call_disconnected', 80, ENDED]],
      { rule: 'duration', severity: 'warn', text: 'duration_seconds is 42, while its events are 72 s apart' },
    ],
    [
      'whose recording came late',
      [
        ...WHOLE.slice(0, 2),
        ['call_disconnected', 50, { duration_seconds: 42 }],
        ['call_disconnected', 350, ENDED],
      ],
      { rule: 'late_recording', severity: 'info', text: 'its recording came 5 min 0 s after its end' },
    ],
    [
      'with an event after its end',
      [...WHOLE, ['call_transferred', 60]],
      { rule: 'after_end', severity: 'warn', text: 'call_transferred 10.0 s after the call ended' },
    ],
    [
      'without a beginning',
      WHOLE.slice(1),
      {
        rule: 'no_beginning',
        severity: 'info',
        text: 'begins with call_connected: its call_initiated is not on record',
      },
    ],
    [
      'that came out of order',
      [
        ['call_initiated', 0],
        ['call_disconnected', 50, ENDED, 9],
        ['call_connected', 8, {}, 11],
      ],
      { rule: 'arrival_order', severity: 'info', text: 'arrived as initiated, disconnected, connected' },
    ],
  ])('%s says so', async (_, moments, finding, now) => {
    const { out, json } = await callShown(moments, now);
    expect(json.findings).toContainEqual(finding);
    expect(out).toContain(`\n  ${finding.severity === 'warn' ? '!' : '·'} ${finding.text}\n`);
    const clean = json.findings.every(({ severity }) => severity !== 'warn');
    expect(out.includes('nothing in its states contradicts itself')).toBe(clean);
  });

  test('takes forged deliveries and negative tests for nothing that happened', async () => {
    const store = await fill(newStore(), async (open) => {
      await receiveCall(open, 'MO7', WHOLE);
      const body = bodyOf('MO7', ['call_missed', 20]);
      const about = { event: 'call_missed', callId: 'MO7' };
      const forged = { signature: 'mismatch' as const, accepted: false, status: 400 };
      await open.addReceipt(newReceipt({ id: 'rc_x', eventId: 'ev_x', ...about, ...forged, body }));
      await open.addAttempt(newAttempt({ eventId: 'ev_y', ...about, fault: 'stale' }), Buffer.from(body));
    });
    const { out } = await call(store, ['logs', 'show', 'MO7']);
    expect(out).not.toMatch(/missed|ev_x|ev_y/);
  });
});
