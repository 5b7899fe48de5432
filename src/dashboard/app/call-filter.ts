import type { CallStatus } from '../../core/call.ts';
import type { CallRow } from '../wire.ts';
import { CALL_STATUSES, FADE_MS, type PageCall } from './model.ts';
import type { PageState } from './page-state.ts';

/** Which calls are listed. Empty texts leave everything in, and so does no status. */
export interface CallFilter {
  number: string;
  queue: string;
  direction: string;
  statuses: readonly CallStatus[];
}

export function callFilter({ number = '', queue = '', direction = '', status = '' }: PageState): CallFilter {
  const wanted = status.split(',');
  return { number, queue, direction, statuses: CALL_STATUSES.filter((name) => wanted.includes(name)) };
}

export interface CallList {
  /** Under way, and just ended; the latest first. */
  live: PageCall[];
  ended: PageCall[];
  /** How many there are of each status, whichever are listed. */
  counts: Map<CallStatus, number>;
}

/** `now` is this page's clock. */
export function listCalls(calls: Iterable<PageCall>, filter: CallFilter, now: number): CallList {
  const counts = new Map(CALL_STATUSES.map((status) => [status, 0]));
  const live: PageCall[] = [];
  const ended: PageCall[] = [];
  for (const call of calls) {
    if (!matches(call, filter)) continue;
    if (call.status !== null) counts.set(call.status, (counts.get(call.status) ?? 0) + 1);
    if (filter.statuses.length > 0 && (call.status === null || !filter.statuses.includes(call.status)))
      continue;
    if (call.ended && now - call.endedSeen >= FADE_MS) ended.push(call);
    else live.push(call);
  }
  live.sort((a, b) => (b.started_ms ?? 0) - (a.started_ms ?? 0) || b.key - a.key);
  ended.sort((a, b) => (b.since_ms ?? 0) - (a.since_ms ?? 0) || b.key - a.key);
  return { live, ended, counts };
}

function matches(call: CallRow, { number, queue, direction }: CallFilter): boolean {
  if (direction !== '' && call.direction !== direction) return false;
  if (queue !== '' && !contains(call.queue, queue)) return false;
  if (number.trim() === '') return true;
  return (
    contains(call.call_id, number.trim()) ||
    hasDigits(call.caller_number, number) ||
    hasDigits(call.receiver_number, number)
  );
}

function contains(text: string | null, wanted: string): boolean {
  return text?.toLowerCase().includes(wanted.toLowerCase()) ?? false;
}

/** However a number is written: spaces, dashes, a plus. */
function hasDigits(number: string | null, wanted: string): boolean {
  const digits = wanted.replaceAll(/\D/g, '');
  return (
    digits !== '' &&
    /^[\d\s+().-]+$/.test(wanted) &&
    (number?.replaceAll(/\D/g, '').includes(digits) ?? false)
  );
}
