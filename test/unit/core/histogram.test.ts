import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Histogram } from '../../../src/core/histogram.ts';

const SHARES = [0, 0.01, 0.07, 0.5, 0.9, 0.95, 0.99, 0.999, 1];

function histogram(...values: number[]): Histogram {
  const made = new Histogram();
  for (const value of values) made.record(value);
  return made;
}

const everything = (h: Histogram) => [h.count, h.max, ...SHARES.map((share) => h.quantile(share))];

test('E15 an empty one has no figures, not zeros', () => {
  const empty = new Histogram();
  expect(empty.count).toBe(0);
  expect(empty.max).toBeNull();
  expect(SHARES.map((share) => empty.quantile(share))).toEqual(SHARES.map(() => null));
  expect(empty.at(1)).toBeNull();
  expect(empty.countUpTo(Number.POSITIVE_INFINITY)).toBe(0);
});

test('up to four digits are exact', () => {
  const values = [0, 0.5, 1, 23, 999.6, 1234, 25_010];
  expect(values.map((_, i) => histogram(...values).at(i + 1))).toEqual(values);
});

test.each([
  [12_341, 12_350],
  [12_349, 12_350],
  [5004.1, 5005],
  [999.96, 1000],
  [0.0004, 0],
  [0.12345, 0.1235],
  [30_049, 30_050],
])('%d is kept as %d', (value, bucket) => {
  expect(histogram(value).max).toBe(bucket);
});

test.each([
  [0.5, 50],
  [0.9, 90],
  [0.95, 95],
  [0.99, 99],
  [1, 100],
  [0, 1],
  [0.07, 7],
  [0.55, 55],
  [0.29, 29],
])('of 1 to 100, the quantile %d is exactly %d', (share, value) => {
  expect(histogram(...Array.from({ length: 100 }, (_, i) => i + 1)).quantile(share)).toBe(value);
});

test('the median of an even count is the lower of the two in the middle', () => {
  expect(histogram(1, 2, 3, 4).quantile(0.5)).toBe(2);
  expect(histogram(7).quantile(0.5)).toBe(7);
});

test('its buckets come in ascending order, each with its count', () => {
  expect(histogram().buckets()).toEqual([]);
  expect(histogram(10, 2, 12_341, 2, 12_349, 0).buckets()).toEqual([
    [0, 1],
    [2, 2],
    [10, 1],
    [12_350, 2],
  ]);
});

test('ranks outside 1..count have no value', () => {
  const h = histogram(5, 6);
  expect([0, 1, 2, 3, -1].map((rank) => h.at(rank))).toEqual([null, 5, 6, null, null]);
});

test('counts what does not exceed a limit', () => {
  const h = histogram(1, 2, 2, 3);
  expect([0, 1, 2, 2.5, 3].map((limit) => h.countUpTo(limit))).toEqual([0, 1, 3, 3, 4]);
});

test('recording with a count is recording that often', () => {
  const once = new Histogram();
  once.record(20, 3);
  expect(everything(once)).toEqual(everything(histogram(20, 20, 20)));
});

test('merging leaves the other as it was', () => {
  const other = histogram(1, 2);
  const merged = histogram(3).merge(other);
  merged.record(4);
  expect([merged.count, other.count]).toEqual([4, 2]);
});

const duration = fc.oneof(
  fc.nat(5000),
  fc.double({ min: 0, max: 1e7, noNaN: true }),
  fc.double({ min: -1000, max: 10, noNaN: true }),
);
const durations = fc.array(duration, { maxLength: 60 });

test('property: merging is recording all, in any grouping', () => {
  fc.assert(
    fc.property(durations, durations, durations, (a, b, c) => {
      const all = everything(histogram(...a, ...b, ...c));
      expect(
        everything(
          histogram(...a)
            .merge(histogram(...b))
            .merge(histogram(...c)),
        ),
      ).toEqual(all);
      expect(everything(histogram(...c).merge(histogram(...b).merge(histogram(...a))))).toEqual(all);
    }),
  );
});

test('property: a quantile is the right value to a thousandth, and never less (below a microsecond: to that)', () => {
  const share = fc.oneof(fc.constantFrom(...SHARES), fc.double({ min: 0, max: 1, noNaN: true }));
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 60 }), share, (values, q) => {
      const sorted = [...values].sort((a, b) => a - b);
      // The smallest value that at least this share does not exceed, counted rather than computed.
      const exact = sorted.find((_, i) => (i + 1) / sorted.length >= q - 1e-12) as number;
      const found = histogram(...values).quantile(q) as number;
      expect(Math.abs(found - exact)).toBeLessThanOrEqual(Math.max(0.001, Math.abs(exact) * 0.001 + 1e-9));
      expect(found).toBeGreaterThanOrEqual(exact - Math.max(0.001, Math.abs(exact) * 1e-9));
    }),
    { numRuns: 500 },
  );
});

test('property: quantiles rise with their share, and lie between the least and the greatest', () => {
  fc.assert(
    fc.property(fc.array(duration, { minLength: 1, maxLength: 60 }), (values) => {
      const h = histogram(...values);
      const found = SHARES.map((share) => h.quantile(share) as number);
      expect(found).toEqual([...found].sort((a, b) => a - b));
      expect(found[0]).toBe(h.at(1));
      expect(found.at(-1)).toBe(h.max);
      expect(found.every(Number.isFinite)).toBe(true);
    }),
  );
});

test('stays small: 100,000 different values between 1 s and 2 s share 1001 buckets', () => {
  const h = new Histogram();
  const seen = new Set<number | null>();
  for (let i = 0; i < 100_000; i++) h.record(1000 + i / 100);
  for (let rank = 1; rank <= h.count; rank += 7) seen.add(h.at(rank));
  expect(h.count).toBe(100_000);
  expect(seen.size).toBe(1001);
});
