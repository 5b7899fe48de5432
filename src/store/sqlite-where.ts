import type { RecordFilter } from '../core/store.ts';
import { toText } from './sqlite-text.ts';

/** A filter as SQL, with its leading `WHERE`; nothing where everything matches. */
export interface Where {
  sql: string;
  values: (string | number)[];
}

/** An endpoint and a run belong to attempts alone. */
export function asksForAttempts(filter: RecordFilter): boolean {
  return filter.endpoint !== undefined || filter.run !== undefined;
}

export function where(
  filter: RecordFilter,
  time: 'sent_at' | 'received_at',
  conditions: readonly string[] = [],
): Where {
  const terms = [...conditions];
  const values: (string | number)[] = [];
  const term = (sql: string, ...bound: (string | number)[]) => {
    terms.push(sql);
    values.push(...bound);
  };
  if (filter.since !== undefined) term(`${time} >= ?`, filter.since);
  if (filter.until !== undefined) term(`${time} < ?`, filter.until);
  if (filter.event !== undefined) term('event = ?', toText(filter.event));
  if (time === 'sent_at') {
    if (filter.endpoint !== undefined) {
      const named = toText(filter.endpoint);
      term('(endpoint = ? OR url = ?)', named, named);
    }
    if (filter.run !== undefined) term('run = ?', toText(filter.run));
  }
  return { sql: terms.length === 0 ? '' : `WHERE ${terms.join(' AND ')}`, values };
}
