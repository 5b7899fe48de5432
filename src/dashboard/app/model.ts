import type { CallStatus } from '../../core/call.ts';
import type { About, CallRow, Changes, DeliveryRow, Snapshot } from '../wire.ts';

/** As many records as a page keeps; older ones are the log's to give. */
const MOST_RECORDS = 500;
/** How long a call that has just ended stays where it was, fading, ms. */
export const FADE_MS = 4000;

export const CALL_STATUSES: readonly CallStatus[] = [
  'Ringing',
  'Connected',
  'Transferred',
  'Disconnected',
  'Missed',
];

/** A call, and when this page saw it end, ms since the epoch; 0 where it has not, or came ended. */
export interface PageCall extends CallRow {
  endedSeen: number;
}

/** What the page knows, made of a snapshot and the changes since. Listeners are told of every change. */
export class Model {
  readonly calls = new Map<number, PageCall>();
  /** The latest first. */
  records: DeliveryRow[] = [];
  about: About | null = null;
  trouble: string | null = null;
  /** Rises with every change. */
  version = 0;
  /** What the server's clock is ahead of this page's, ms. */
  ahead = 0;
  readonly #listeners = new Set<() => void>();
  readonly #onNew: (seqs: number[], receivedMs: number) => void;

  /** `onNew` is told of events that changes brought, and when they were received. */
  constructor(onNew: (seqs: number[], receivedMs: number) => void = () => {}) {
    this.#onNew = onNew;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reset({ calls, records, about, trouble, now_ms }: Snapshot, now: number): void {
    const known = new Map(this.calls);
    this.calls.clear();
    for (const row of calls) this.#put(row, known.get(row.key), now);
    this.records = records;
    this.about = about;
    this.#changed(trouble, now_ms, now);
  }

  change({ calls, gone, records, skipped, trouble, now_ms }: Changes, now: number): void {
    for (const key of gone) this.calls.delete(key);
    for (const row of calls) this.#put(row, this.calls.get(row.key), now);
    this.#addRecords(records, skipped);
    this.#changed(trouble, now_ms, now);
  }

  #put(row: CallRow, before: PageCall | undefined, now: number): void {
    const endedSeen = row.ended ? (before === undefined ? 0 : before.ended ? before.endedSeen : now) : 0;
    this.calls.set(row.key, { ...row, endedSeen });
    const latest = before?.seqs.at(-1) ?? 0;
    const fresh = row.seqs.filter((seq) => seq > latest);
    if (fresh.length > 0) this.#onNew(fresh, row.last.received_ms);
  }

  #addRecords(records: readonly DeliveryRow[], skipped: number): void {
    if (records.length === 0 && skipped === 0) return;
    const changed = new Map(records.map((row) => [recordKey(row), row]));
    const kept = skipped > 0 ? [] : this.records.map((row) => take(changed, recordKey(row)) ?? row);
    for (const row of changed.values())
      if (row.kind === 'receipt') this.#onNew([row.seq], Date.parse(row.received_at));
    this.records = [...changed.values(), ...kept].slice(0, MOST_RECORDS);
  }

  #changed(trouble: string | null, serverNow: number, now: number): void {
    this.trouble = trouble;
    this.ahead = serverNow - now;
    this.version += 1;
    for (const listener of this.#listeners) listener();
  }
}

export function recordKey({ kind, seq }: Pick<DeliveryRow, 'kind' | 'seq'>): string {
  return `${kind}/${seq}`;
}

function take<Key, Value>(map: Map<Key, Value>, key: Key): Value | undefined {
  const value = map.get(key);
  map.delete(key);
  return value;
}
