import { expect, onTestFinished, test } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import type { Store } from '../../../src/core/store.ts';
import { planReplay } from '../../../src/sender/replay.ts';
import { sendAll } from '../../../src/sender/send.ts';
import { fakeClock } from '../../helpers/fake-clock.ts';
import { fakeTransport, planned as plannedOnes, sendOptions } from '../../helpers/fake-transport.ts';
import {
  changedStore,
  earlierRun,
  memoryStore,
  nthRecorded,
  planned,
  recordedOnes,
  replayOptions,
} from '../../helpers/plan-replay.ts';

const full = () => Promise.reject(new StoreError('The disk is full.', 'full'));

/** Catches what nobody else does, for as long as the test lasts; the runner's own watch is off meanwhile. */
function uncaught(): unknown[] {
  const seen: unknown[] = [];
  const others = process.listeners('unhandledRejection');
  const see = (error: unknown) => seen.push(error);
  process.removeAllListeners('unhandledRejection');
  process.on('unhandledRejection', see);
  onTestFinished(() => {
    process.off('unhandledRejection', see);
    for (const other of others) process.on('unhandledRejection', other);
  });
  return seen;
}

const turns = async () => {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve));
};

/** A store that saves how far a replay has come so many times, and then no more. */
async function failingAfter(saves: number): Promise<Store> {
  const store = await memoryStore();
  let left = saves;
  return changedStore(store, { saveReplay: (state) => (left-- > 0 ? store.saveReplay(state) : full()) });
}

test('a source that fails midway ends the plan with its error', async () => {
  async function* failing() {
    yield nthRecorded(0);
    throw new Error('the file is gone');
  }
  await expect(planned(failing(), replayOptions(await memoryStore()))).rejects.toThrow('the file is gone');
});

test('a store that cannot take the first save ends it before anything is sent', async () => {
  const saveReplay = () => Promise.reject(new StoreError('The disk is full.', 'full'));
  const store = changedStore(await memoryStore(), { saveReplay });
  const plan = planReplay(recordedOnes(3), replayOptions(store))[Symbol.asyncIterator]();
  await expect(plan.next()).rejects.toThrow('The disk is full.');
});

test('a store that fails midway ends it with its error before anything is sent that it knows nothing of', async () => {
  const missed = uncaught();
  const store = await failingAfter(1);
  let count = 0;
  const reading = (async () => {
    for await (const _ of planReplay(recordedOnes(1000), replayOptions(store))) {
      count += 1;
      // As sending would: what fails meanwhile has time to be noticed.
      if (count % 10 === 0) await turns();
    }
  })();
  await expect(reading).rejects.toThrow('The disk is full.');
  expect(count).toBeLessThanOrEqual(257);
  expect(missed).toEqual([]);
});

test('a store that fails at the end ends it with its error, too', async () => {
  const missed = uncaught();
  const store = await failingAfter(1);
  await expect(planned(recordedOnes(200), replayOptions(store))).rejects.toThrow('The disk is full.');
  await turns();
  expect(missed).toEqual([]);
});

test('a store that cannot take what is in the dark ends it with its error', async () => {
  const missed = uncaught();
  const store = changedStore(await memoryStore(), { addAttempt: full });
  const earlier = earlierRun({ state: 'running', reached: 5 });
  const options = replayOptions(store, { earlier });
  await expect(planned(recordedOnes(3), options)).rejects.toThrow('The disk is full.');
  await turns();
  expect(missed).toEqual([]);
});

test('a reader that goes away closes the source', async () => {
  let closed = false;
  async function* source() {
    try {
      for (let n = 0; ; n++) yield nthRecorded(n);
    } finally {
      closed = true;
    }
  }
  for await (const _ of planReplay(source(), replayOptions(await memoryStore()))) break;
  expect(closed).toBe(true);
});

test.each([1, 16])(
  'a delivery that cannot be made or sent ends the run with its error (concurrency %i)',
  async (concurrency) => {
    for (const broken of ['make', 'send']) {
      const clock = fakeClock();
      const transport = fakeTransport(clock, () => 200, 10);
      const fail = () => {
        throw new TypeError(`cannot ${broken}`);
      };
      const plan = plannedOnes(40);
      if (broken === 'make') plan[1] = { afterMs: null, make: fail };
      const send: typeof transport.send = async (request) =>
        broken === 'send' && transport.sent.length === 1 ? fail() : transport.send(request);
      const options = sendOptions({ ...transport, send }, clock, { concurrency });
      await expect(clock.run(sendAll(plan, options))).rejects.toThrow(`cannot ${broken}`);
    }
  },
);
