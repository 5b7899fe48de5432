import { isRefused, isSuccess } from '../core/record.ts';
import type { DeliveryRow } from './wire.ts';

/** How a record went, as one filters by it. */
export const RESULTS = [
  'delivered',
  'failed',
  'refused',
  'duplicate',
  'conflict',
  'suspected_replay',
] as const;
export type Result = (typeof RESULTS)[number];

/** What of the log a page shows; null and the empty text leave everything in. The server and the page decide alike. */
export interface DeliveryFilter {
  kind: 'receipt' | 'attempt' | null;
  event: string | null;
  result: Result | null;
  search: string;
}

/** A filter out of an address's parameters; what is none of the known ones leaves everything in. */
export function readFilter(get: (name: keyof DeliveryFilter) => string | null | undefined): DeliveryFilter {
  const [kind, result] = [get('kind'), get('result')];
  return {
    kind: kind === 'receipt' || kind === 'attempt' ? kind : null,
    event: get('event') ?? null,
    result: RESULTS.find((name) => name === result) ?? null,
    search: get('search') ?? '',
  };
}

export function matchesDelivery(row: DeliveryRow, { kind, event, result, search }: DeliveryFilter): boolean {
  if (kind !== null && row.kind !== kind) return false;
  if (event !== null && row.event !== event) return false;
  if (result !== null && !resultsOf(row).includes(result)) return false;
  const wanted = search.trim().toLowerCase();
  return wanted === '' || textsOf(row).some((text) => text?.toLowerCase().includes(wanted));
}

/** A record may be several: a duplicate that failed. */
export function resultsOf(row: DeliveryRow): Result[] {
  if (row.kind === 'attempt') return [row.outcome === 'delivered' ? 'delivered' : 'failed'];
  const { status, forward, duplicate } = row;
  const results: Result[] = duplicate === null ? [] : [duplicate];
  if (isRefused(row)) return [...results, 'refused'];
  const answered = status === null || isSuccess(status);
  const taken = forward === null || isSuccess(forward.status);
  return [...results, answered && taken ? 'delivered' : 'failed'];
}

function textsOf(row: DeliveryRow): (string | null)[] {
  const common = [row.event_id, row.event, row.call_id, row.caller_number, row.receiver_number, row.id];
  if (row.kind === 'attempt')
    return [...common, row.endpoint, row.url, row.error, row.outcome, String(row.status)];
  return [...common, row.signature, String(row.status), row.forward?.error ?? null, ...row.flags];
}
