import { expect, test } from 'vitest';
import { backlogBench, bodiesOf } from '../../helpers/backlog-bench.ts';
import { TUNNEL_START } from '../../helpers/tunnel-clock.ts';
import { fakeListener } from '../../helpers/tunnel-listener.ts';

const DAY = 86_400_000;

test.each([
  ['back', -DAY],
  ['forward', DAY],
])('G18 a retry comes when it is due, though the clock is set %s by a day meanwhile', async (_, ms) => {
  const bench = backlogBench();
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.keep('1');
  await bench.answer(laptop, 500);
  bench.clock.set(ms);
  await bench.clock.advance(999);
  expect(laptop.taken).toHaveLength(1);
  await bench.clock.advance(1);
  expect(bodiesOf(laptop)).toEqual(['1', '1']);
});

test.each([
  ['back', -DAY],
  ['forward', DAY],
])(
  'G18 what waits is given up after as long as it is to be kept, though the clock is set %s',
  async (_, ms) => {
    const bench = backlogBench();
    await bench.keep('1');
    bench.clock.set(ms);
    /** As a relay does it every minute. */
    const expire = () => bench.backlog.expire(bench.clock.now() - DAY);
    await bench.clock.advance(DAY);
    expect(expire()).toBe(0);
    await bench.clock.advance(1);
    expect(expire()).toBe(1);
  },
);

test('G18 a relay that starts after the clock was set back tries at once what it would else try in a day', async () => {
  const { store, disk, clock } = backlogBench();
  await store.keep('c', TUNNEL_START, [Buffer.from('\0\x001')]);
  await store.postpone(1, 3, TUNNEL_START + 25_000);
  clock.set(-DAY);
  const bench = backlogBench({ disk, clock });
  const laptop = fakeListener();
  await bench.handTo(laptop);
  await bench.restart();
  await clock.advance(29_999);
  expect(laptop.taken).toEqual([]);
  await clock.advance(1);
  expect(laptop.taken).toHaveLength(1);
  // How old it is cannot be known any more, only that it is no older than this run.
  expect(bench.backlog.expire(clock.now() - 30_000)).toBe(0);
});
