import { expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { readShown } from '../../../src/dashboard/shown.ts';
import { AT } from '../../helpers/records.ts';

const read = (value: unknown) => readShown(Buffer.from(JSON.stringify(value)), AT);

test('pairs of a seq and a time are what a page reports', () => {
  expect(read({ shown: [] })).toEqual([]);
  expect(
    read({
      shown: [
        [1, AT],
        [7, AT - 1500],
      ],
      more: 'ignored',
    }),
  ).toEqual([
    { seq: 1, at: AT },
    { seq: 7, at: AT - 1500 },
  ]);
});

test.each([
  ['in the future', AT + 1],
  ['far in the future', Number.MAX_SAFE_INTEGER],
  ['a minute ago', AT - 60_000],
  ['long ago', 1],
])('a clock that says %s is not trusted: the report’s own time counts', (_, at) => {
  expect(read({ shown: [[3, at]] })).toEqual([{ seq: 3, at: AT }]);
});

test('a clock that is less than a minute behind is', () => {
  expect(read({ shown: [[3, AT - 59_999]] })).toEqual([{ seq: 3, at: AT - 59_999 }]);
});

test.each<[string, unknown]>([
  ['null', null],
  ['a list', [[1, AT]]],
  ['a text', 'shown'],
  ['no list in it', { shown: { 0: [1, AT], length: 1 } }],
  ['no pair', { shown: [1, AT] }],
  ['three of them', { shown: [[1, AT, 2]] }],
  ['one of them', { shown: [[1]] }],
  ['a seq of 0', { shown: [[0, AT]] }],
  ['a negative seq', { shown: [[-1, AT]] }],
  ['a fraction', { shown: [[1.5, AT]] }],
  ['a fraction of a ms', { shown: [[1, AT + 0.5]] }],
  ['a text for a seq', { shown: [['1', AT]] }],
  ['a seq beyond all numbers', { shown: [[1e300, AT]] }],
  ['null for a time', { shown: [[1, null]] }],
  ['a time before all time', { shown: [[1, -AT]] }],
  ['one bad among good ones', { shown: [[1, AT], 'x', [2, AT]] }],
])('%s is no report', (_, value) => {
  expect(() => read(value)).toThrow(UsageError);
  expect(() => read(value)).toThrow('not a list of at most 2000 pairs');
});

test.each(['', '{', '{"shown":[[1,NaN]]}', '\u0000', 'shown=1'])('%j is not JSON', (text) => {
  expect(() => readShown(Buffer.from(text), AT)).toThrow(new UsageError('The report is not JSON.'));
});

test('2000 pairs are taken, one more is not', () => {
  const pairs = Array.from({ length: 2001 }, (_, i) => [i + 1, AT]);
  expect(read({ shown: pairs.slice(1) })).toHaveLength(2000);
  expect(() => read({ shown: pairs })).toThrow(UsageError);
});
