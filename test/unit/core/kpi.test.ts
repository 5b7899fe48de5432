import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { UsageError } from '../../../src/core/errors.ts';
import { Histogram } from '../../../src/core/histogram.ts';
import { judgeMedian, judgeRate, KPI_NAMES, KPIS, parseThreshold } from '../../../src/core/kpi.ts';

function latencies(...values: number[]): Histogram {
  const made = new Histogram();
  for (const value of values) made.record(value);
  return made;
}

test('the KPIs and their thresholds are those of the contract', () => {
  expect(KPIS).toEqual({
    webhook_latency_median: { unit: 'ms', threshold: 5000 },
    widget_latency_median: { unit: 'ms', threshold: 3000 },
    success_rate: { unit: 'ratio', threshold: 0.99 },
    delivery_rate: { unit: 'ratio', threshold: 0.99 },
    duplicate_drop_rate: { unit: 'ratio', threshold: 0.999 },
  });
});

describe('judgeRate', () => {
  test('E15 no data is neither a pass nor a fail, and says what it would take', () => {
    expect(judgeRate('success_rate', 0, 0)).toEqual({
      name: 'success_rate',
      observed: null,
      unit: 'ratio',
      threshold: 0.99,
      verdict: 'no data',
      evidence: null,
      n: 0,
      interval: null,
      needs: 299,
    });
  });

  // Wilson's low end reaches r with f failures where n(1−r) − f = z√(n·r(1−r)); the samples below are its roots,
  // rounded up: f = 10 → 1835.5, f = 1 → 562.5, f = 2 → 725.1, f = 95 → 11600.4.
  test.each<[string, number, number, number, string, string, number | null]>([
    ['E15 all failed', 0, 10, 0, 'fail', 'weak', 1836],
    ['one of one', 1, 1, 1, 'pass', 'weak', 299],
    ['298 of 298: one short of strong', 298, 298, 1, 'pass', 'weak', 299],
    ['299 of 299: 99 % shown at 95 % confidence', 299, 299, 1, 'pass', 'strong', null],
    ['exactly at the threshold', 99, 100, 0.99, 'pass', 'weak', 563],
    ['just below it', 98, 100, 0.98, 'fail', 'weak', 726],
    ['a large sample with few failures', 9970, 10_000, 0.997, 'pass', 'strong', null],
    ['a large sample just above', 9905, 10_000, 0.9905, 'pass', 'weak', 11_601],
  ])('%s', (_, successes, trials, observed, verdict, evidence, needs) => {
    expect(judgeRate('success_rate', successes, trials)).toMatchObject({
      observed,
      verdict,
      evidence,
      n: trials,
      needs,
    });
  });

  test('the threshold of a KPI can be replaced', () => {
    expect(judgeRate('success_rate', 9, 10, { success_rate: 0.9 })).toMatchObject({
      threshold: 0.9,
      verdict: 'pass',
    });
    expect(judgeRate('success_rate', 9, 10, { delivery_rate: 0.5 })).toMatchObject({ verdict: 'fail' });
  });

  test('999 of 1,000 meets 99.9 % as written on the command line', () => {
    const [name, threshold] = parseThreshold('success_rate>=99.9%');
    expect(judgeRate(name, 999, 1000, { [name]: threshold })).toMatchObject({ verdict: 'pass' });
  });

  test('no sample shows 100 %: flawless is a pass, on weak evidence', () => {
    for (const trials of [1, 299, 1_000_000]) {
      expect(judgeRate('success_rate', trials, trials, { success_rate: 1 })).toMatchObject({
        verdict: 'pass',
        evidence: 'weak',
        needs: null,
      });
    }
    expect(judgeRate('success_rate', 0, 0, { success_rate: 1 })).toMatchObject({ needs: null });
  });

  test('a threshold of 0 % is met by anything but nothing', () => {
    expect(judgeRate('success_rate', 0, 5, { success_rate: 0 })).toMatchObject({
      verdict: 'pass',
      evidence: 'strong',
    });
    expect(judgeRate('success_rate', 0, 0, { success_rate: 0 })).toMatchObject({ verdict: 'no data' });
  });
});

describe('judgeMedian', () => {
  test('E15 no data', () => {
    expect(judgeMedian('webhook_latency_median', new Histogram())).toEqual({
      name: 'webhook_latency_median',
      observed: null,
      unit: 'ms',
      threshold: 5000,
      verdict: 'no data',
      evidence: null,
      n: 0,
      interval: null,
      needs: 6,
    });
  });

  test.each<[string, number[], number, string, string, [number, number] | null, number | null]>([
    ['five values are too few for strong evidence', [1, 2, 3, 4, 5], 3, 'pass', 'weak', null, 6],
    ['six are enough where all are within', [1, 2, 3, 4, 5, 6], 3, 'pass', 'strong', [1, 6], null],
    ['exactly at the threshold', Array(6).fill(5000), 5000, 'pass', 'strong', [5000, 5000], null],
    ['above it', Array(6).fill(5010), 5010, 'fail', 'weak', [5010, 5010], null],
    // 7 of 10 within: (1.96 / (2 × 0.2))² = 24.01
    [
      'an interval that reaches beyond it',
      [1, 1, 1, 1, 1, 1, 1, 9000, 9000, 9000],
      1,
      'pass',
      'weak',
      [1, 9000],
      25,
    ],
    [
      'exactly half within: no sample would do',
      [1, 1, 1, 9000, 9000, 9000],
      1,
      'pass',
      'weak',
      [1, 9000],
      null,
    ],
    ['one slow event alone', [6000], 6000, 'fail', 'weak', null, null],
    [
      'E15 one-second resolution',
      [1000, 1000, 0, 2000, 1000, 1000, 0],
      1000,
      'pass',
      'strong',
      [0, 2000],
      null,
    ],
  ])('%s', (_, values, observed, verdict, evidence, interval, needs) => {
    expect(judgeMedian('webhook_latency_median', latencies(...values))).toMatchObject({
      observed,
      verdict,
      evidence,
      interval,
      needs,
      n: values.length,
    });
  });
});

test('E15 property: no figure is ever NaN or infinite, and strong evidence is only ever of a pass', () => {
  const counts = fc.nat(5000).chain((n) => fc.tuple(fc.nat(n), fc.constant(n)));
  const ratio = fc.oneof(fc.constantFrom(0, 0.5, 0.99, 0.999, 1), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(
      counts,
      ratio,
      fc.array(fc.nat(60_000), { maxLength: 40 }),
      fc.nat(60_000),
      ([ok, all], share, ms, limit) => {
        for (const kpi of [
          judgeRate('success_rate', ok, all, { success_rate: share }),
          judgeMedian('webhook_latency_median', latencies(...ms), { webhook_latency_median: limit }),
        ]) {
          for (const figure of [kpi.observed, kpi.threshold, kpi.n, kpi.needs, ...(kpi.interval ?? [])])
            expect(figure === null || Number.isFinite(figure)).toBe(true);
          expect(JSON.parse(JSON.stringify(kpi))).toEqual(kpi);
          if (kpi.evidence === 'strong') expect(kpi.verdict).toBe('pass');
          expect(kpi.verdict === 'no data').toBe(kpi.n === 0);
        }
      },
    ),
  );
});

describe('parseThreshold', () => {
  test.each([
    ['success_rate>=99%', 'success_rate', 0.99],
    ['success_rate > 0.99', 'success_rate', 0.99],
    ['success_rate>=99.9%', 'success_rate', 0.999],
    ['duplicate_drop_rate>=99.95%', 'duplicate_drop_rate', 0.9995],
    ['delivery_rate>=100%', 'delivery_rate', 1],
    ['delivery_rate>=1', 'delivery_rate', 1],
    ['delivery_rate>=0%', 'delivery_rate', 0],
    ['webhook_latency_median<=5s', 'webhook_latency_median', 5000],
    [' widget_latency_median < 500ms ', 'widget_latency_median', 500],
  ])('%s', (text, name, threshold) => {
    expect(parseThreshold(text)).toEqual([name, threshold]);
  });

  test.each([
    ['', 'is not a threshold'],
    ['success_rate', 'is not a threshold'],
    ['success_rate=99%', 'is not a threshold'],
    ['succes_rate>=99%', "is not a KPI. Did you mean 'success_rate'? Known: webhook_latency_median"],
    ['constructor>=99%', 'is not a KPI'],
    ['__proto__>=99%', 'is not a KPI'],
    ['success_rate<=99%', 'wrong sense; success_rate takes >='],
    ['webhook_latency_median>=5s', 'wrong sense; webhook_latency_median takes <='],
    ['success_rate>=101%', 'needs a rate from 0% to 100%'],
    ['success_rate>=99', 'needs a rate from 0% to 100%'],
    ['success_rate>=-1%', 'needs a rate from 0% to 100%'],
    ['success_rate>=NaN', 'needs a rate from 0% to 100%'],
    ['success_rate>=1e-2', 'needs a rate from 0% to 100%'],
    ['webhook_latency_median<=5', "'5' is not a duration"],
    ['webhook_latency_median<=99%', "'99%' is not a duration"],
  ])('%j is refused', (text, message) => {
    expect(() => parseThreshold(text)).toThrow(UsageError);
    expect(() => parseThreshold(text)).toThrow(message);
    expect(() => parseThreshold(text)).toThrow(/^--threshold: /);
  });

  test('property: any percentage with two decimals is read as exactly that ratio', () => {
    fc.assert(
      fc.property(fc.nat(10_000), (hundredths) => {
        const text = (hundredths / 100).toFixed(2);
        expect(parseThreshold(`success_rate>=${text}%`)).toEqual(['success_rate', hundredths / 10_000]);
      }),
    );
  });

  test.each(KPI_NAMES)('knows %s', (name) => {
    const text = KPIS[name].unit === 'ms' ? `${name}<=1s` : `${name}>=50%`;
    expect(parseThreshold(text)[0]).toBe(name);
  });
});
