import { describe, expect, test } from 'vitest';
import { parseSendThresholds, type RunTotals, unmetThresholds } from '../../../src/cli/thresholds.ts';
import { UsageError } from '../../../src/core/errors.ts';
import { Histogram } from '../../../src/core/histogram.ts';

/** 100 deliveries of 1 to 100 ms, one attempt failed and one event lost. */
function totals(changes: Partial<RunTotals> = {}): RunTotals {
  const latency = new Histogram();
  for (let ms = 1; ms <= 100; ms++) latency.record(ms);
  return { sent: 101, delivered: 100, failed: 1, attempts: 104, successes: 100, latency, ...changes };
}

const unmet = (text: string, run = totals()) => unmetThresholds(parseSendThresholds([text], totals()), run);

test.each([
  ['p(95)<96ms', true],
  ['p(95)<95ms', false],
  ['p(95)<=95ms', true],
  ['p95<=95ms', true],
  ['p(99.9)<=100ms', true],
  ['p(99)<=98ms', false],
  ['p(7)<=7ms', true],
  ['p(0)<=1ms', true],
  ['p(100)<=100ms', true],
  ['med<=50ms', true],
  ['med<50ms', false],
  ['med>=50ms', true],
  ['med>50ms', false],
  ['p(95)<96', true],
  ['p(95)<95', false],
  ['avg<=50.5ms', true],
  ['avg<50.5', false],
  ['min>=1', true],
  ['latency:p(95)<96ms', true],
  ['latency:count==100', true],
  ['latency:count!=100', false],
  ['failed:count<1', false],
  ['failed<2', true],
  ['attempts===104', true],
  ['success_rate:rate>0.9', true],
  ['max<0.1s', false],
  ['max<=0.1s', true],
  [' max < 5s ', true],
  ['delivery_rate>=99%', true],
  ['delivery_rate>=0.999', false],
  ['delivery_rate<100%', true],
  ['success_rate>=96%', true],
  ['success_rate>=97%', false],
])('%s: met is %s', (text, met) => {
  expect(unmet(text).length === 0).toBe(met);
});

test('a miss says what it was', () => {
  expect(unmet('p(95)<80ms')).toEqual(["the threshold 'p(95)<80ms' is missed: it was 95 ms"]);
  expect(unmet('delivery_rate>=100%')).toEqual([
    "the threshold 'delivery_rate>=100%' is missed: it was 99 %",
  ]);
});

test('a miss is never rounded up to the threshold', () => {
  const run = totals({ sent: 1_000_000, delivered: 999_999 });
  expect(unmet('delivery_rate>=100%', run)).toEqual([expect.stringMatching(/it was 99\.99 %$/)]);
});

test('999 of 1,000 meets 99.9 %', () => {
  expect(unmet('delivery_rate>=99.9%', totals({ sent: 1000, delivered: 999 }))).toEqual([]);
});

test('E15 without data no threshold is met, of either sense', () => {
  const nothing = totals({ sent: 0, delivered: 0, attempts: 0, successes: 0, latency: new Histogram() });
  for (const text of ['p(95)<1s', 'med>0ms', 'max<1s', 'success_rate>=0%', 'delivery_rate<=100%'])
    expect(unmet(text, nothing)).toEqual([expect.stringMatching(/has no data/)]);
});

test('all are judged, in their order', () => {
  const lines = unmetThresholds(parseSendThresholds(['max<1ms', 'med<1s', 'p(95)<1ms'], totals()), totals());
  expect(lines.map((line) => /'(.*)'/.exec(line)?.[1])).toEqual(['max<1ms', 'p(95)<1ms']);
});

describe('refused', () => {
  test.each([
    ['', 'is not a threshold'],
    ['p(95)', 'is not a threshold'],
    ['p(95)=1s', 'is not a threshold'],
    ['p(x)<1s', 'is not a threshold'],
    ['p(-1)<1s', 'is not a threshold'],
    ['rate<1s', 'is not a threshold'],
    ['success_rate:med>=1', 'is not a threshold'],
    ['latncy:max<1s', "'latncy' is not a metric. Did you mean 'latency'?"],
    ['failed:count<1s', 'needs a whole number'],
    ['webhook_latency_median<5s', 'is not a threshold'],
    ['max<99%', "'99%' is not a duration"],
    ['success_rate>=99', 'needs a rate from 0% to 100%'],
    ['success_rate>=101%', 'needs a rate from 0% to 100%'],
    ['success_rate>=1s', 'needs a rate from 0% to 100%'],
  ])('%j', (text, message) => {
    expect(() => parseSendThresholds([text], totals())).toThrow(UsageError);
    expect(() => parseSendThresholds([text], totals())).toThrow(message);
    expect(() => parseSendThresholds([text], totals())).toThrow(/^--threshold: /);
  });
});
