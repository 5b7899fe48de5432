import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import {
  DEFAULT_SCHEDULE,
  outageHorizon,
  parseBackoff,
  parseRetryAfter,
  type RetrySchedule,
  retryDelay,
  retryHorizon,
} from '../../../src/core/schedule.ts';
import { MAX_TIMER_MS } from '../../../src/core/time.ts';

const NOW = Date.parse('2025-07-21T12:45:00Z');
const MIDDLE = 0.5;
const failed = (status: number | null = 500, retryAfter: string | null = null) => ({
  status,
  retryAfter,
  now: NOW,
});

test('three retries after 1 s, 5 s and 25 s, then none: four requests at most', () => {
  expect([1, 2, 3, 4, 5].map((attempt) => retryDelay(DEFAULT_SCHEDULE, attempt, failed(), MIDDLE))).toEqual([
    1000,
    5000,
    25_000,
    null,
    null,
  ]);
});

test.each([
  [0, 800],
  [0.25, 900],
  [0.5, 1000],
  [0.999999, 1200],
])('jitter: a random %d makes 1 s into %d ms', (random, ms) => {
  expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(), random)).toBe(ms);
});

test.each([null, 301, 302, 307, 308, 400, 401, 404, 408, 422, 500, 502, 504])(
  'every failure is retried: %s',
  (status) => {
    expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(status), MIDDLE)).toBe(1000);
  },
);

test('D5 410 Gone ends the retries at once, whatever Retry-After says', () => {
  expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(410), MIDDLE)).toBeNull();
  expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(410, '2'), MIDDLE)).toBeNull();
});

test('without retries there is no pause', () => {
  expect(retryDelay({ retries: 0, backoffMs: [1000] }, 1, failed(), MIDDLE)).toBeNull();
});

test('the last entry of the list serves for all further retries; an empty list means at once', () => {
  const schedule = { retries: 5, backoffMs: [10, 20] };
  expect([1, 2, 3, 5].map((attempt) => retryDelay(schedule, attempt, failed(), MIDDLE))).toEqual([
    10, 20, 20, 20,
  ]);
  expect(retryDelay({ retries: 1, backoffMs: [] }, 1, failed(), MIDDLE)).toBe(0);
});

describe.each([429, 503])('D4 Retry-After on %d', (status) => {
  test.each([
    ['2', 2000],
    [' 2 ', 2000],
    ['60', 60_000],
    ['61', 60_000],
    ['99999999999', 60_000],
    ['999999999999', 60_000],
    ['Mon, 21 Jul 2025 12:45:10 GMT', 10_000],
    ['Mon, 21 Jul 2031 12:45:10 GMT', 60_000],
  ])('%s is honoured up to 60 s', (value, ms) => {
    expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(status, value), MIDDLE)).toBe(ms);
  });

  test.each([
    ['0', 'never below the scheduled pause'],
    ['1', 'never below the scheduled pause'],
    ['-1', 'garbage'],
    ['1e9', 'garbage'],
    ['1.5', 'garbage'],
    ['+5', 'garbage'],
    ['0x10', 'garbage'],
    ['9'.repeat(400), 'garbage'],
    ['soon', 'garbage'],
    ['', 'garbage'],
    ['2, 5', 'two values'],
    ['2,2', 'two values'],
    ['Infinity', 'garbage'],
    ['Mon, 21 Jul 2025 12:44:50 GMT', 'a past date'],
    ['Thu, 01 Jan 1970 00:00:00 GMT', 'a past date'],
    ['Mon, 99 Foo 2025 12:45:10 GMT', 'no date'],
    ['2025-07-21T12:45:10Z', 'not an HTTP date'],
    ['Mon, 21 Jul 2025 12:45:10 GMT, 5', 'two values'],
  ])('%j changes nothing (%s)', (value) => {
    expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(status, value), MIDDLE)).toBe(1000);
  });

  test('a scheduled pause above 60 s is kept', () => {
    const schedule = { retries: 1, backoffMs: [120_000] };
    expect(retryDelay(schedule, 1, failed(status, '2'), MIDDLE)).toBe(120_000);
    expect(retryDelay(schedule, 1, failed(status, '3600'), MIDDLE)).toBe(120_000);
  });
});

test.each([500, 502, 404, 301, null])('D4 Retry-After on %s is not looked at', (status) => {
  expect(retryDelay(DEFAULT_SCHEDULE, 1, failed(status, '30'), MIDDLE)).toBe(1000);
});

test('parseRetryAfter: seconds, a date, or nothing', () => {
  expect(parseRetryAfter('7', NOW)).toBe(7000);
  expect(parseRetryAfter('Mon, 21 Jul 2025 12:45:00 GMT', NOW)).toBe(0);
  expect(parseRetryAfter('Mon, 21 Jul 2025 12:44:59 GMT', NOW)).toBeNull();
  expect(parseRetryAfter(null, NOW)).toBeNull();
});

test('D4 property: whatever Retry-After says, the pause is between the jittered one and 60 s, and fits a timer', () => {
  const value = fc.option(
    fc.oneof(
      fc.string(),
      fc.integer().map(String),
      fc.bigInt().map(String),
      fc.double().map(String),
      fc.date({ noInvalidDate: true }).map((date) => date.toUTCString()),
      fc.array(fc.nat().map(String), { minLength: 2, maxLength: 3 }).map((list) => list.join(', ')),
    ),
  );
  const backoff = fc.array(fc.integer({ min: 0, max: MAX_TIMER_MS }), { minLength: 1, maxLength: 4 });
  fc.assert(
    fc.property(
      value,
      backoff,
      fc.integer({ min: 1, max: 5 }),
      fc.constantFrom(429, 503),
      fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      (retryAfter, backoffMs, attempt, status, random) => {
        const schedule = { retries: 5, backoffMs };
        const base = backoffMs[Math.min(attempt, backoffMs.length) - 1] as number;
        const delay = retryDelay(schedule, attempt, { status, retryAfter, now: NOW }, random) as number;
        expect(delay).toBeGreaterThanOrEqual(Math.min(MAX_TIMER_MS, Math.round(base * 0.8)));
        expect(delay).toBeLessThanOrEqual(Math.min(MAX_TIMER_MS, Math.max(60_000, Math.round(base * 1.2))));
        const plain = retryDelay(schedule, attempt, { status, retryAfter: null, now: NOW }, random) as number;
        expect(delay).toBeGreaterThanOrEqual(plain);
      },
    ),
    { numRuns: 500 },
  );
});

test('parseBackoff reads a list of durations', () => {
  expect(parseBackoff('1s,5s,25s')).toEqual([1000, 5000, 25_000]);
  expect(parseBackoff('30s, 500ms')).toEqual([30_000, 500]);
});

test.each(['', ',', '1s,', '1s,,2s', '1', 'abc', '1s;2s', '-1s', '25d'])(
  'parseBackoff refuses %j',
  (text) => {
    expect(() => parseBackoff(text)).toThrow(UsageError);
    expect(() => parseBackoff(text)).toThrow(/^--backoff: /);
  },
);

test.each([
  ['the documented schedule', { retries: 3, backoffMs: [1000, 5000, 25_000] }, 24_800, 37_200],
  ['more retries than pauses', { retries: 4, backoffMs: [1000, 10_000] }, 24_800, 37_200],
  ['fewer retries than pauses', { retries: 1, backoffMs: [1000, 5000] }, 800, 1200],
  ['no retries', { retries: 0, backoffMs: [1000] }, 0, 0],
])('the outage horizon of %s', (_, schedule, surely, atMost) => {
  expect(outageHorizon(schedule)).toEqual({ surely, atMost });
});

test('no jitter brings the last attempt before the horizon that is promised', () => {
  const schedule = { retries: 3, backoffMs: [1000, 5000, 25_000] };
  const failed = { status: 500, retryAfter: null, now: 0 };
  const last = (random: number) =>
    [1, 2, 3].reduce((at, attempt) => at + (retryDelay(schedule, attempt, failed, random) ?? 0), 0);
  const { surely, atMost } = outageHorizon(schedule);
  expect([last(0), last(1)]).toEqual([surely, atMost]);
});

test.each([
  ['the documented schedule', { retries: 3, backoffMs: [1000, 5000, 25_000] }, 30_000, 300_000],
  [
    'a pause that jitter makes longer than Retry-After may ask for',
    { retries: 1, backoffMs: [55_000] },
    1000,
    68_000,
  ],
  ['more retries than pauses', { retries: 4, backoffMs: [1000, 100_000] }, 10_000, 470_000],
  ['no retries', { retries: 0, backoffMs: [1000] }, 5000, 5000],
  ['an empty list', { retries: 1, backoffMs: [] }, 5000, 70_000],
])('the retry horizon of %s', (_, schedule, timeoutMs, horizon) => {
  expect(retryHorizon(schedule, timeoutMs)).toBe(horizon);
});

test('property: whatever the endpoint answers, its last attempt ends within the retry horizon, and may end at it', () => {
  const schedules = fc.record({
    retries: fc.integer({ min: 0, max: 6 }),
    backoffMs: fc.array(fc.integer({ min: 0, max: 200_000 }), { maxLength: 4 }),
  });
  const answers = fc.array(
    fc.record({
      status: fc.constantFrom(429, 503, 500, null),
      retryAfter: fc.option(fc.integer({ min: 0, max: 1000 }).map(String)),
      random: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
    }),
    { minLength: 6, maxLength: 6 },
  );
  const lastEnd = (
    schedule: RetrySchedule,
    given: { status: number | null; retryAfter: string | null; random: number }[],
  ) =>
    given.reduce((at, { random, ...answer }, i) => {
      const delay = retryDelay(schedule, i + 1, { ...answer, now: NOW }, random);
      return delay === null ? at : at + delay + 7000;
    }, 7000);
  fc.assert(
    fc.property(schedules, answers, (schedule, given) => {
      const horizon = retryHorizon(schedule, 7000);
      expect(lastEnd(schedule, given)).toBeLessThanOrEqual(horizon);
      const worst = given.map(() => ({ status: 503, retryAfter: '60', random: 1 }));
      expect(lastEnd(schedule, worst)).toBe(horizon);
    }),
  );
});
