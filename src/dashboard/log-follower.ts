import { type Payload, parsePayload } from '../core/payload.ts';
import type { LogRecord, Receipt, RecordKind } from '../core/record.ts';
import type { LogEntry, Store } from '../core/store.ts';
import type { TimeSource } from '../core/time-source.ts';
import { mergeByTime } from '../logs/merge-log.ts';
import { readEntry } from './log-reader.ts';

/** So many of the latest receipts are read to begin with: enough for the calls under way. */
const FIRST_RECEIPTS = 20_000;
const FIRST_ATTEMPTS = 200;
/** More attempts than this between two looks are not shown one by one. */
const MOST_ATTEMPTS = 2000;
const POLL_MS = 250;
/**
 * What a receiver in this process may offer between two looks. Beyond it is a flood, which is not to slow the receiver
 * down: it is read from the log bit by bit, and in large pieces once it is over.
 */
const FLOOD = 1000;
const PIECE_OF_A_FLOOD = 100;
const PIECE = 2000;
/** How many outstanding answers are asked after, and how long, ms. */
const MOST_PENDING = 200;
const PATIENCE_MS = 120_000;

/** What is told of the log, in order of arrival of each kind. */
export interface Followed {
  /** `payload` is what its body says; null where that is not on record. */
  added(seq: number, record: LogRecord, payload: Payload | null): void;
  /** A receipt whose answer was outstanding has it now. */
  settled(seq: number, receipt: Receipt): void;
  /** So many records are left out. */
  skipped(count: number): void;
  /** The log is no longer what it was: its newest records were removed. */
  reset(): void;
  /** So many receipts have yet to be told of. */
  behind(count: number): void;
  /** Why it cannot be read; null once it can again. */
  trouble(message: string | null): void;
}

/**
 * Follows the delivery log, whoever writes it. A receiver in this process offers what it has stored, so that nothing
 * need be read; what others store is found by asking for the latest `seq` now and then.
 */
export class LogFollower {
  readonly #store: Store;
  readonly #followed: Followed;
  readonly #time: TimeSource;
  readonly #seen: Record<RecordKind, number> = { attempt: 0, receipt: 0 };
  /** Receipts of other processes whose answer is outstanding, by seq: since when. */
  readonly #pending = new Map<number, number>();
  #timer: NodeJS.Timeout | null = null;
  #reading: Promise<void> | null = null;
  #again = false;
  /** Receipts offered since the last look that was due, and whether those before it were a flood. */
  #offered = 0;
  #flooded = false;
  #stopped = false;
  #troubled = false;

  constructor(store: Store, followed: Followed, time: TimeSource) {
    this.#store = store;
    this.#followed = followed;
    this.#time = time;
  }

  /** Tells of the latest records, then of each new one. Rejects with StoreError where they cannot be read. */
  async start(): Promise<void> {
    await this.#alone(this.#readFirst());
    if (!this.#stopped) this.#wait();
  }

  /** Takes what this process has just stored; what another stored before it is read first. */
  offer(seq: number, receipt: Receipt, payload: Payload): void {
    if (this.#stopped) return;
    this.#pending.delete(seq);
    // It has been read already; this one is told when it changes.
    if (seq <= this.#seen.receipt) return this.#followed.settled(seq, receipt);
    this.#offered += 1;
    if (this.#offered > FLOOD) return;
    if (seq > this.#seen.receipt + 1) {
      if (!this.#flooded) void this.poll();
      return;
    }
    this.#seen.receipt = seq;
    this.#followed.added(seq, { kind: 'receipt', receipt, headers: null, body: null }, payload);
  }

  /** Looks for what is new. One look at a time: another that is asked for meanwhile comes after it. */
  poll(): Promise<void> {
    if (this.#reading !== null) {
      this.#again = true;
      return this.#reading;
    }
    return this.#alone(this.#look());
  }

  stop(): void {
    this.#stopped = true;
    if (this.#timer !== null) clearTimeout(this.#timer);
  }

  #alone(reading: Promise<void>): Promise<void> {
    this.#reading = reading.finally(() => {
      this.#reading = null;
      if (!this.#again || this.#stopped) return;
      this.#again = false;
      void this.poll();
    });
    return this.#reading;
  }

  #wait(): void {
    this.#timer = setTimeout(() => {
      this.#flooded = this.#offered > FLOOD;
      this.#offered = 0;
      void this.poll().then(() => {
        if (!this.#stopped) this.#wait();
      });
    }, POLL_MS);
    this.#timer.unref();
  }

  /** In order of time, so that the latest of both kinds come last. */
  async #readFirst(): Promise<void> {
    const last = { attempt: await this.#store.last('attempt'), receipt: await this.#store.last('receipt') };
    // The very first may have been offered meanwhile.
    this.#seen.attempt = Math.max(this.#seen.attempt, last.attempt - FIRST_ATTEMPTS);
    this.#seen.receipt = Math.max(this.#seen.receipt, last.receipt - FIRST_RECEIPTS);
    const read = (kind: RecordKind) => this.#entries(kind, last[kind]);
    await this.#take(mergeByTime(read('attempt'), read('receipt'), 'oldest first'), last);
  }

  async #look(): Promise<void> {
    try {
      for (const kind of ['receipt', 'attempt'] as const) {
        const seen = this.#seen[kind];
        const last = await this.#store.last(kind);
        if (this.#stopped) return;
        if (last < seen) return this.#followed.reset();
        const behind = last - this.#seen[kind];
        if (kind === 'attempt' && behind > MOST_ATTEMPTS) {
          this.#seen.attempt = last - FIRST_ATTEMPTS;
          this.#followed.skipped(behind - FIRST_ATTEMPTS);
        }
        const piece = this.#flooded ? PIECE_OF_A_FLOOD : PIECE;
        const through = kind === 'receipt' ? Math.min(last, this.#seen.receipt + piece) : last;
        if (behind > 0) await this.#take(this.#entries(kind, through), { [kind]: through });
        if (kind === 'receipt') this.#followed.behind(Math.max(0, last - this.#seen.receipt));
      }
      await this.#readPending();
      if (this.#troubled && !this.#stopped) this.#followed.trouble(null);
      this.#troubled = false;
    } catch (error) {
      if (this.#stopped) return;
      this.#troubled = true;
      this.#followed.trouble((error as Error).message);
    }
  }

  #entries(kind: RecordKind, through: number): AsyncIterable<LogEntry> {
    return this.#store.entries(kind, {}, { after: this.#seen[kind], through, bodies: true });
  }

  async #take(entries: AsyncIterable<LogEntry>, through: Partial<Record<RecordKind, number>>): Promise<void> {
    for await (const { seq, record } of entries) {
      if (this.#stopped) return;
      const { kind } = record;
      // Offered meanwhile.
      if (seq <= this.#seen[kind]) continue;
      this.#seen[kind] = seq;
      if (kind === 'receipt' && this.#isOutstanding(record.receipt))
        this.#pending.set(seq, this.#time.elapsed());
      this.#followed.added(seq, slim(record), record.body === null ? null : parsePayload(record.body));
    }
    // Others may be gone from the log.
    for (const kind of ['receipt', 'attempt'] as const)
      this.#seen[kind] = Math.max(this.#seen[kind], through[kind] ?? 0);
  }

  /** What is older was never answered: its receiver was killed. */
  #isOutstanding({ status, receivedAt }: Receipt): boolean {
    return status === null && this.#time.now() - receivedAt <= PATIENCE_MS;
  }

  /** Answers that another process has noted since. */
  async #readPending(): Promise<void> {
    for (const [seq, since] of [...this.#pending].slice(0, MOST_PENDING)) {
      const found = await readEntry(this.#store, 'receipt', seq);
      if (this.#stopped) return;
      const receipt = found?.record.kind === 'receipt' ? found.record.receipt : null;
      if (receipt !== null && receipt.status !== null) this.#followed.settled(seq, receipt);
      if (receipt === null || receipt.status !== null || this.#time.elapsed() - since > PATIENCE_MS)
        this.#pending.delete(seq);
    }
  }
}

/** Without headers and body, which a list does not keep. */
function slim(record: LogRecord): LogRecord {
  return { ...record, headers: null, body: null };
}
