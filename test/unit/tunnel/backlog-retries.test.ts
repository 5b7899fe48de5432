import { expect, test } from 'vitest';
import { backlogBench, bodiesOf } from '../../helpers/backlog-bench.ts';
import { fakeListener } from '../../helpers/tunnel-listener.ts';

test.each([
  ['least', 0, [800, 4000, 20_000]],
  ['middle', 0.5, [1000, 5000, 25_000]],
  ['most', 1, [1200, 6000, 30_000]],
])(
  'what is refused is tried again after 1 s, 5 s and 25 s ±20 %%: the %s of it',
  async (_, random, pauses) => {
    const bench = backlogBench({ random });
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1');
    for (const [i, pause] of pauses.entries()) {
      await bench.answer(laptop, 500);
      expect(bench.clock.waits()).toEqual([pause]);
      // A relay that ends just now knows of it afterwards.
      expect(await bench.store.waiting()).toMatchObject([
        { attempts: i + 1, dueAt: bench.clock.now() + pause },
      ]);
      await bench.clock.advance(pause - 1);
      expect(laptop.taken).toHaveLength(i + 1);
      await bench.clock.advance(1);
      expect(laptop.taken).toHaveLength(i + 2);
    }
  },
);

test('F10 what is refused four times is given up, told of, and gone from the disk', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1');
  for (const status of [500, 302, 404, 503]) {
    await bench.answer(laptop, status);
    await bench.clock.advance(30_000);
  }
  expect(bench.results).toEqual(['retried 500', 'retried 302', 'retried 404', 'failed 503']);
  expect([laptop.taken.length, bench.backlog.count, bench.backlog.bytes]).toEqual([4, 0, 0]);
  expect([bench.onDisk(), bench.clock.waits()]).toEqual([[], []]);
});

test.each([
  [503, '10', 10_000],
  [429, '3600', 60_000],
  [503, '0', 1000],
  [503, 'soon', 1000],
  [500, '10', 1000],
])(
  "the app's own Retry-After counts as it does for the platform: %i with %s waits %i ms",
  async (status, value, pause) => {
    const bench = backlogBench();
    const laptop = fakeListener();
    await bench.handTo(laptop);
    await bench.keep('1');
    await bench.answer(laptop, status, undefined, ['retry-after', value]);
    expect(bench.clock.waits()).toEqual([pause]);
  },
);

test('410 Gone is the last word at once', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1');
  await bench.answer(laptop, 410);
  expect([bench.results, bench.onDisk(), bench.clock.waits()]).toEqual([['failed 410'], [], []]);
});

test('others pass what waits to be tried again', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1', '2');
  await bench.answer(laptop, 500);
  await bench.keep('3');
  expect(bodiesOf(laptop)).toEqual(['1', '2', '3']);
  await bench.clock.advance(500);
  await bench.answer(laptop, 500);
  await bench.clock.advance(500);
  expect(bodiesOf(laptop)).toEqual(['1', '2', '3', '1']);
  await bench.clock.advance(500);
  expect(bodiesOf(laptop)).toEqual(['1', '2', '3', '1', '2']);
  expect([bench.backlog.count, bench.onDisk()]).toEqual([3, [1, 2, 3]]);
});

test('each is tried again at its own time, whichever was refused first', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1', '2');
  await bench.answer(laptop, 500, 0);
  await bench.clock.advance(1000);
  // The first one's next pause is 5 s, the second one's only 1 s.
  await bench.answer(laptop, 500, 2);
  await bench.clock.advance(500);
  await bench.answer(laptop, 500, 1);
  await bench.clock.advance(1000);
  expect(bodiesOf(laptop)).toEqual(['1', '2', '1', '2']);
  await bench.clock.advance(3500);
  expect(bodiesOf(laptop)).toEqual(['1', '2', '1', '2', '1']);
});

test('what falls due while nobody listens waits for the one that comes', async () => {
  const bench = backlogBench();
  const [laptop, next] = [fakeListener(), fakeListener()];
  await bench.handTo(laptop);
  await bench.keep('1');
  await bench.answer(laptop, 500);
  await bench.handTo(null);
  await bench.lose(laptop);
  await bench.clock.advance(600_000);
  expect([bench.backlog.count, bench.onDisk()]).toEqual([1, [1]]);
  await bench.handTo(next);
  expect(bodiesOf(next)).toEqual(['1']);
});

test('a listener that is lost while some wait to be tried again costs none of them an attempt', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1');
  for (const at of [0, 1, 2]) {
    await bench.answer(laptop, 500, at);
    await bench.clock.advance(30_000);
  }
  await bench.handTo(null);
  await bench.lose(laptop);
  const next = fakeListener();
  await bench.handTo(next);
  await bench.answer(next, 200);
  expect(bench.results).toEqual(['retried 500', 'retried 500', 'retried 500', 'delivered 200']);
});

test('a store that fails is told of, and asked again: nothing is lost', async () => {
  const bench = backlogBench();
  await bench.keep('1', '2');
  const laptop = fakeListener();
  const broken = new Error('disk full');
  bench.store.failing = broken;
  await bench.handTo(laptop);
  expect([bench.failures, laptop.taken]).toEqual([[broken], []]);
  bench.store.failing = null;
  await bench.clock.advance(1000);
  expect(bodiesOf(laptop)).toEqual(['1', '2']);
  // An answer that cannot be written down is no reason to hand it on once more, while this relay runs.
  bench.store.failing = broken;
  await bench.answer(laptop, 200);
  await bench.answer(laptop, 500);
  expect([bench.failures.length, bench.backlog.count]).toEqual([3, 1]);
  await bench.clock.advance(900);
  bench.store.failing = null;
  await bench.clock.advance(100);
  expect(bodiesOf(laptop)).toEqual(['1', '2', '2']);
});

test('an answer that comes once it has ended is written down, and has nobody wait', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1', '2');
  bench.backlog.stop();
  await bench.answer(laptop, 200);
  await bench.answer(laptop, 500);
  expect(await bench.store.waiting()).toMatchObject([{ seq: 2, attempts: 1 }]);
  expect(bench.clock.waits()).toEqual([]);
});

test('one that has ended hands on nothing, and waits for nothing', async () => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1', '2');
  await bench.answer(laptop, 500);
  bench.backlog.stop();
  expect(bench.clock.waits()).toEqual([]);
  await bench.clock.advance(60_000);
  await bench.keep('3');
  expect(bodiesOf(laptop)).toEqual(['1', '2']);
});
