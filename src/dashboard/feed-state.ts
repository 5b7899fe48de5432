import type { Payload } from '../core/payload.ts';
import type { LogRecord, Receipt } from '../core/record.ts';
import { CallBoard } from './call-board.ts';
import { RecordList } from './record-list.ts';
import type { CallDetail, Changes, Snapshot } from './wire.ts';

/** As many calls as one message tells of: under a flood the page catches up with the rest. */
const MOST_CALLS = 100;

/** What is known of the log, as far as pages show it, and what of it they have been told. */
export class FeedState {
  readonly #calls = new CallBoard();
  readonly #records = new RecordList();
  #trouble: string | null = null;
  #behind = 0;
  /** The two above, as far as pages have been told. */
  #told = { trouble: this.#trouble, behind: this.#behind };

  add(seq: number, record: LogRecord, payload: Payload | null): void {
    if (record.kind === 'receipt') this.#calls.add(seq, record.receipt, payload);
    this.#records.add(seq, record, payload);
  }

  /** See RecordList. */
  settle(seq: number, receipt: Receipt): void {
    this.#records.settle(seq, receipt);
  }

  answered(receipt: Receipt): boolean {
    return this.#records.answered(receipt);
  }

  skip(count: number): void {
    this.#records.skip(count);
  }

  /** How the log is being read: why it cannot be, and how many receipts are yet to be. False where that is no news. */
  report(news: { trouble?: string | null; behind?: number }): boolean {
    const { trouble = this.#trouble, behind = this.#behind } = news;
    const same = trouble === this.#trouble && behind === this.#behind;
    this.#trouble = trouble;
    this.#behind = behind;
    return !same;
  }

  /** See CallBoard. */
  giveUp(now: number): boolean {
    return this.#calls.giveUp(now);
  }

  call(key: number, now: number): CallDetail | null {
    return this.#calls.detail(key, now);
  }

  /** What there is now is in the snapshots, and no change. */
  begin(now: number): void {
    this.#calls.giveUp(now);
    this.#calls.changes(Number.POSITIVE_INFINITY, now);
    this.#records.changes();
  }

  /** What has changed since this was asked last; null where nothing has. `more` is left for the next time. */
  changes(now: number): { changes: Changes; more: boolean } | null {
    const { more, ...calls } = this.#calls.changes(MOST_CALLS, now);
    const records = this.#records.changes();
    const [trouble, behind] = [this.#trouble, this.#behind];
    const counts = [calls.calls.length, calls.gone.length, records.records.length, records.skipped];
    const same = trouble === this.#told.trouble && behind === this.#told.behind;
    if (same && counts.every((count) => count === 0)) return null;
    this.#told = { trouble, behind };
    return { changes: { now_ms: now, ...calls, ...records, behind, trouble }, more };
  }

  snapshot(now: number): Omit<Snapshot, 'about'> {
    return {
      now_ms: now,
      calls: this.#calls.all(now),
      records: this.#records.latest(),
      trouble: this.#trouble,
    };
  }
}
