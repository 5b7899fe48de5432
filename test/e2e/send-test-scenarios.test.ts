import { expect, test } from 'vitest';
import { SCENARIOS } from '../../src/sender/scenario.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { eventOf, sendTestJson, signatureResult } from '../helpers/send-test.ts';

const LIVES: Record<(typeof SCENARIOS)[number], string[]> = {
  answered: ['initiated', 'connected', 'disconnected'],
  missed: ['initiated', 'missed'],
  transferred: ['initiated', 'connected', 'transferred', 'disconnected'],
  outbound: ['initiated', 'connected', 'disconnected'],
  'recording-late': ['initiated', 'connected', 'disconnected', 'disconnected'],
  campaign: ['initiated', 'connected', 'disconnected'],
};

async function play(scenario: string, args: string[] = []) {
  const endpoint = await startEndpoint(answers(200));
  const run = await sendTestJson(endpoint, ['--scenario', scenario, '--concurrency', '1', ...args]);
  for (const request of endpoint.requests) expect(signatureResult(request)).toBe('valid');
  return { ...run, events: endpoint.requests.map(eventOf) };
}

test.each(SCENARIOS)(
  '--scenario %s --speed max: a call’s life in order, all of one call',
  async (scenario) => {
    const { code, events, summary } = await play(scenario, ['--speed', 'max', '-n', '1']);
    expect(code).toBe(0);
    expect(events.map(({ event }) => event)).toEqual(LIVES[scenario].map((type) => `call_${type}`));
    expect(new Set(events.map(({ call_id }) => call_id)).size).toBe(1);
    const direction = scenario === 'outbound' || scenario === 'campaign' ? 'outbound' : 'inbound';
    for (const event of events) expect(event.direction).toBe(direction);
    expect(summary).toMatchObject({ sent: events.length, delivered: events.length });
  },
);

test('recording-late: the recording’s address comes with a second call_disconnected', async () => {
  const { events } = await play('recording-late', ['--speed', 'max']);
  const urls = events.map(({ metadata }) => (metadata as Record<string, unknown>).recording_url);
  expect(urls).toEqual([null, null, null, expect.stringMatching(/^https:/)]);
});

test('transferred: the queue changes, and the duration grows', async () => {
  const { events } = await play('transferred', ['--speed', 'max']);
  expect(events.map(({ metadata }) => (metadata as Record<string, unknown>).queue)).toEqual([
    'Sales',
    'Sales',
    'Support',
    'Support',
  ]);
  expect(events.map(({ duration_seconds }) => duration_seconds)).toEqual([0, 0, 30, 90]);
});

test('campaign: of many calls some are missed', async () => {
  const { events } = await play('campaign', ['--speed', 'max', '-n', '6']);
  const ends = events.map(({ event }) => event).filter((type) => /missed|disconnected/.test(String(type)));
  expect(ends).toHaveLength(6);
  expect(ends.filter((type) => type === 'call_missed')).toHaveLength(2);
  expect(new Set(events.map(({ call_id }) => call_id)).size).toBe(6);
});

test('campaign alone is a burst of twenty calls', async () => {
  const { events } = await play('campaign', ['--speed', 'max']);
  expect(new Set(events.map(({ call_id }) => call_id)).size).toBe(20);
});

test('--speed divides the gaps, and each event’s timestamp is when it happens', async () => {
  const { events, attempts } = await play('answered', ['--speed', '1000x']);
  const due = attempts.map(({ due_at }) => Date.parse(due_at as string));
  expect(due.map((at) => at - (due[0] as number))).toEqual([0, 6, 48]);
  expect(
    events.map(({ timestamp }) => Math.abs(Date.parse(timestamp as string) - (due.shift() as number)) <= 1),
  ).toEqual([true, true, true]);
});

test('--rate says how many calls begin; their lives overlap', async () => {
  const { attempts } = await play('missed', ['--speed', '1000x', '-n', '3', '--rate', '100/s']);
  const due = attempts.map(({ due_at }) => Date.parse(due_at as string));
  const events = attempts.map(({ event }, index) => [event, (due[index] as number) - (due[0] as number)]);
  expect(events).toEqual([
    ['call_initiated', 0],
    ['call_initiated', 10],
    ['call_initiated', 20],
    ['call_missed', 25],
    ['call_missed', 35],
    ['call_missed', 45],
  ]);
});

test('--set, --call-id and --duplicate hold for every step', async () => {
  const args = ['--speed', 'max', '--call-id', 'MO7', '--set', 'metadata.queue=VIP', '--duplicate', '1'];
  const { events } = await play('missed', args);
  expect(events.map(({ event }) => event)).toEqual([
    'call_initiated',
    'call_initiated',
    'call_missed',
    'call_missed',
  ]);
  for (const event of events) expect(event).toMatchObject({ call_id: 'MO7', metadata: { queue: 'VIP' } });
});
