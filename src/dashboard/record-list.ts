import type { Payload } from '../core/payload.ts';
import { type LogRecord, type Receipt, recordTime } from '../core/record.ts';
import { deliveryRow } from './rows.ts';
import type { DeliveryRow } from './wire.ts';

/** The latest records that a page begins with. */
const FIRST = 200;
/** How many may gather before the list is cut back to what a page begins with. */
const MOST = 1000;

interface Entry {
  seq: number;
  record: LogRecord;
  payload: Payload | null;
}

/** The latest records of the log. Rows are made of them when they are sent: of a flood most never are. */
export class RecordList {
  /** The latest last. */
  #entries: Entry[] = [];
  readonly #receipts = new Map<number, Entry>();
  /** How many came since the changes were asked for. */
  #fresh = 0;
  readonly #settled = new Set<Entry>();

  add(seq: number, record: LogRecord, payload: Payload | null): void {
    const entry = { seq, record, payload };
    this.#entries.push(entry);
    this.#fresh += 1;
    if (record.kind === 'receipt') this.#receipts.set(seq, entry);
    if (this.#entries.length > MOST) this.#cut();
  }

  /** A receipt has its answer now. */
  settle(seq: number, receipt: Receipt): void {
    const entry = this.#receipts.get(seq);
    if (entry === undefined) return;
    entry.record = { kind: 'receipt', receipt, headers: null, body: null };
    this.#settled.add(entry);
  }

  skip(count: number): void {
    this.#fresh += count;
  }

  /** What came and what was settled since this was asked last, the latest first, `limit` new ones at most. */
  changes(limit: number): { records: DeliveryRow[]; skipped: number } {
    const sent = Math.min(this.#fresh, limit, this.#entries.length);
    const fresh = sent === 0 ? [] : this.#entries.slice(-sent);
    for (const entry of fresh) this.#settled.delete(entry);
    const records = [...[...this.#settled].map(rowOf), ...fresh.map(rowOf)].reverse();
    const skipped = this.#fresh - sent;
    this.#fresh = 0;
    this.#settled.clear();
    return { records, skipped };
  }

  /** The latest first. */
  latest(): DeliveryRow[] {
    return [...this.#entries]
      .sort((a, b) => recordTime(a.record) - recordTime(b.record))
      .slice(-FIRST)
      .map(rowOf)
      .reverse();
  }

  #cut(): void {
    for (const entry of this.#entries.splice(0, this.#entries.length - FIRST)) {
      this.#settled.delete(entry);
      if (entry.record.kind === 'receipt') this.#receipts.delete(entry.seq);
    }
  }
}

function rowOf({ seq, record, payload }: Entry): DeliveryRow {
  return deliveryRow(seq, record, payload);
}
