import { describe, expect, test } from 'vitest';
import type { Recorded } from '../../../src/sender/recorded.ts';
import { planReplay, type ReplayOptions } from '../../../src/sender/replay.ts';
import { type SendOptions, sendAll } from '../../../src/sender/send.ts';
import { fakeClock, START } from '../../helpers/fake-clock.ts';
import { fakeTransport, sendOptions } from '../../helpers/fake-transport.ts';
import {
  changedStore,
  earlierRun,
  memoryStore,
  nthRecorded,
  planned,
  recordedOnes,
  replayOptions,
} from '../../helpers/plan-replay.ts';
import { AT } from '../../helpers/records.ts';

/** Deliveries recorded at these times, ms after the first. */
async function* recordedAt(times: readonly number[]): AsyncIterable<Recorded> {
  for (const [n, ms] of times.entries()) yield nthRecorded(n, { at: AT + ms });
}

async function dueTimes(times: readonly number[], pace: Partial<ReplayOptions>) {
  const store = await memoryStore();
  return (await planned(recordedAt(times), replayOptions(store, pace))).map(({ afterMs }) => afterMs);
}

describe('when each is due after the first', () => {
  test.each<[string, Partial<ReplayOptions>, number[], (number | null)[]]>([
    ['as soon as there is room', {}, [0, 1000, 9000], [null, null, null]],
    ['the recorded gaps', { speed: 1 }, [0, 1000, 9000], [0, 1000, 9000]],
    ['ten times as fast', { speed: 10 }, [0, 1000, 9000], [0, 100, 900]],
    ['half as fast', { speed: 0.5 }, [0, 1000], [0, 2000]],
    ['all at the same moment', { speed: 1 }, [0, 0, 0], [0, 0, 0]],
    [
      'out of order: what is late by then is due at once',
      { speed: 1 },
      [0, 5000, 2000, 6000],
      [0, 5000, 5000, 6000],
    ],
    ['older than the first', { speed: 1 }, [5000, 0, 7000], [0, 0, 2000]],
    ['at a rate, whatever the gaps', { rate: 10 }, [0, 0, 90_000, 5], [0, 100, 200, 300]],
    ['at less than one a second', { rate: 0.5 }, [0, 1], [0, 2000]],
  ])('%s', async (_, pace, times, expected) => {
    expect(await dueTimes(times, pace)).toEqual(expected);
  });

  test.each<[string, Partial<ReplayOptions>, number[]]>([
    ['with the recorded gaps', { speed: 1 }, [0, 3000]],
    ['at a rate', { rate: 10 }, [0, 100]],
  ])('of a run that goes on, %s: the first that is left is due at once', async (_, pace, expected) => {
    const earlier = earlierRun({ state: 'stopped', reached: 3 }, { at_0: 'done', at_2: 'done' });
    expect(await dueTimes([0, 1000, 2000, 4000], { ...pace, earlier })).toEqual(expected);
  });
});

/** Replays to an endpoint without a network, on a clock that nobody waits for. */
async function sendAt(
  times: readonly number[],
  pace: Partial<ReplayOptions>,
  {
    latencyMs = 0,
    reply = (_nth: number) => 200,
    ...changes
  }: Partial<SendOptions> & {
    latencyMs?: number;
    reply?: (nth: number) => number;
  } = {},
) {
  const clock = fakeClock();
  const transport = fakeTransport(clock, (_, nth) => reply(nth), latencyMs);
  const memory = await memoryStore();
  // Its gathering of records waits on the machine's own clock.
  const store = changedStore(memory, { addAttempt: async () => {}, saveReplay: async () => true });
  const options = sendOptions(transport, clock, changes);
  const plan = planReplay(recordedAt(times), replayOptions(store, { ...pace, now: clock.now }));
  await clock.run(sendAll(plan, options));
  return { sent: transport.sent.map(({ at }) => at), attempts: options.attempts, most: transport.most() };
}

describe('what is sent when', () => {
  test('the recorded gaps are kept, however slow the answers', async () => {
    const { sent } = await sendAt([0, 1000, 1500, 60_000], { speed: 1 }, { latencyMs: 5000 });
    expect(sent).toEqual([0, 1000, 1500, 60_000]);
  });

  test('and at ten times the speed', async () => {
    expect((await sendAt([0, 1000, 1500, 60_000], { speed: 10 })).sent).toEqual([0, 100, 150, 6000]);
  });

  test('rows that are not in order of time are sent at once when their turn comes', async () => {
    const { sent, attempts } = await sendAt([0, 5000, 2000, 6000], { speed: 1 });
    expect(sent).toEqual([0, 5000, 5000, 6000]);
    expect(attempts.map(({ replayOf }) => replayOf)).toEqual(['at_0', 'at_1', 'at_2', 'at_3']);
  });

  test('a rate is an open loop', async () => {
    const { sent } = await sendAt([0, 0, 0, 0, 0], { rate: 4 }, { latencyMs: 60_000 });
    expect(sent).toEqual([0, 250, 500, 750, 1000]);
  });

  test('what is held up still counts from when it was due', async () => {
    const { attempts } = await sendAt([0, 100, 200], { speed: 1 }, { latencyMs: 1000, concurrency: 1 });
    expect(attempts.map(({ dueAt, sentAt }) => [dueAt - START, sentAt - START])).toEqual([
      [0, 0],
      [100, 1000],
      [200, 2000],
    ]);
  });

  test('without a pace the next is sent as soon as one is answered; it is due just then', async () => {
    const { sent, most, attempts } = await sendAt(Array(6).fill(0), {}, { latencyMs: 100, concurrency: 2 });
    expect([sent, most]).toEqual([[0, 0, 100, 100, 200, 200], 2]);
    expect(attempts.every(({ dueAt, sentAt }) => dueAt === sentAt)).toBe(true);
  });

  test.each([1, 5, 50])('never more than %i at once, retries included', async (concurrency) => {
    const { most, sent } = await sendAt(
      Array(200).fill(0),
      { rate: 10_000 },
      { latencyMs: 70, concurrency, reply: (nth) => (nth <= 200 ? 503 : 200) },
    );
    expect([most, sent.length]).toEqual([concurrency, 400]);
  });

  test('retries come when they are due, in between', async () => {
    const { sent } = await sendAt([0, 4000], { speed: 1 }, { reply: (nth) => (nth === 1 ? 503 : 200) });
    expect(sent).toEqual([0, 1000, 4000]);
  });
});

test('the attempts of a run that goes on are counted on from where they were', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => 503);
  const store = changedStore(await memoryStore(), {
    addAttempt: async () => {},
    saveReplay: async () => true,
  });
  const earlier = earlierRun({ state: 'stopped', reached: 2 }, { at_0: 2 });
  const plan = planReplay(recordedOnes(2), replayOptions(store, { earlier, now: clock.now }));
  await clock.run(sendAll(plan, sendOptions(transport, clock)));
  const of = (id: string) => transport.sent.filter(({ eventId }) => eventId === id);
  expect(of('ev_0').map(({ attempt, at }) => [attempt, at])).toEqual([
    [3, 0],
    [4, 25_000],
  ]);
  expect(of('ev_1').map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
});
