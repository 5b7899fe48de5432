import { UsageError } from '../core/errors.ts';

const MOST = 2000;
/** A page's clock is this machine's, or one that is set alike; else the time of its report counts, which is later. */
const TRUSTED_MS = 60_000;

/**
 * Which events a page has shown and when, out of what it reports: `{"shown":[[seq,ms],…]}` (contract §4,
 * widget_latency_median). Throws UsageError.
 */
export function readShown(body: Uint8Array, now: number): { seq: number; at: number }[] {
  let said: unknown;
  try {
    said = JSON.parse(Buffer.from(body).toString('utf8'));
  } catch {
    throw new UsageError('The report is not JSON.');
  }
  const shown = (said as { shown?: unknown } | null)?.shown;
  if (!Array.isArray(shown) || shown.length > MOST || !shown.every(isPair))
    throw new UsageError(`The report is not a list of at most ${MOST} pairs of a seq and a time.`);
  return (shown as [number, number][]).map(([seq, at]) => ({
    seq,
    at: at <= now && now - at < TRUSTED_MS ? at : now,
  }));
}

function isPair(value: unknown): value is [number, number] {
  return (
    Array.isArray(value) &&
    value.length === 2 &&
    value.every((part) => Number.isSafeInteger(part) && (part as number) > 0)
  );
}
