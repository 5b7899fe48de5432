import type { Histogram } from './histogram.ts';

export type Interval = readonly [low: number, high: number];

/** The normal quantile of a two-sided 95 % interval. */
export const Z95 = 1.959963984540054;

/** Wilson's 95 % score interval of a rate; null without a trial. */
export function wilson(successes: number, trials: number): Interval | null {
  if (trials === 0) return null;
  const p = successes / trials;
  const z2 = Z95 ** 2;
  const middle = p + z2 / (2 * trials);
  const spread = Z95 * Math.sqrt((p * (1 - p)) / trials + z2 / (4 * trials ** 2));
  const scale = 1 + z2 / trials;
  return [
    successes === 0 ? 0 : Math.max(0, (middle - spread) / scale),
    successes === trials ? 1 : Math.min(1, (middle + spread) / scale),
  ];
}

/** The fewest values whose order statistics give a median's 95 % interval: 1 − 2·0.5⁶ ≥ 95 %. */
export const MEDIAN_NEEDS = 6;

/** The median's 95 % interval between two order statistics; null with fewer than six values. */
export function medianInterval(values: Histogram): Interval | null {
  const n = values.count;
  if (n < MEDIAN_NEEDS) return null;
  const low = n <= 100 ? exactLowRank(n) : Math.max(1, Math.floor((n + 1) / 2 - (Z95 * Math.sqrt(n)) / 2));
  return [values.at(low) as number, values.at(n + 1 - low) as number];
}

/** The greatest rank r with P(Binomial(n, ½) < r) ≤ 2.5 %, so that ranks r and n+1−r enclose the median. */
function exactLowRank(n: number): number {
  let probability = 0.5 ** n;
  let below = 0;
  let rank = 0;
  while (below + probability <= 0.025) {
    below += probability;
    probability = (probability * (n - rank)) / (rank + 1);
    rank += 1;
  }
  return Math.max(1, rank);
}

/** How many deliveries without a failure show a rate at 95 % confidence: 299 for 99 % (contract §4). */
export function flawlessTrials(rate: number): number {
  return Math.ceil(Math.log(0.05) / Math.log(rate));
}

/** The fewest trials with which this many failures still leave Wilson's whole interval at `rate` or above. */
export function trialsToShow(rate: number, failures: number): number {
  let high = Math.max(1, Math.ceil(failures / (1 - rate)));
  while (!shows(high)) high *= 2;
  let low = Math.floor(high / 2);
  while (low + 1 < high) {
    const middle = Math.floor((low + high) / 2);
    // Beyond 2⁵³ no whole number may be left between the two.
    if (middle <= low || middle >= high) break;
    if (shows(middle)) high = middle;
    else low = middle;
  }
  return high;

  function shows(trials: number): boolean {
    return trials > failures && ((wilson(trials - failures, trials) as Interval)[0] ?? 0) >= rate;
  }
}
