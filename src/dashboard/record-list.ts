import type { Payload } from '../core/payload.ts';
import { type LogRecord, type Receipt, recordTime } from '../core/record.ts';
import { deliveryRow, type Numbers, numbersOf } from './rows.ts';
import type { DeliveryRow } from './wire.ts';

/** The latest records that a page begins with. */
const FIRST = 200;
/** How many may gather before the list is cut back to what a page begins with. */
const MOST = 500;
/** As many new ones as one message tells of; of more than that as many as a page has room for. */
const MOST_NEW = 100;
const NEW_OF_A_FLOOD = 20;

interface Entry {
  seq: number;
  record: LogRecord;
  numbers: Numbers;
}

/** The latest records of the log. Rows are made of them when they are sent: of a flood most never are. */
export class RecordList {
  /** The latest last. */
  #entries: Entry[] = [];
  /** How many came since the changes were asked for. */
  #fresh = 0;
  readonly #settled = new Set<Entry>();
  /** Receipts whose answer is outstanding. */
  readonly #open = new Set<Receipt>();

  add(seq: number, record: LogRecord, payload: Payload | null): void {
    this.#entries.push({ seq, record, numbers: numbersOf(payload) });
    this.#fresh += 1;
    if (record.kind === 'receipt' && record.receipt.status === null) this.#open.add(record.receipt);
    if (this.#entries.length <= MOST) return;
    for (const entry of this.#entries.splice(0, MOST - FIRST)) {
      this.#settled.delete(entry);
      if (entry.record.kind === 'receipt') this.#open.delete(entry.record.receipt);
    }
  }

  /** A receipt has its answer now: this is what it has become. */
  settle(seq: number, receipt: Receipt): void {
    const entry = this.#entries.findLast((one) => one.seq === seq && one.record.kind === 'receipt');
    if (entry?.record.kind !== 'receipt') return;
    this.#open.delete(entry.record.receipt);
    entry.record = { kind: 'receipt', receipt, headers: null, body: null };
    if (receipt.status === null) this.#open.add(receipt);
    this.#settled.add(entry);
  }

  /** The same for a receipt that the list was given, and that has changed since. False where no page need be told. */
  answered(receipt: Receipt): boolean {
    // Most have their answer from the start, and a flood of them must cost nothing here.
    if (receipt.forward === null && !this.#open.delete(receipt)) return false;
    const at = this.#entries.findLastIndex(
      ({ record }) => record.kind === 'receipt' && record.receipt === receipt,
    );
    // One that is new is told as it is by then.
    if (at < 0 || at >= this.#entries.length - this.#fresh) return false;
    this.#settled.add(this.#entries[at] as Entry);
    return true;
  }

  skip(count: number): void {
    this.#fresh += count;
  }

  /** What came and what was settled since this was asked last, the latest first; `skipped` is what is left out. */
  changes(): { records: DeliveryRow[]; skipped: number } {
    const told = this.#fresh > MOST_NEW ? NEW_OF_A_FLOOD : this.#fresh;
    const fresh = told === 0 ? [] : this.#entries.slice(-told);
    for (const entry of fresh) this.#settled.delete(entry);
    const records = [...[...this.#settled].map(rowOf), ...fresh.map(rowOf)].reverse();
    const skipped = this.#fresh - fresh.length;
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
}

function rowOf({ seq, record, numbers }: Entry): DeliveryRow {
  return deliveryRow(seq, record, numbers);
}
