import type { CallStatus } from '../../core/call.ts';
import type { About, CallRow, Changes, DeliveryRow, Snapshot } from '../wire.ts';

/** How many records may gather before the list is cut back to the latest; older ones are the log's to give. */
const MOST_RECORDS = 2000;
const KEPT_RECORDS = 500;
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
  /** Rises when the list begins anew or is cut back: from then on there is a gap between it and what came before it. */
  cuts = 0;
  about: About | null = null;
  trouble: string | null = null;
  /** How many receipts came too fast, and are yet to be told of. */
  behind = 0;
  /** Rises with every change. */
  version = 0;
  /** What the server's clock is ahead of this page's, ms. */
  ahead = 0;
  readonly #listeners = new Set<() => void>();
  readonly #onNew: (seq: number, receivedMs: number) => void;

  /** `onNew` is told of each event that is new to the page, and when it was received. */
  constructor(onNew: (seq: number, receivedMs: number) => void = () => {}) {
    this.#onNew = onNew;
  }

  listen(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  reset({ calls, records, about, trouble, now_ms }: Snapshot, now: number): void {
    const known = new Map(this.calls);
    this.calls.clear();
    this.ahead = now_ms - now;
    for (const row of calls) this.#put(row, known.get(row.key), now);
    this.records = records;
    this.cuts += 1;
    this.behind = 0;
    this.about = about;
    this.#changed(trouble);
  }

  change({ calls, gone, records, skipped, behind, trouble, now_ms }: Changes, now: number): void {
    this.behind = behind;
    for (const key of gone) this.calls.delete(key);
    // One that was missed at first is told of late, and says little of the time.
    this.ahead = Math.max(this.ahead, now_ms - now);
    for (const row of calls) this.#put(row, this.calls.get(row.key), now);
    this.#addRecords(records, skipped);
    this.#changed(trouble);
  }

  /** A sign of life is never late. */
  beat(nowMs: number, now: number): void {
    this.ahead = nowMs - now;
  }

  #put(row: CallRow, before: PageCall | undefined, now: number): void {
    const endedSeen = row.ended ? (before === undefined ? 0 : before.ended ? before.endedSeen : now) : 0;
    this.calls.set(row.key, { ...row, endedSeen });
    const latest = before?.seqs.at(-1) ?? 0;
    for (const seq of row.seqs) if (seq > latest) this.#onNew(seq, row.last.received_ms);
  }

  #addRecords(records: readonly DeliveryRow[], skipped: number): void {
    if (records.length === 0 && skipped === 0) return;
    const changed = new Map(records.map((row) => [recordKey(row), row]));
    const kept = skipped > 0 ? [] : this.records.map((row) => take(changed, recordKey(row)) ?? row);
    for (const row of changed.values())
      if (row.kind === 'receipt') this.#onNew(row.seq, Date.parse(row.received_at));
    this.records = [...changed.values(), ...kept];
    const tooMany = this.records.length > MOST_RECORDS;
    if (tooMany) this.records.length = KEPT_RECORDS;
    if (tooMany || skipped > 0) this.cuts += 1;
  }

  #changed(trouble: string | null): void {
    this.trouble = trouble;
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
