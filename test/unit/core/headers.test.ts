import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { headerValue, isEventId, parseAttempt } from '../../../src/core/headers.ts';

describe('headerValue', () => {
  test.each([
    ['in its own case', ['X-MO-Event-Id', 'ev_1'], 'ev_1'],
    ['in another case', ['x-mo-EVENT-id', 'ev_1'], 'ev_1'],
    ['empty', ['X-MO-Event-Id', ''], ''],
    ['absent', ['X-MO-Event-Idx', 'ev_1', 'Other', 'X-MO-Event-Id'], undefined],
    [
      'A12 twice, joined as Node joins them',
      ['X-MO-Event-Id', 'e1', 'A', 'b', 'x-mo-event-id', 'e2'],
      'e1, e2',
    ],
    ['no headers at all', [], undefined],
  ])('%s', (_, headers, value) => {
    expect(headerValue(headers, 'X-MO-Event-Id')).toBe(value);
  });

  test('a value that looks like a name is not taken for one', () => {
    expect(headerValue(['A', 'X-MO-Event-Id', 'B', 'c'], 'X-MO-Event-Id')).toBeUndefined();
  });

  test('property: finds what was put in, whatever else is there', () => {
    const token = fc.stringMatching(/^[a-z-]{1,12}$/);
    fc.assert(
      fc.property(fc.array(fc.tuple(token, fc.string())), token, (pairs, name) => {
        const values = pairs.filter(([key]) => key === name).map(([, value]) => value);
        const headers = pairs.flatMap(([key, value]) => [key.toUpperCase(), value]);
        expect(headerValue(headers, name)).toBe(values.length === 0 ? undefined : values.join(', '));
      }),
    );
  });
});

describe('A12 an event id is an opaque text of 1 to 256 printable ASCII characters', () => {
  test.each([
    'ev_01J0000000000000000000000A',
    'e1, e2',
    '../../x',
    '__proto__',
    'constructor',
    "'; DROP TABLE receipts; --",
    'x',
    'a'.repeat(256),
  ])('%j is one', (id) => {
    expect(isEventId(id)).toBe(true);
  });

  test.each([
    ['empty', ''],
    ['257 characters', 'a'.repeat(257)],
    ['10 KB', 'a'.repeat(10_240)],
    ['10 KB that make the pattern try again', `a${' '.repeat(10_240)}`],
    ['a newline at the end', 'ev_1\n'],
    ['a line break', 'ev\r\n1'],
    ['NUL', 'ev\0'],
    ['ESC', '\x1b[2J'],
    ['DEL', 'ev\x7f'],
    ['latin1', 'ev_é'],
    ['C1', 'ev\x9b'],
    ['a bidi override', 'ev\u202e'],
    ['white space before', ' ev'],
    ['white space after', 'ev '],
    ['white space alone', ' '],
  ])('%s is none', (_, id) => {
    expect(isEventId(id)).toBe(false);
  });

  test('property: what is taken is printable and bounded, and printable text without outer blanks is taken', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string({ maxLength: 300 }), fc.string({ unit: 'binary' })), (id) => {
        const printable = [...id].every((unit) => unit >= ' ' && unit <= '~');
        expect(isEventId(id)).toBe(printable && id !== '' && id.length <= 256 && id === id.trim());
      }),
      { numRuns: 500 },
    );
  });
});

describe('A17 the attempt number', () => {
  test.each([
    ['1', 1],
    ['4', 4],
    ['1000', 1000],
  ])('%s is taken', (text, attempt) => {
    expect(parseAttempt(text)).toBe(attempt);
  });

  test.each([
    '-1',
    'abc',
    '1e9',
    '2,3',
    '2, 3',
    '0',
    '01',
    '1.0',
    '+1',
    ' 1',
    '1\n',
    '',
    '1001',
    '99999',
    '１',
    'NaN',
  ])('%j is ignored', (text) => {
    expect(parseAttempt(text)).toBeNull();
  });

  test('an absent one is none', () => {
    expect(parseAttempt(undefined)).toBeNull();
  });
});
