import { expect, test } from 'vitest';
import { Memory } from '../../../src/tunnel/memory.ts';

/** Whether there is room for each of these to come in, and from disk. */
function rooms(memory: Memory, comingIn: number[], fromDisk: number[]): boolean[] {
  return [
    ...comingIn.map((bytes) => memory.fits(bytes)),
    ...fromDisk.map((bytes) => memory.fitsFromDisk(bytes)),
  ];
}

test('G11 there is room up to the bound, and half as much for what can wait on disk', () => {
  const memory = new Memory(100);
  memory.take(40);
  expect(rooms(memory, [60, 61], [10, 11])).toEqual([true, false, true, false]);
  memory.free(30);
  expect([memory.held, ...rooms(memory, [90, 91], [40, 41])]).toEqual([10, true, false, true, false]);
});

test('G11 what is remembered of deliveries on disk counts for what comes in, but does not keep them there', () => {
  const memory = new Memory(1000);
  memory.waiting = 4;
  expect([memory.held, ...rooms(memory, [200, 201], [500])]).toEqual([800, true, false, true]);
});

test('what is larger than the bound leaves the disk while nothing else is in memory', () => {
  const memory = new Memory(100);
  expect(rooms(memory, [], [101])).toEqual([true]);
  memory.take(1);
  expect(rooms(memory, [], [50])).toEqual([false]);
});
