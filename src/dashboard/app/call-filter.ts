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
  const digits = digitPattern(filter.number);
  for (const call of calls) {
    if (!matches(call, filter, digits)) continue;
    if (call.status !== null) counts.set(call.status, (counts.get(call.status) ?? 0) + 1);
    if (filter.statuses.length > 0 && (call.status === null || !filter.statuses.includes(call.status)))
      continue;
    // Either way: the clock may have been set back since.
    if (call.ended && Math.abs(now - call.endedSeen) >= FADE_MS) ended.push(call);
    else live.push(call);
  }
  // The platform's timestamps are whole seconds: of calls of the same one the latest to arrive comes first.
  live.sort((a, b) => (b.started_ms ?? 0) - (a.started_ms ?? 0) || (b.seqs[0] ?? 0) - (a.seqs[0] ?? 0));
  ended.sort((a, b) => (b.since_ms ?? 0) - (a.since_ms ?? 0) || (b.seqs.at(-1) ?? 0) - (a.seqs.at(-1) ?? 0));
  return { live, ended, counts };
}

function matches(call: CallRow, { number, queue, direction }: CallFilter, digits: RegExp | null): boolean {
  if (direction !== '' && call.direction !== direction) return false;
  if (queue !== '' && !contains(call.queue, queue)) return false;
  if (number.trim() === '' || contains(call.call_id, number.trim())) return true;
  return digits !== null && [call.caller_number, call.receiver_number].some((one) => hasDigits(one, digits));
}

function contains(text: string | null, wanted: string): boolean {
  return text?.toLowerCase().includes(wanted.toLowerCase()) ?? false;
}

function hasDigits(number: string | null, digits: RegExp): boolean {
  return number !== null && digits.test(number.replaceAll(/\D/g, ''));
}

/**
 * What to look for in a number's digits, however it was typed: with spaces, dashes, a plus, or the zeros that are dialled
 * instead of it; and as the page shows it, with an asterisk for a digit. Null for what is no number.
 */
function digitPattern(typed: string): RegExp | null {
  if (!/^[\d\s*+().-]+$/.test(typed) || !/\d/.test(typed)) return null;
  const digits = typed.replaceAll(/[^\d*]/g, '').replace(/^0+(?=\d)/, '');
  return new RegExp(digits.replaceAll('*', '\\d'));
}
