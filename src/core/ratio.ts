import { UsageError } from './errors.ts';

/** The rate in a threshold, `99%` or `0.99`, as 0 to 1. `text` is the whole threshold. Throws UsageError. */
export function parseRatio(value: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)(%?)$/.exec(value);
  // `e-2` rather than a division: 99.9 / 100 is above 0.999, which 999 of 1,000 would then miss.
  const ratio = match ? Number(`${match[1]}e${match[2] ? -2 : 0}`) : Number.NaN;
  if (!(ratio >= 0 && ratio <= 1)) {
    throw new UsageError(`--threshold: '${text}' needs a rate from 0% to 100%, such as 99% or 0.99.`);
  }
  return ratio;
}

/** `99.43 %`. Never rounds up to 100 %; 0.57 × 10,000 is a little below 5,700 in floating point. */
export function formatRatio(ratio: number): string {
  return `${Math.floor(ratio * 10_000 + 1e-6) / 100} %`;
}
