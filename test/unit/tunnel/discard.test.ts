import { expect, test } from 'vitest';
import { discard } from '../../../src/tunnel/discard.ts';

const fresh = (size: number) => Buffer.from(new ArrayBuffer(size)).fill(7);

test('gives back the memory of large pieces, and their bytes with it', () => {
  const pieces = [fresh(65_536), fresh(8192)];
  discard(pieces);
  expect(pieces.map(({ length }) => length)).toEqual([0, 0]);
});

test('leaves alone what others may still have a part of, and what is small', () => {
  const shared = fresh(200_000);
  const small = fresh(8191);
  discard([shared.subarray(0, 100_000), small, Buffer.from('x'), Buffer.alloc(0)]);
  expect([shared.length, shared[199_999], small.length]).toEqual([200_000, 7, 8191]);
});

test('of the same memory in two pieces', () => {
  const piece = fresh(65_536);
  discard([piece]);
  expect(() => discard([piece])).not.toThrow();
});
