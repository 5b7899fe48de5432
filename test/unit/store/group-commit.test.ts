import { setImmediate as turn } from 'node:timers/promises';
import { expect, onTestFinished, test, vi } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import { GroupCommit, type GroupCommitOptions } from '../../../src/store/group-commit.ts';

/** A queue whose commits are seen, and fail as long as `failing` says so. */
function queueOf(options: Partial<GroupCommitOptions> = {}) {
  const batches: number[][] = [];
  const state = { failing: null as Error | null, tries: 0 };
  const queue = new GroupCommit<number>(
    (jobs) => {
      state.tries += 1;
      if (state.failing !== null) throw state.failing;
      batches.push(jobs);
      return jobs.map((job) => job * 10);
    },
    {
      batch: 4,
      gather: { batch: 4, ms: 60_000 },
      limit: 10,
      limitBytes: 1000,
      patienceMs: 60_000,
      ...options,
    },
  );
  return { queue, batches, state };
}

const busy = () => new StoreError('locked', 'busy');
const addMany = (queue: GroupCommit<number>, count: number, from = 1) =>
  Promise.allSettled(Array.from({ length: count }, (_, i) => queue.add<number>(from + i)));

/** How each ended: its result, or the reason of its refusal. */
function ends(settled: PromiseSettledResult<number>[]) {
  return settled.map((one) => (one.status === 'fulfilled' ? one.value : (one.reason as StoreError).reason));
}

/** Resolves when the commit has been tried so often. */
async function tried(state: { tries: number }, times: number): Promise<void> {
  while (state.tries < times) await turn();
}

test('what is added in one turn is committed together, and each gets its own result', async () => {
  const { queue, batches } = queueOf();
  expect(ends(await addMany(queue, 3))).toEqual([10, 20, 30]);
  expect(batches).toEqual([[1, 2, 3]]);
});

test('a batch that is full is committed at once, the rest at the end of the turn', async () => {
  const { queue, batches } = queueOf();
  const adding = addMany(queue, 9);
  expect(batches).toEqual([
    [1, 2, 3, 4],
    [5, 6, 7, 8],
  ]);
  expect(ends(await adding)).toEqual([10, 20, 30, 40, 50, 60, 70, 80, 90]);
  expect(batches.at(-1)).toEqual([9]);
});

test('what is in no hurry gathers until a batch is full, somebody is in a hurry, or the time is up', async () => {
  const { queue, batches } = queueOf();
  const patient = [queue.add(1, 0, 'patient'), queue.add(2, 0, 'patient')];
  await turn();
  await turn();
  expect(batches).toEqual([]);
  const hurried = queue.add(3);
  await Promise.all([...patient, hurried]);
  expect(batches).toEqual([[1, 2, 3]]);
  await Promise.all([4, 5, 6, 7].map((job) => queue.add(job, 0, 'patient')));
  expect(batches.at(-1)).toEqual([4, 5, 6, 7]);

  const brief = queueOf({ gather: { batch: 4, ms: 1 } });
  expect(await Promise.all([brief.queue.add(1, 0, 'patient'), brief.queue.add(2, 0, 'patient')])).toEqual([
    10, 20,
  ]);
  expect(brief.batches).toEqual([[1, 2]]);
});

test('a queue that is drained waits for nobody', async () => {
  const { queue, batches } = queueOf();
  queue.add(1, 0, 'patient');
  await queue.drained();
  expect(batches).toEqual([[1]]);
});

test('nothing is acknowledged before its commit', async () => {
  const { queue, batches } = queueOf();
  let acknowledged = false;
  const adding = queue.add(1).then(() => {
    acknowledged = true;
    expect(batches).toEqual([[1]]);
  });
  await Promise.resolve();
  expect(acknowledged).toBe(false);
  await adding;
});

test('a failed commit refuses its own batch and no other', async () => {
  const { queue, batches, state } = queueOf();
  state.failing = new StoreError('disk full', 'full');
  const failed = addMany(queue, 4);
  state.failing = null;
  expect(ends(await addMany(queue, 2, 5))).toEqual([50, 60]);
  expect(ends(await failed)).toEqual(['full', 'full', 'full', 'full']);
  expect(batches).toEqual([[5, 6]]);
});

test('E6 under a lock the event loop goes on, and what waits is committed once, in order, when it is freed', async () => {
  const { queue, batches, state } = queueOf();
  state.failing = busy();
  const adding = addMany(queue, 6);
  await tried(state, 3);
  const later = addMany(queue, 2, 7);
  state.failing = null;
  expect(ends(await adding)).toEqual([10, 20, 30, 40, 50, 60]);
  expect(ends(await later)).toEqual([70, 80]);
  expect(batches.flat()).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
});

test('C8 under a lock the queue grows to its limit, then refuses as full', async () => {
  const { queue, state } = queueOf();
  state.failing = busy();
  const waiting = addMany(queue, 10);
  await tried(state, 2);
  expect(ends(await addMany(queue, 2))).toEqual(['full', 'full']);
  state.failing = null;
  expect(ends(await waiting)).toHaveLength(10);
  expect(ends(await addMany(queue, 1))).toEqual([10]);
});

test('C8 the refusal of a full queue says what waits in it', async () => {
  const { queue } = queueOf({ limit: 0 });
  await expect(queue.add(1)).rejects.toThrow("The store's queue is full (0 writes, 0 MiB): the disk is slow");
});

test('G10 the queue is bounded in bytes, too; what has ended takes no more room', async () => {
  const { queue, state } = queueOf();
  const addLarge = (count: number) =>
    Promise.allSettled(Array.from({ length: count }, (_, i) => queue.add<number>(i, 300)));
  state.failing = busy();
  const waiting = addLarge(4);
  await tried(state, 2);
  // Three are in; a small one still fits.
  const small = queue.add<number>(7, 100);
  expect(ends(await addLarge(1))).toEqual(['full']);
  state.failing = null;
  expect(ends(await waiting)).toEqual([0, 10, 20, 'full']);
  expect(await small).toBe(70);
  state.failing = new StoreError('gone', 'unavailable');
  expect(ends(await addLarge(3))).toEqual(['unavailable', 'unavailable', 'unavailable']);
  state.failing = null;
  expect(ends(await addLarge(3))).toEqual([0, 10, 20]);
});

test('G10 a job that is larger than all the room is let in alone', async () => {
  const { queue } = queueOf();
  expect(ends(await Promise.allSettled([queue.add<number>(1, 5000), queue.add<number>(2, 1)]))).toEqual([
    10,
    'full',
  ]);
});

test('G10 what can be done without takes a quarter of the queue, and none of what the others need', async () => {
  const { queue, state } = queueOf({ limit: 12 });
  state.failing = busy();
  const spare = Promise.allSettled(Array.from({ length: 5 }, (_, i) => queue.add<number>(i, 10, 'spare')));
  await tried(state, 2);
  const others = addMany(queue, 9, 5);
  await tried(state, state.tries + 1);
  expect(ends(await addMany(queue, 1))).toEqual(['full']);
  state.failing = null;
  expect(ends(await spare)).toEqual([0, 10, 20, 'full', 'full']);
  expect(ends(await others)).toEqual([50, 60, 70, 80, 90, 100, 110, 120, 130]);
  const large = Promise.allSettled([100, 100, 100].map((bytes, i) => queue.add<number>(i, bytes, 'spare')));
  expect(ends(await large)).toEqual([0, 10, 'full']);
});

test('a lock that outlasts the patience refuses all that waits after a single try more', async () => {
  const { queue, state } = queueOf({ patienceMs: 0 });
  state.failing = busy();
  expect(ends(await addMany(queue, 3))).toEqual(['busy', 'busy', 'busy']);
  expect(state.tries).toBe(1);
});

test('those behind a lock do not each wait the patience out, and what comes afterwards has it anew', async () => {
  let now = 0;
  const { mockRestore } = vi.spyOn(performance, 'now').mockImplementation(() => now);
  onTestFinished(mockRestore);
  const { queue, batches, state } = queueOf({ patienceMs: 20 });
  state.failing = busy();
  const adding = addMany(queue, 10);
  await tried(state, 2);
  now = 20;
  expect(new Set(ends(await adding))).toEqual(new Set(['busy']));
  const again = addMany(queue, 2);
  await tried(state, state.tries + 2);
  state.failing = null;
  expect(ends(await again)).toEqual([10, 20]);
  expect(batches).toEqual([[1, 2]]);
});

test('drained waits for what waits, whether it ends well or not', async () => {
  const { queue, batches, state } = queueOf();
  await queue.drained();
  state.failing = busy();
  const adding = addMany(queue, 2);
  const drained = queue.drained().then(() => batches.length);
  await tried(state, 2);
  state.failing = null;
  expect(await drained).toBe(1);
  await adding;
  state.failing = new StoreError('gone', 'unavailable');
  const failing = addMany(queue, 1);
  await queue.drained();
  expect(ends(await failing)).toEqual(['unavailable']);
});
