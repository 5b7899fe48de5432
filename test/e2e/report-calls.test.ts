import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run } from '../../src/cli/main.ts';
import { openStore } from '../../src/store/open.ts';
import { newAttempt, newReceipt } from '../helpers/records.ts';
import { seedStore } from '../helpers/seed-store.ts';
import { testIo } from '../helpers/test-io.ts';

type Event = [call: string, event: string, at: string, more?: object];

const NOW = Date.parse('2026-01-31T13:00:00Z');
const bodyOf = ([call, event, at, more = {}]: Event) =>
  JSON.stringify({ event, call_id: call, timestamp: `2026-01-31T12:${at}Z`, ...more });

const GOOD: Event[] = [
  ['MO1', 'call_initiated', '00:00'],
  ['MO1', 'call_connected', '00:06'],
  ['MO1', 'call_disconnected', '00:48', { duration_seconds: 42, metadata: { recording_url: 'https://r' } }],
];
const ODD: Event[] = [
  ['MO2', 'call_missed', '01:00'],
  ['MO2', 'call_connected', '01:02'],
  ['MO3', 'call_initiated', '02:00'],
  ['MO3', 'call_connected', '02:05'],
  ['MO3', 'call_disconnected', '02:10', { duration_seconds: 500 }],
];

async function calls(events: Event[], args: string[] = []) {
  const io = testIo();
  io.now = () => NOW;
  const store = await openStore(join(io.cwd, 'calls.db'));
  for (const [i, event] of events.entries()) {
    const [callId, type] = event;
    const about = { id: `rc_${i}`, eventId: `ev_${i}`, callId, event: type, body: bodyOf(event) };
    await store.addReceipt(newReceipt(about));
  }
  await store.close();
  const code = await run(['report', '--store', join(io.cwd, 'calls.db'), '--calls', '--json', ...args], io);
  return { io, code, calls: (JSON.parse(io.out()) as { calls: Record<string, unknown> }).calls };
}

test('calls whose states fit are counted by status, and nothing is found in them', async () => {
  expect((await calls(GOOD)).calls).toEqual({
    calls: 1,
    statuses: { Disconnected: 1 },
    findings: [],
    timelines: [],
    left_out: 0,
  });
});

test('what does not fit is found, whatever the order of arrival, with examples and their timelines', async () => {
  const { calls: found, code } = await calls([...ODD].reverse().concat(GOOD));
  expect(found).toMatchObject({
    calls: 3,
    statuses: { Disconnected: 2, Missed: 1 },
    findings: expect.arrayContaining([
      { rule: 'connected_after_missed', severity: 'warn', calls: 1, examples: ['MO2'] },
      { rule: 'duration', severity: 'warn', calls: 1, examples: ['MO3'] },
      { rule: 'no_beginning', severity: 'info', calls: 1, examples: ['MO2'] },
    ]),
  });
  const [first] = (found.timelines as { call_id: string; events: object[]; findings: string[] }[]).filter(
    ({ call_id: id }) => id === 'MO3',
  );
  expect(first?.events).toEqual([
    { event: 'call_initiated', event_id: 'ev_2', timestamp: '2026-01-31T12:02:00.000Z' },
    { event: 'call_connected', event_id: 'ev_1', timestamp: '2026-01-31T12:02:05.000Z' },
    { event: 'call_disconnected', event_id: 'ev_0', timestamp: '2026-01-31T12:02:10.000Z' },
  ]);
  expect(first?.findings).toEqual(['duration_seconds is 500, while its events are 5 s apart']);
  // What calls did is no verdict on the deliveries.
  expect(code).toBe(0);
});

test('a filter narrows the calls down, and an export with bodies tells the same as the store', async () => {
  const { io } = await calls([...GOOD, ...ODD]);
  const file = join(io.cwd, 'calls.ndjson');
  const store = join(io.cwd, 'calls.db');
  const ask = async (...args: string[]) => {
    const asked = testIo();
    asked.now = () => NOW;
    await run(args, asked);
    return asked.out();
  };
  writeFileSync(file, await ask('logs', 'export', '--store', store, '--with-bodies', '--show-numbers'));
  const report = ['report', '--calls', '--json'];
  expect(await ask(...report, file)).toBe(await ask(...report, '--store', store));
  const missed = JSON.parse(await ask(...report, '--store', store, '--event', 'missed')) as {
    calls: { statuses: object };
  };
  expect(missed.calls.statuses).toEqual({ Missed: 1 });
});

test('a log of attempts alone has its attempts tell of the calls', async () => {
  const io = testIo();
  const store = await openStore(join(io.cwd, 'calls.db'));
  for (const [i, event] of GOOD.entries()) {
    const about = { id: `at_${i}`, eventId: `ev_${i}`, callId: 'MO1', event: event[1] };
    await store.addAttempt(newAttempt(about), Buffer.from(bodyOf(event)));
    await store.addAttempt(newAttempt({ ...about, id: `again_${i}`, attempt: 2 }), null);
  }
  await store.close();
  await run(['report', '--store', join(io.cwd, 'calls.db'), '--calls', '--json'], io);
  expect(JSON.parse(io.out())).toMatchObject({
    calls: { calls: 1, statuses: { Disconnected: 1 }, findings: [] },
  });
});

test('without --calls nobody reads the bodies, and the report says nothing of calls', async () => {
  const io = testIo();
  const location = await seedStore(io.cwd, { attempts: [{}] });
  await run(['report', '--store', location, '--json'], io);
  expect(JSON.parse(io.out())).not.toHaveProperty('calls');
});
