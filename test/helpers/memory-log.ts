import {
  type Attempt,
  type LogRecord,
  type Receipt,
  type RecordKind,
  recordTime,
} from '../../src/core/record.ts';
import type { LogEntry, ReadOptions, RecordFilter, Store } from '../../src/core/store.ts';
import { AT, newAttempt, newReceipt } from './records.ts';

/** A delivery log that a test writes as it likes; what nobody reads from it in these tests is not there. */
export interface MemoryLog {
  store: Store;
  /** Adds a receipt or an attempt, at the next place unless told otherwise, and answers with its place. */
  received(
    about?: Partial<Receipt> & { body?: string | Buffer | null; headers?: string[]; seq?: number },
  ): number;
  sent(about?: Partial<Attempt> & { body?: string | Buffer | null; seq?: number }): number;
  /** Changes a receipt that is there. */
  settle(seq: number, change: Partial<Receipt>): void;
  /** Removes the records of a kind from this place on. */
  cutFrom(kind: RecordKind, seq: number): void;
  /** From now on reading fails with this; null lets it go on. */
  fail(error: Error | null): void;
  /** What is read waits for this from now on. */
  hold(until: Promise<void>): void;
  /** Every question that `entries` was asked. */
  asked: (ReadOptions & { kind: RecordKind })[];
}

export function memoryLog(): MemoryLog {
  const entries: Record<RecordKind, LogEntry[]> = { attempt: [], receipt: [] };
  const asked: MemoryLog['asked'] = [];
  let failure: Error | null = null;
  let gate: Promise<void> = Promise.resolve();
  const check = async () => {
    await gate;
    if (failure !== null) throw failure;
  };
  const lastOf = (kind: RecordKind) => entries[kind].at(-1)?.seq ?? 0;
  const add = (record: LogRecord, seq = lastOf(record.kind) + 1) => {
    entries[record.kind].push({ seq, record, hasBody: record.body !== null, cut: false });
    return seq;
  };
  const bytesOf = (body: string | Buffer | null) => (body === null ? null : Buffer.from(body));
  return {
    asked,
    received({ body = '{}', headers = [], seq, ...about } = {}) {
      const number = seq ?? lastOf('receipt') + 1;
      const {
        body: _,
        headers: __,
        asked: ___,
        timestampMs,
        accepted,
        forwarding,
        ...receipt
      } = newReceipt({
        id: `rc_${number}`,
        eventId: `ev_${number}`,
        receivedAt: AT + number,
      });
      const whole = { ...receipt, duplicate: null, forward: null, shownAt: null, ...about };
      return add({ kind: 'receipt', receipt: whole, headers, body: bytesOf(body) }, number);
    },
    sent({ body = null, seq, ...about } = {}) {
      const number = seq ?? lastOf('attempt') + 1;
      const attempt = newAttempt({
        id: `at_${number}`,
        eventId: `ev_${number}`,
        sentAt: AT + number,
        ...about,
      });
      return add({ kind: 'attempt', attempt, headers: null, body: bytesOf(body) }, number);
    },
    settle(seq, change) {
      const found = entries.receipt.find((entry) => entry.seq === seq);
      if (found?.record.kind !== 'receipt') throw new Error(`no receipt ${seq}`);
      found.record = { ...found.record, receipt: { ...found.record.receipt, ...change } };
    },
    cutFrom(kind, seq) {
      entries[kind] = entries[kind].filter((entry) => entry.seq < seq);
    },
    fail(error) {
      failure = error;
    },
    hold(until) {
      gate = until;
    },
    store: {
      location: 'memory',
      async last(kind: RecordKind) {
        await check();
        return lastOf(kind);
      },
      async *entries(kind: RecordKind, filter: RecordFilter, options: ReadOptions = {}) {
        asked.push({ kind, ...options });
        await check();
        const { newestFirst = false, after, through, bodies = false } = options;
        const from = after ?? (newestFirst ? Number.POSITIVE_INFINITY : 0);
        const found = entries[kind].filter(
          ({ seq, record }) =>
            (newestFirst ? seq < from : seq > from) &&
            seq <= (through ?? Number.POSITIVE_INFINITY) &&
            matches(record, filter),
        );
        for (const entry of newestFirst ? found.reverse() : found) {
          await check();
          yield bodies ? entry : { ...entry, record: { ...entry.record, headers: null, body: null } };
        }
      },
    } as Partial<Store> as Store,
  };
}

function matches(record: LogRecord, { event, eventId, since, until }: RecordFilter): boolean {
  const about = record.kind === 'attempt' ? record.attempt : record.receipt;
  if (event !== undefined && about.event !== event) return false;
  if (since !== undefined && recordTime(record) < since) return false;
  if (until !== undefined && recordTime(record) >= until) return false;
  return eventId === undefined || about.eventId === eventId;
}
