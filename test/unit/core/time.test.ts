import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import {
  formatDuration,
  formatTimestamp,
  MAX_TIMER_MS,
  parseDuration,
  parseMoment,
  parseTimestamp,
} from '../../../src/core/time.ts';

const NOW = Date.parse('2025-07-21T12:45:00Z');

describe('parseDuration', () => {
  test.each([
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1.5s', 1500],
    [' 1s ', 1000],
    ['0s', 0],
    ['24d', 2_073_600_000],
  ])('%s', (text, ms) => {
    expect(parseDuration(text)).toBe(ms);
  });

  test.each(['', '30', 's', '-1s', '1 s', '1e3s', '1S', '1w', '.5s', '1,5s', 'Infinity', '1s2s', 'NaNs'])(
    '%j is refused, naming the flag, the value and what is allowed',
    (text) => {
      expect(() => parseDuration(text, '--timeout')).toThrow(UsageError);
      expect(() => parseDuration(text, '--timeout')).toThrow(`--timeout: '${text}' is not a duration. Write`);
    },
  );

  test.each(['25d', '1000h', `${'9'.repeat(400)}s`])('%.8s is longer than a timer can wait', (text) => {
    expect(() => parseDuration(text)).toThrow(/too long; the limit is 24d/);
  });

  test('property: what is taken fits a timer', () => {
    fc.assert(
      fc.property(fc.nat(), fc.constantFrom('ms', 's', 'm', 'h', 'd'), (count, unit) => {
        let ms: number;
        try {
          ms = parseDuration(`${count}${unit}`);
        } catch (error) {
          expect(error).toBeInstanceOf(UsageError);
          return;
        }
        expect(ms).toBeGreaterThanOrEqual(0);
        expect(ms).toBeLessThanOrEqual(MAX_TIMER_MS);
      }),
    );
  });
});

describe('parseTimestamp', () => {
  test.each([
    ['2025-07-21T12:45:00Z', NOW],
    ['2025-07-21t12:45:00z', NOW],
    ['2025-07-21 12:45:00Z', NOW],
    ['2025-07-21T12:45:00.5Z', NOW + 500],
    ['2025-07-21T12:45:00.123456789Z', NOW + 123],
    ['2025-07-21T18:15:00+05:30', NOW],
    ['2025-07-21T07:45:00-05:00', NOW],
    ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
    ['2025-10-26T01:30:00+01:00', Date.UTC(2025, 9, 26, 0, 30)],
    ['2025-12-31T23:59:59Z', Date.UTC(2025, 11, 31, 23, 59, 59)],
  ])('%s', (text, ms) => {
    expect(parseTimestamp(text)).toBe(ms);
  });

  test.each([
    ['month 13', '2025-13-01T00:00:00Z'],
    ['month 0', '2025-00-01T00:00:00Z'],
    ['day 32', '2025-01-32T00:00:00Z'],
    ['day 0', '2025-01-00T00:00:00Z'],
    ['30 February', '2025-02-30T00:00:00Z'],
    ['29 February of a common year', '2025-02-29T00:00:00Z'],
    ['31 April with a blank', '2025-04-31 00:00:00Z'],
    ['hour 24', '2025-07-21T24:00:00Z'],
    ['hour 25', '2025-07-21T25:00:00Z'],
    ['minute 60', '2025-07-21T12:60:00Z'],
    ['a leap second, which the epoch has not', '2016-12-31T23:59:60Z'],
    ['no offset', '2025-07-21T12:45:00'],
    ['no time', '2025-07-21'],
    ['an offset of 99 h', '2025-07-21T12:45:00+99:99'],
    ['no colon in the offset', '2025-07-21T12:45:00+0530'],
    ['month and day alone', '2025-13-40'],
    ['the RFC 1123 form', 'Mon, 21 Jul 2025 12:45:00 GMT'],
    ['white space', ' 2025-07-21T12:45:00Z'],
    ['a line break', '2025-07-21T12:45:00Z\n'],
    ['too long', `2025-07-21T12:45:00.${'0'.repeat(40)}Z`],
    ['epoch seconds', '1753101900'],
    ['a number', 1_753_101_900],
    ['null', null],
    ['undefined', undefined],
    ['an object', { toString: () => '2025-07-21T12:45:00Z' }],
  ])('%s is none', (_, text) => {
    expect(parseTimestamp(text)).toBeNull();
  });

  test('property: what formatTimestamp writes is read back', () => {
    const date = fc.date({
      min: new Date('0001-01-01T00:00:00Z'),
      max: new Date('9999-12-31T23:59:59.999Z'),
      noInvalidDate: true,
    });
    fc.assert(
      fc.property(date, (at) => {
        expect(parseTimestamp(formatTimestamp(at.getTime()))).toBe(at.getTime());
      }),
    );
  });

  test('property: anything else is a number or null, never NaN and never an exception', () => {
    const near = fc.stringMatching(
      /^[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}:[0-9]{2}(Z|[+-][0-9]{2}:[0-9]{2})$/,
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), near), (value) => {
        const ms = parseTimestamp(value);
        expect(ms === null || Number.isFinite(ms)).toBe(true);
      }),
    );
  });
});

describe('parseMoment', () => {
  test.each([
    ['2h', NOW - 7_200_000],
    [' 30m ', NOW - 1_800_000],
    ['2025-07-21T12:00:00Z', NOW - 2_700_000],
    ['2025-07-21', Date.UTC(2025, 6, 21)],
    // Longer than a timer could wait.
    ['90d', NOW - 90 * 86_400_000],
  ])('%s', (text, ms) => {
    expect(parseMoment(text, NOW, '--since')).toBe(ms);
  });

  test('longer ago than dates go is refused', () => {
    expect(() => parseMoment('36501d', NOW, '--since')).toThrow("'36501d' is too long; the limit is 36500d");
  });

  test.each(['', 'yesterday', '2025-13-40', '2025-02-30', '2025-7-1', '1753101900', '2h ago'])(
    '%j is refused',
    (text) => {
      expect(() => parseMoment(text, NOW, '--since')).toThrow(UsageError);
      expect(() => parseMoment(text, NOW, '--since')).toThrow(`--since: '${text}' is not a time. Write`);
    },
  );
});

test.each([
  [0, '0 ms'],
  [0.44, '0.4 ms'],
  [9.96, '10 ms'],
  [23.4, '23 ms'],
  [999.4, '999 ms'],
  [999.6, '1.0 s'],
  [1200, '1.2 s'],
  [59_940, '59.9 s'],
  [59_999, '1 min 0 s'],
  [119_999, '2 min 0 s'],
  [125_000, '2 min 5 s'],
  [3_599_999, '1.0 h'],
  [5_400_000, '1.5 h'],
  [-125_000, '-2 min 5 s'],
  [-40, '-40 ms'],
])('formatDuration(%d) is %s', (ms, text) => {
  expect(formatDuration(ms)).toBe(text);
});
