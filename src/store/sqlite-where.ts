import type { RecordKind } from '../core/record.ts';
import type { RecordFilter } from '../core/store.ts';
import { toText } from './sqlite-text.ts';

/** A filter as SQL, with its leading `WHERE`; nothing where everything matches. */
export interface Where {
  sql: string;
  values: (string | number)[];
}

/** An endpoint and a run belong to attempts alone. */
export function matchesNone(kind: RecordKind, filter: RecordFilter): boolean {
  return kind === 'receipt' && (filter.endpoint !== undefined || filter.run !== undefined);
}

/** The others are what a prune has left of receipts: no records any more, only keys. */
export const WHOLE = "detail <> '[]'";
/** What the app answered counts too: with `--ack first` the sender was told 200 before. */
const FAILED = {
  attempt: "outcome <> 'delivered'",
  receipt: `(coalesce(status, 0) NOT BETWEEN 200 AND 299
    OR forward IS NOT NULL AND coalesce(json_extract(forward, '$[0]'), 0) NOT BETWEEN 200 AND 299)`,
};

export function where(kind: RecordKind, filter: RecordFilter, conditions: readonly string[] = []): Where {
  const terms = kind === 'receipt' ? [...conditions, WHOLE] : [...conditions];
  const values: (string | number)[] = [];
  const term = (sql: string, ...bound: (string | number)[]) => {
    terms.push(sql);
    values.push(...bound);
  };
  const { since, until, event, eventId, callId, status, endpoint, run } = filter;
  const time = kind === 'attempt' ? 'sent_at' : 'received_at';
  if (since !== undefined) term(`${time} >= ?`, since);
  if (until !== undefined) term(`${time} < ?`, until);
  if (event !== undefined) term('event = ?', toText(event));
  if (eventId !== undefined) term('event_id = ?', toText(eventId));
  if (callId !== undefined) term('call_id = ?', toText(callId));
  if (status === 'failed') term(FAILED[kind]);
  else if (status !== undefined) term('status BETWEEN ? AND ?', status.least, status.most);
  if (endpoint !== undefined) {
    const named = toText(endpoint);
    term('(endpoint = ? OR url = ?)', named, named);
  }
  if (run !== undefined) term('run = ?', toText(run));
  return { sql: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}
