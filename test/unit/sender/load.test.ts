import { expect, test } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import type { Attempt } from '../../../src/core/record.ts';
import type { Store } from '../../../src/core/store.ts';
import { sendAll } from '../../../src/sender/send.ts';
import { fakeClock, START } from '../../helpers/fake-clock.ts';
import { fakeTransport, planned, sendOptions } from '../../helpers/fake-transport.ts';

test('D17 1000 events that fail together: the retries spread, and the cap on concurrency holds', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, ({ attempt }) => (attempt === 1 ? 503 : 200), 10);
  let seed = 1;
  const random = () => {
    seed = (seed * 16_807) % 2_147_483_647;
    return seed / 2_147_483_647;
  };
  await clock.run(sendAll(planned(1000, 0), sendOptions(transport, clock, { concurrency: 50, random })));
  expect(transport.most()).toBe(50);
  expect(transport.sent).toHaveLength(2000);
  const pauses = clock.pauses.filter((ms) => ms >= 800);
  expect(pauses).toHaveLength(1000);
  for (const from of [800, 900, 1000, 1100]) {
    expect(pauses.filter((ms) => ms >= from && ms <= from + 100).length).toBeGreaterThan(150);
  }
});

test('a closed loop sends the next as soon as one is answered, never more than the cap at once', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => 200, 100);
  await clock.run(sendAll(planned(10), sendOptions(transport, clock, { concurrency: 4 })));
  expect(transport.most()).toBe(4);
  expect(transport.sent.map(({ at }) => at)).toEqual([0, 0, 0, 0, 100, 100, 100, 100, 200, 200]);
});

test('an open loop sends at its rate, however slow the answers', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => 200, 5000);
  await clock.run(sendAll(planned(5, 100), sendOptions(transport, clock, { concurrency: 100 })));
  expect(transport.sent.map(({ at }) => at)).toEqual([0, 100, 200, 300, 400]);
});

test('an open loop that is held up still counts from when each event was due', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => 200, 1000);
  const options = sendOptions(transport, clock, { concurrency: 1 });
  await clock.run(sendAll(planned(4, 100), options));
  expect(options.attempts.map(({ dueAt, sentAt }) => [dueAt - START, sentAt - START])).toEqual([
    [0, 0],
    [100, 1000],
    [200, 2000],
    [300, 3000],
  ]);
});

test('D17 a backlog of retries at a concurrency of 1 ends', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, ({ attempt }) => (attempt === 1 ? 500 : 200));
  const schedule = { retries: 1, backoffMs: [3_600_000] };
  await clock.run(sendAll(planned(10_050), sendOptions(transport, clock, { concurrency: 1, schedule })));
  expect(transport.sent).toHaveLength(20_100);
  expect(transport.most()).toBe(1);
});

/** A store that keeps attempts, until it has `capacity` of them. */
function memoryStore(capacity = Number.POSITIVE_INFINITY) {
  const kept: { attempt: Attempt; body: Uint8Array | null }[] = [];
  const store: Pick<Store, 'addAttempt'> = {
    async addAttempt(attempt, body) {
      if (kept.length >= capacity) throw new StoreError('The disk is full.', 'full');
      kept.push({ attempt, body });
    },
  };
  return { kept, store: store as Store };
}

test('D18 an attempt is told of only after it has been recorded; the body is kept with the first', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, ({ attempt }) => (attempt < 3 ? 500 : 200));
  const { kept, store } = memoryStore();
  const told: number[] = [];
  const options = sendOptions(transport, clock, {
    store,
    onAttempt: (attempt) => {
      expect(kept.map((record) => record.attempt)).toContain(attempt);
      told.push(attempt.attempt);
    },
  });
  await clock.run(sendAll(planned(1), options));
  expect(told).toEqual([1, 2, 3]);
  expect(kept.map(({ body }) => body !== null)).toEqual([true, false, false]);
  expect(kept[0]?.body).toEqual(transport.sent[0]?.body);
});

test('a store that fails ends the run with its error, without waiting for retries that could not be recorded', async () => {
  const clock = fakeClock();
  const transport = fakeTransport(clock, () => 500, 10);
  const { store } = memoryStore(3);
  const options = sendOptions(transport, clock, { store, concurrency: 2 });
  await expect(clock.run(sendAll(planned(100), options))).rejects.toThrow('The disk is full.');
  expect(transport.sent.length).toBeLessThanOrEqual(6);
  expect(clock.elapsed()).toBeLessThan(800);
});
