import { expect, test } from 'vitest';
import { Lane } from '../../../src/tunnel/lane.ts';
import type { ListenerAnswer } from '../../../src/tunnel/tunnel-options.ts';
import { tunnelClock } from '../../helpers/tunnel-clock.ts';

const answer = (status: number, headers: string[] = []): ListenerAnswer => ({ status, headers, body: '' });
const OK = answer(200);
const unavailable = (status: number): ListenerAnswer => ({ ...answer(status), unavailable: true });
const PATIENCE = unavailable(503);

/** A lane whose work is answered by hand, and all that happens in it, in order. */
function laneOf() {
  const clock = tunnelClock();
  const seen: string[] = [];
  const stuck: (number | null)[] = [];
  const lane = new Lane(clock, (told) => stuck.push(told?.status ?? null));
  const working: ((answer: ListenerAnswer) => void)[] = [];
  const add = (name: string) =>
    lane.add(
      () => {
        seen.push(`${clock.elapsed()} ${name}`);
        return new Promise<ListenerAnswer>((resolve) => working.push(resolve));
      },
      ({ status }) => seen.push(`${clock.elapsed()} ${name} ${status}`),
    );
  /** Answers the work that was begun first. */
  const reply = async (what: ListenerAnswer) => {
    const resolve = working.shift();
    if (resolve === undefined) throw new Error('Nothing is under way.');
    resolve(what);
    await clock.settle();
  };
  return { clock, lane, seen, stuck, working, add, reply };
}

test('one delivery at a time, in the order they came, also those that come meanwhile', async () => {
  const { add, reply, seen, working } = laneOf();
  for (const name of ['a', 'b', 'c']) add(name);
  expect(working).toHaveLength(1);
  await reply(OK);
  add('d');
  for (const status of [500, 404, 200]) {
    expect(working).toHaveLength(1);
    await reply(answer(status));
  }
  add('e');
  await reply(OK);
  const expected = ['a', 'a 200', 'b', 'b 500', 'c', 'c 404', 'd', 'd 200', 'e', 'e 200'];
  expect(seen).toEqual(expected.map((what) => `0 ${what}`));
});

test('where something is unavailable it is insisted on, with pauses that grow from 1 s to 30 s, and no other goes before', async () => {
  const { clock, add, reply, seen } = laneOf();
  add('a');
  add('b');
  const pauses: number[] = [];
  for (let i = 0; i < 7; i++) {
    await reply(PATIENCE);
    pauses.push(...clock.waits());
    await clock.advance(clock.waits()[0] as number);
  }
  expect(pauses).toEqual([1000, 2000, 4000, 8000, 16_000, 30_000, 30_000]);
  expect(seen.every((what) => what.endsWith(' a'))).toBe(true);
  await reply(OK);
  expect(seen.slice(-2)).toEqual([`${clock.elapsed()} a 200`, `${clock.elapsed()} b`]);
  // The next one's pauses begin anew.
  await reply(PATIENCE);
  expect(clock.waits()).toEqual([1000]);
});

test.each([
  ['a 404', answer(404)],
  ["the app's own 503", answer(503)],
  ["the app's own 503 with Retry-After", answer(503, ['Retry-After', '1'])],
  ["the app's own 429 with Retry-After", answer(429, ['Retry-After', '1'])],
])('%s is an answer like any other, and nobody is told of being stuck', async (_, given) => {
  const { clock, add, reply, seen, stuck } = laneOf();
  add('a');
  await reply(given);
  expect(seen).toEqual(['0 a', `0 a ${given.status}`]);
  expect([stuck, clock.waits()]).toEqual([[], []]);
});

test('onStuck is told of each answer that something was unavailable, and once of null as it goes on', async () => {
  const { clock, add, reply, stuck } = laneOf();
  add('a');
  add('b');
  await reply(PATIENCE);
  await clock.advance(1000);
  await reply(unavailable(504));
  expect(stuck).toEqual([503, 504]);
  await clock.advance(2000);
  await reply(answer(500));
  expect(stuck).toEqual([503, 504, null]);
  await reply(OK);
  expect(stuck).toEqual([503, 504, null]);
});

test('clear() forgets what has not been begun, and the lane takes new ones', async () => {
  const { lane, add, reply, seen } = laneOf();
  for (const name of ['a', 'b', 'c']) add(name);
  lane.clear();
  add('d');
  await reply(OK);
  await reply(OK);
  expect(seen.filter((what) => /[bc]/.test(what))).toEqual([]);
  expect(seen.slice(-2)).toEqual(['0 d', '0 d 200']);
});

test('F11 clear() ends a pause at once: the stuck one is tried no more and answers nobody, and those after it go on', async () => {
  const { clock, lane, add, reply, seen, stuck } = laneOf();
  add('a');
  add('b');
  await reply(PATIENCE);
  lane.clear();
  await clock.settle();
  expect(clock.waits()).toEqual([]);
  await clock.advance(60_000);
  expect(seen).toEqual(['0 a']);
  add('c');
  await reply(OK);
  expect(seen).toEqual(['0 a', '60000 c', '60000 c 200']);
  // Somebody was told that it is stuck, so somebody is told that it goes on.
  expect(stuck).toEqual([503, null]);
});

test('clear() has what is under way tried no more, though something was unavailable', async () => {
  const { clock, lane, add, reply, seen } = laneOf();
  add('a');
  lane.clear();
  await reply(PATIENCE);
  expect(clock.waits()).toEqual([]);
  await clock.advance(60_000);
  expect(seen).toEqual(['0 a']);
});
