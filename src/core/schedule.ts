import { UsageError } from './errors.ts';
import { MAX_TIMER_MS, parseDuration } from './time.ts';

/** When a failed delivery is tried again (contract §1, Attempts). Durations are milliseconds. */
export interface RetrySchedule {
  retries: number;
  backoffMs: readonly number[];
}

export const DEFAULT_SCHEDULE: RetrySchedule = { retries: 3, backoffMs: [1000, 5000, 25_000] };
/** The whole of an attempt, where nothing else is said. */
export const DEFAULT_TIMEOUT_MS = 30_000;
const JITTER = 0.2;
const RETRY_AFTER_CAP_MS = 60_000;

/** `30s,30s,30s` -> milliseconds. Throws UsageError. */
export function parseBackoff(text: string): number[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) {
    throw new UsageError(`--backoff: '${text}' is not a list of durations. Write it like 1s,5s,25s.`);
  }
  return parts.map((part) => parseDuration(part, '--backoff'));
}

/** The schedule with what is given of it; the default's for the rest. Throws UsageError. */
export function toSchedule(given: {
  retries?: number | undefined;
  backoff?: string | undefined;
}): RetrySchedule {
  return {
    retries: given.retries ?? DEFAULT_SCHEDULE.retries,
    backoffMs: given.backoff === undefined ? DEFAULT_SCHEDULE.backoffMs : parseBackoff(given.backoff),
  };
}

/**
 * The pause after failed attempt number `attempt` (1-based), with ±20 % jitter; `random` is in [0, 1). The last
 * entry of the list serves for all further retries. `Retry-After` on 429 and 503 is honoured between the scheduled
 * delay and 60 s. Returns null when no retry is left or the endpoint says 410 Gone.
 */
export function retryDelay(
  schedule: RetrySchedule,
  attempt: number,
  answer: { status: number | null; retryAfter: string | null; now: number },
  random: number,
): number | null {
  if (attempt > schedule.retries || answer.status === 410) return null;
  const base = pauseAfter(schedule, attempt);
  const jittered = Math.min(MAX_TIMER_MS, Math.round(base * (1 - JITTER + 2 * JITTER * random)));
  if (answer.status !== 429 && answer.status !== 503) return jittered;
  const asked = parseRetryAfter(answer.retryAfter, answer.now);
  return asked === null ? jittered : Math.max(jittered, Math.min(asked, RETRY_AFTER_CAP_MS));
}

/** `Retry-After` in seconds or as an HTTP date -> milliseconds from now; null for garbage, the past and nothing. */
export function parseRetryAfter(value: string | null, now: number): number | null {
  if (value === null) return null;
  const text = value.trim();
  if (/^\d{1,12}$/.test(text)) return Number(text) * 1000;
  if (!/^[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} \d\d:\d\d:\d\d GMT$/.test(text)) return null;
  const at = Date.parse(text);
  return Number.isNaN(at) || at < now ? null : at - now;
}

/**
 * How long an endpoint may be down before events are lost, ms: an event that comes as the outage begins gets its last
 * attempt `surely` after that, or with luck in the jitter `atMost`. Answers that take their time add to both.
 */
export function outageHorizon(schedule: RetrySchedule): { surely: number; atMost: number } {
  let pauses = 0;
  for (let retry = 1; retry <= schedule.retries; retry++) pauses += pauseAfter(schedule, retry);
  return { surely: Math.round(pauses * (1 - JITTER)), atMost: Math.round(pauses * (1 + JITTER)) };
}

/**
 * How long after a delivery began its last attempt may still be under way, ms: every attempt takes its whole time, and
 * every pause is the longest that jitter makes it, or the 60 s that `Retry-After` may ask for.
 */
export function retryHorizon(schedule: RetrySchedule, timeoutMs: number): number {
  let ms = timeoutMs;
  for (let retry = 1; retry <= schedule.retries; retry++)
    ms += Math.max(RETRY_AFTER_CAP_MS, Math.round(pauseAfter(schedule, retry) * (1 + JITTER))) + timeoutMs;
  return ms;
}

/** The pause after failed attempt number `attempt` without its jitter; the last of the list serves for all further ones. */
function pauseAfter({ backoffMs }: RetrySchedule, attempt: number): number {
  return backoffMs[Math.min(attempt, backoffMs.length) - 1] ?? 0;
}
