import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Histogram } from '../../../src/core/histogram.ts';
import {
  flawlessTrials,
  type Interval,
  MEDIAN_NEEDS,
  medianInterval,
  trialsToShow,
  wilson,
} from '../../../src/core/interval.ts';

/** A histogram of 1, 2, … n, so that a value is its rank (exact up to 999). */
function ranks(n: number): Histogram {
  const made = new Histogram();
  for (let i = 1; i <= n; i++) made.record(i);
  return made;
}

describe('wilson', () => {
  // Newcombe, Statistics in Medicine 17 (1998), table I, method 3.
  test.each([
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
    [29, 29, 0.883, 1],
  ])('%d of %d: the published %d to %d', (successes, trials, low, high) => {
    const [found, foundHigh] = wilson(successes, trials) as Interval;
    expect(found).toBeCloseTo(low, 4);
    expect(foundHigh).toBeCloseTo(high, 4);
  });

  test('E15 without a trial there is none', () => {
    expect(wilson(0, 0)).toBeNull();
  });

  test('all failed starts at exactly 0, all fine ends at exactly 1', () => {
    expect((wilson(0, 7) as Interval)[0]).toBe(0);
    expect((wilson(7, 7) as Interval)[1]).toBe(1);
  });

  test('property: within 0 and 1, around the observed rate, and mirrored for failures', () => {
    const counts = fc.integer({ min: 1, max: 1_000_000 }).chain((n) => fc.tuple(fc.nat(n), fc.constant(n)));
    fc.assert(
      fc.property(counts, ([successes, trials]) => {
        const [low, high] = wilson(successes, trials) as Interval;
        expect(low).toBeGreaterThanOrEqual(0);
        expect(high).toBeLessThanOrEqual(1);
        expect(low).toBeLessThanOrEqual(successes / trials);
        expect(high).toBeGreaterThanOrEqual(successes / trials);
        const [mirrorLow, mirrorHigh] = wilson(trials - successes, trials) as Interval;
        expect(1 - mirrorHigh).toBeCloseTo(low, 10);
        expect(1 - mirrorLow).toBeCloseTo(high, 10);
      }),
    );
  });
});

describe('medianInterval', () => {
  // The ranks of the classic tables of order-statistic intervals (Conover; Geigy scientific tables).
  test.each([
    [6, 1, 6],
    [7, 1, 7],
    [8, 1, 8],
    [9, 2, 8],
    [10, 2, 9],
    [11, 2, 10],
    [12, 3, 10],
    [13, 3, 11],
    [14, 3, 12],
    [15, 4, 12],
    [16, 4, 13],
    [17, 5, 13],
    [20, 6, 15],
    [25, 8, 18],
    [30, 10, 21],
    [50, 18, 33],
    [100, 40, 61],
  ])('of %d values it reaches from rank %d to rank %d', (n, low, high) => {
    expect(medianInterval(ranks(n))).toEqual([low, high]);
  });

  test.each([0, 1, 5])('of %d values there is none', (n) => {
    expect(medianInterval(ranks(n))).toBeNull();
  });

  test('six values are the fewest whose extremes enclose the median 95 times in 100', () => {
    expect(MEDIAN_NEEDS).toBe(6);
    expect(1 - 2 * 0.5 ** MEDIAN_NEEDS).toBeGreaterThanOrEqual(0.95);
    expect(1 - 2 * 0.5 ** (MEDIAN_NEEDS - 1)).toBeLessThan(0.95);
  });

  test('beyond 100 values it covers 95 % still, and wastes at most one rank at either end', () => {
    for (let n = 101; n <= 999; n += 7) {
      const [low, high] = medianInterval(ranks(n)) as Interval;
      expect(low + high).toBe(n + 1);
      // P(Binomial(n, ½) < low) is the chance that the median lies below the interval.
      expect(binomialBelow(n, low)).toBeLessThanOrEqual(0.025);
      expect(binomialBelow(n, low + 2)).toBeGreaterThan(0.025);
    }
  });
});

test.each([
  [0.99, 299],
  [0.95, 59],
  [0.9, 29],
  [0.999, 2995],
])('a rate of %d needs %d flawless deliveries (the published rule of three, exactly)', (rate, trials) => {
  expect(flawlessTrials(rate)).toBe(trials);
  expect(rate ** trials).toBeLessThanOrEqual(0.05);
  expect(rate ** (trials - 1)).toBeGreaterThan(0.05);
});

test.each([
  [0.99, 1],
  [0.99, 10],
  [0.999, 1],
  [0.5, 3],
  [0.9, 0],
])('trialsToShow(%d, %d) is the least sample that shows it', (rate, failures) => {
  const needed = trialsToShow(rate, failures);
  const low = (trials: number) => (wilson(trials - failures, trials) as Interval)[0];
  expect(low(needed)).toBeGreaterThanOrEqual(rate);
  expect(low(needed - 1)).toBeLessThan(rate);
});

function binomialBelow(n: number, rank: number): number {
  let logChoose = 0;
  let sum = 0;
  for (let k = 0; k < rank; k++) {
    sum += Math.exp(logChoose - n * Math.LN2);
    logChoose += Math.log(n - k) - Math.log(k + 1);
  }
  return sum;
}
