const SIGNIFICANT_DIGITS = 4;

/**
 * Counts of durations in buckets of four significant digits, rounded up: a percentile is never less than it was, and
 * right to a thousandth, and a histogram stays small whatever it has seen. Histograms are merged; percentiles are never averaged (contract §4).
 */
export class Histogram {
  readonly #counts = new Map<number, number>();
  #total = 0;

  get count(): number {
    return this.#total;
  }

  record(value: number, count = 1): void {
    const bucket = bucketOf(value);
    this.#counts.set(bucket, (this.#counts.get(bucket) ?? 0) + count);
    this.#total += count;
  }

  merge(other: Histogram): this {
    for (const [bucket, count] of other.#counts) this.record(bucket, count);
    return this;
  }

  /** Each value that was seen, as exact as the buckets, and how often; in ascending order. */
  buckets(): [value: number, count: number][] {
    return [...this.#counts].sort((a, b) => a[0] - b[0]);
  }

  /** The smallest value that at least `share` (0 to 1) of all values do not exceed; null when empty. */
  quantile(share: number): number | null {
    // 0.07 × 100 is a little above 7 in floating point.
    return this.at(Math.max(1, Math.ceil(share * this.#total * (1 - 2 * Number.EPSILON))));
  }

  /** The value of rank `rank` (1-based, in ascending order); null outside 1..count. */
  at(rank: number): number | null {
    if (rank < 1 || rank > this.#total) return null;
    let seen = 0;
    for (const [bucket, count] of this.buckets()) {
      seen += count;
      if (seen >= rank) return bucket;
    }
    return null;
  }

  /** How many values do not exceed `limit`. */
  countUpTo(limit: number): number {
    let count = 0;
    for (const [bucket, n] of this.#counts) if (bucket <= limit) count += n;
    return count;
  }

  /** The arithmetic mean, as exact as the buckets; null when empty. */
  get mean(): number | null {
    if (this.#total === 0) return null;
    let sum = 0;
    for (const [bucket, n] of this.#counts) sum += bucket * n;
    return sum / this.#total;
  }

  get max(): number | null {
    return this.at(this.#total);
  }
}

function bucketOf(value: number): number {
  const size = Math.abs(value);
  if (size < 0.001) return 0;
  const step = 10 ** (Math.floor(Math.log10(size)) + 1 - SIGNIFICANT_DIGITS);
  // A hair less, so that a value on a bucket's edge stays there in spite of binary fractions.
  return Number((Math.ceil(value / step - 1e-9) * step).toPrecision(SIGNIFICANT_DIGITS));
}
