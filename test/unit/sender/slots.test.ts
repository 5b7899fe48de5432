import { expect, test } from 'vitest';
import { Slots } from '../../../src/sender/slots.ts';

test('slots are taken at once until none is left', () => {
  const slots = new Slots(2);
  expect([slots.tryTake(), slots.tryTake(), slots.tryTake()]).toEqual([true, true, false]);
  slots.release();
  expect([slots.tryTake(), slots.tryTake()]).toEqual([true, false]);
});

test('those who wait are served in turn, one for each slot that is given back', async () => {
  const slots = new Slots(1);
  const served: string[] = [];
  await slots.take();
  const waiting = ['a', 'b', 'c'].map((name) => slots.take().then(() => served.push(name)));
  for (const expected of [['a'], ['a', 'b'], ['a', 'b', 'c']]) {
    slots.release();
    await new Promise((resolve) => setImmediate(resolve));
    expect(served).toEqual(expected);
  }
  await Promise.all(waiting);
  expect(slots.tryTake()).toBe(false);
});

test('a slot that is handed to one who waits cannot be snatched by one who comes later', async () => {
  const slots = new Slots(1);
  await slots.take();
  const waiting = slots.take();
  slots.release();
  expect(slots.tryTake()).toBe(false);
  await waiting;
  slots.release();
  expect(slots.tryTake()).toBe(true);
});

test('slots are idle once every one has been given back', async () => {
  const slots = new Slots(2);
  await slots.idle();
  await slots.take();
  await slots.take();
  let idle = false;
  const waiting = slots.idle().then(() => {
    idle = true;
  });
  slots.release();
  await Promise.resolve();
  expect(idle).toBe(false);
  slots.release();
  await waiting;
  expect(idle).toBe(true);
});
