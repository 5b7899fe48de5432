import { UsageError } from './errors.ts';

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const DURATION = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/;
const RFC3339 = /^\d{4}-\d\d-\d\d[Tt ](?:[01]\d|2[0-3]):\d\d:\d\d(?:\.\d+)?(?:[Zz]|[+-]\d\d:\d\d)$/;
/** Node's timers turn anything above this into 1 ms. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** Longer ago nobody means, and dates end somewhere. */
const MAX_SPAN_MS = 36_500 * UNIT_MS.d;

/** `500ms`, `30s`, `5m`, `2h`, `7d` -> milliseconds that a timer can wait. Throws UsageError. */
export function parseDuration(text: string, what = 'duration'): number {
  return parseLength(text, what, MAX_TIMER_MS, '24d');
}

/** The same where nothing waits so long: `30d` ago, or from now. Throws UsageError. */
export function parseSpan(text: string, what: string): number {
  return parseLength(text, what, MAX_SPAN_MS, '36500d');
}

function parseLength(text: string, what: string, most: number, limit: string): number {
  const match = DURATION.exec(text.trim());
  if (!match) {
    throw new UsageError(
      `${what}: '${text}' is not a duration. Write a number and a unit: 500ms, 30s, 5m, 2h.`,
    );
  }
  const ms = Number(match[1]) * UNIT_MS[match[2] as keyof typeof UNIT_MS];
  if (ms > most) throw new UsageError(`${what}: '${text}' is too long; the limit is ${limit}.`);
  return ms;
}

/** RFC 3339 -> milliseconds since the epoch, or null for anything else (month 13 and 30 February included). */
export function parseTimestamp(text: unknown): number | null {
  if (typeof text !== 'string' || text.length > 40 || !RFC3339.test(text) || !isDay(text)) return null;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? null : ms;
}

/** `--since`: an ISO 8601 time, a date, or a duration ago. Throws UsageError. */
export function parseMoment(text: string, now: number, what: string): number {
  if (DURATION.test(text.trim())) return now - parseSpan(text, what);
  const ms = parseTimestamp(/^\d{4}-\d\d-\d\d$/.test(text) ? `${text}T00:00:00Z` : text) ?? Number.NaN;
  if (Number.isNaN(ms)) {
    throw new UsageError(
      `${what}: '${text}' is not a time. Write ISO 8601 (2026-01-31T12:00:00Z) or how long ago (2h).`,
    );
  }
  return ms;
}

/** Whether the month has this day: Date.parse takes 30 February for 2 March. */
function isDay(text: string): boolean {
  const day = Number(text.slice(8, 10));
  return day <= 28 || new Date(`${text.slice(0, 10)}T00:00:00Z`).getUTCDate() === day;
}

/** The last one that was written out: at full speed many in a row are of the same millisecond. */
const written = { ms: Number.NaN, text: '' };

/** Milliseconds since the epoch -> RFC 3339 UTC with milliseconds (contract §3). */
export function formatTimestamp(ms: number): string {
  const whole = Math.trunc(ms);
  if (whole !== written.ms) {
    written.text = new Date(whole).toISOString();
    written.ms = whole;
  }
  return written.text;
}

/** `12:45`, `12:45:03` or `12:45:03.120`, in the machine's own time zone. */
export function formatClock(ms: number, precision: 'minutes' | 'seconds' | 'ms'): string {
  const date = new Date(ms);
  const pad = (value: number, width = 2) => String(value).padStart(width, '0');
  const minutes = `${pad(date.getHours())}:${pad(date.getMinutes())}`;
  if (precision === 'minutes') return minutes;
  const seconds = `${minutes}:${pad(date.getSeconds())}`;
  return precision === 'seconds' ? seconds : `${seconds}.${pad(date.getMilliseconds(), 3)}`;
}

/** For people: `0.4 ms`, `23 ms`, `1.2 s`, `2 min 5 s`. */
export function formatDuration(ms: number): string {
  const size = Math.abs(ms);
  if (size < 10) return `${Number(ms.toFixed(1))} ms`;
  if (size < 999.5) return `${Math.round(ms)} ms`;
  if (size < 59_950) return `${(ms / 1000).toFixed(1)} s`;
  if (size < 3_599_500) {
    const seconds = Math.round(size / 1000);
    return `${ms < 0 ? '-' : ''}${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  }
  return `${(ms / 3_600_000).toFixed(1)} h`;
}
