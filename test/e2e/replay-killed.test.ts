import Database from 'libsql';
import { expect, onTestFinished, test } from 'vitest';
import { run as command } from '../../src/cli/main.ts';
import { KILLED } from '../../src/core/record.ts';
import { answers, startEndpoint } from '../helpers/endpoint.ts';
import { PATIENCE_MS } from '../helpers/patience.ts';
import {
  attemptsOf,
  countByEvent,
  eventIds,
  ioOf,
  replay,
  to,
  type World,
  world,
} from '../helpers/replay.ts';
import { kill, runOf, startReplay } from '../helpers/replay-process.ts';
import type { Running } from '../helpers/spawn-cli.ts';

/** Keeps every other process from writing to the log, until the test's end at the latest. */
function lock({ store }: World): () => void {
  const db = new Database(store.replace('sqlite:', ''), { timeout: PATIENCE_MS });
  db.exec('BEGIN IMMEDIATE');
  const unlock = () => {
    if (db.open) db.close();
  };
  onTestFinished(unlock);
  return unlock;
}

/** What the log says of an event in a run, in order. */
async function storyOf(where: World, run: string, id: string) {
  const log = await attemptsOf(where, run);
  return log
    .filter(({ eventId }) => eventId === id)
    .map(({ attempt, outcome, fault }) => [attempt, outcome, fault]);
}

const IN_THE_DARK = [1, 'aborted', KILLED];

test('D18 killed after the answer came and before it was on record: sent again, and the log says why', async () => {
  const where = await world(3);
  let sender: Running | null = null;
  let unlock = () => {};
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 1) unlock = lock(where);
    // It sends the second only once it has read the answer to the first.
    if (nth === 2) return kill(sender as Running);
    response.end();
  });
  sender = startReplay(where, to(endpoint, '--concurrency', '1'));
  const run = await runOf(sender);
  await sender.ended;
  unlock();
  expect(await attemptsOf(where, run)).toEqual([]);

  const { code } = await replay(where, ['--resume', run, '--concurrency', '1']);
  expect(code).toBe(0);
  expect(eventIds(endpoint)).toEqual(['ev_0', 'ev_1', 'ev_0', 'ev_1', 'ev_2']);
  for (const id of ['ev_0', 'ev_1'])
    expect(await storyOf(where, run, id)).toEqual([IN_THE_DARK, [1, 'delivered', null]]);
});

test('D18 the attempt whose outcome is unknown is on record with the words for it, and counts in no figure', async () => {
  const where = await world(1);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 1) kill(sender);
    else response.end();
  });
  const sender = startReplay(where, to(endpoint));
  const run = await runOf(sender);
  await sender.ended;
  await replay(where, ['--resume', run]);
  const [unknown, delivered] = await attemptsOf(where, run);
  expect(unknown).toMatchObject({
    eventId: 'ev_0',
    replayOf: 'at_0',
    url: endpoint.url.href,
    status: null,
    final: false,
    error: expect.stringMatching(/unknown outcome.*killed.*sent again/),
  });
  expect(delivered).toMatchObject({ eventId: 'ev_0', attempt: 1, outcome: 'delivered', final: true });
  const io = ioOf(where);
  await command(['report', '--run', run, '--json'], io);
  expect(JSON.parse(io.out())).toMatchObject({ totals: { events: 1, attempts: 1 } });
});

test('D18 killed between two attempts: it goes on with the next one, up to as many as there are', async () => {
  const where = await world(1);
  const endpoint = await startEndpoint(answers(503));
  const sender = startReplay(where, ['--to', endpoint.url.href, '--backoff', '10m', '--json']);
  const run = await runOf(sender);
  await sender.waitFor(/"kind":"attempt"/);
  kill(sender);
  await sender.ended;
  const { code } = await replay(where, ['--resume', run, '--backoff', '1ms']);
  expect(code).toBe(1);
  expect(endpoint.requests.map(({ header }) => header('X-MO-Delivery-Attempt'))).toEqual([
    '1',
    '2',
    '3',
    '4',
  ]);
  expect((await storyOf(where, run, 'ev_0')).map(([attempt, , fault]) => [attempt, fault])).toEqual([
    [1, null],
    [2, KILLED],
    [2, null],
    [3, null],
    [4, null],
  ]);
});

test('D18 killed, then stopped before it came as far again: what is sent twice is still on record', async () => {
  const where = await world(8);
  let sender: Running | null = null;
  const io = ioOf(where);
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 4) kill(sender as Running);
    if (nth === 5) io.interrupt();
    if (nth > 4) response.end();
  });
  sender = startReplay(where, to(endpoint, '--concurrency', '4'));
  const run = await runOf(sender);
  await sender.ended;
  const stopped = await replay(where, ['--resume', run, '--concurrency', '1'], io);
  expect([stopped.code, eventIds(endpoint).slice(4)]).toEqual([130, ['ev_0']]);

  expect((await replay(where, ['--resume', run])).code).toBe(0);
  const twice = [...countByEvent(endpoint)].filter(([, count]) => count > 1).map(([id]) => id);
  expect(twice.sort()).toEqual(['ev_0', 'ev_1', 'ev_2', 'ev_3']);
  for (const id of twice) expect(await storyOf(where, run, id)).toContainEqual(IN_THE_DARK);
});

test('what was never begun before the kill is sent once', async () => {
  const where = await world(5);
  let sender: Running | null = null;
  const endpoint = await startEndpoint((response, _, nth) => {
    if (nth === 3) kill(sender as Running);
    else response.end();
  });
  sender = startReplay(where, to(endpoint, '--concurrency', '1'));
  const run = await runOf(sender);
  await sender.ended;
  await replay(where, ['--resume', run]);
  const counts = countByEvent(endpoint);
  expect([counts.get('ev_3'), counts.get('ev_4')]).toEqual([1, 1]);
});
