import { describe, expect, test } from 'vitest';
import { parsePayload } from '../../../src/core/payload.ts';
import type { LogRecord, Receipt } from '../../../src/core/record.ts';
import { RecordList } from '../../../src/dashboard/record-list.ts';
import type { DeliveryRow } from '../../../src/dashboard/wire.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

function received(seq: number, about: Partial<Receipt> = {}): Receipt {
  return {
    ...newReceipt({ id: `rc_${seq}`, receivedAt: AT + seq }),
    duplicate: null,
    forward: null,
    shownAt: null,
    ...about,
  };
}

const asRecord = (receipt: Receipt): LogRecord => ({ kind: 'receipt', receipt, headers: null, body: null });

/** A list with receipts of these places, and the receipts. */
function filled(count: number, first = 1): { list: RecordList; receipts: Receipt[] } {
  const list = new RecordList();
  const receipts = Array.from({ length: count }, (_, i) => received(first + i));
  for (const [i, receipt] of receipts.entries()) list.add(first + i, asRecord(receipt), null);
  return { list, receipts };
}

const seqs = (rows: readonly DeliveryRow[]) => rows.map(({ seq }) => seq);
/** These numbers, the last first. */
const down = (from: number, to: number) => Array.from({ length: from - to + 1 }, (_, i) => from - i);

test('changes are what came since they were asked for, the latest first', () => {
  const { list } = filled(3);
  expect(list.changes()).toMatchObject({ records: [{ seq: 3 }, { seq: 2 }, { seq: 1 }], skipped: 0 });
  expect(list.changes()).toEqual({ records: [], skipped: 0 });
  list.add(4, asRecord(received(4)), null);
  expect(seqs(list.changes().records)).toEqual([4]);
  expect(seqs(list.latest())).toEqual([4, 3, 2, 1]);
});

test('a row says whose call it is about', () => {
  const list = new RecordList();
  list.add(
    1,
    asRecord(received(1)),
    parsePayload(Buffer.from(eventBody({ caller_number: '+919876543210' }))),
  );
  list.settle(1, received(1, { status: 500 }));
  const row = { caller_number: '+919876543210', receiver_number: null, status: 500 };
  expect(list.changes().records).toMatchObject([row]);
  expect(list.latest()).toMatchObject([row]);
});

test('the latest are in order of time, both kinds together, at most 200', () => {
  const { list } = filled(150);
  for (let i = 1; i <= 150; i++) {
    const attempt = newAttempt({ id: `at_${i}`, sentAt: AT + i });
    list.add(i, { kind: 'attempt', attempt, headers: null, body: null }, null);
  }
  const latest = list.latest();
  expect(latest).toHaveLength(200);
  for (const kind of ['receipt', 'attempt'])
    expect(seqs(latest.filter((row) => row.kind === kind))).toEqual(down(150, 51));
  const times = latest.map((row) => (row.kind === 'attempt' ? row.sent_at : row.received_at));
  expect(times).toEqual([...times].sort().reverse());
});

describe('an answer that becomes known', () => {
  test('is told of a receipt that pages know already', () => {
    const { list } = filled(3);
    list.changes();
    list.settle(2, received(2, { status: 503 }));
    expect(list.changes()).toMatchObject({ records: [{ seq: 2, status: 503 }], skipped: 0 });
    expect(list.changes().records).toEqual([]);
    expect(list.latest()[1]).toMatchObject({ seq: 2, status: 503 });
  });

  test('is told once of one that is new, as it is by then', () => {
    const { list } = filled(2);
    list.settle(2, received(2, { status: 503 }));
    expect(list.changes().records).toMatchObject([
      { seq: 2, status: 503 },
      { seq: 1, status: 200 },
    ]);
    expect(list.changes().records).toEqual([]);
  });

  test('comes after what is new', () => {
    const { list } = filled(3);
    list.changes();
    list.settle(1, received(1, { status: 503 }));
    list.add(4, asRecord(received(4)), null);
    expect(seqs(list.changes().records)).toEqual([4, 1]);
  });

  test('of an attempt with the same place is another matter', () => {
    const { list } = filled(1);
    list.add(1, { kind: 'attempt', attempt: newAttempt(), headers: null, body: null }, null);
    list.changes();
    list.settle(1, received(1, { status: 503 }));
    expect(list.changes().records).toMatchObject([{ kind: 'receipt', status: 503 }]);
    expect(list.latest()).toMatchObject([
      { kind: 'receipt', status: 503 },
      { kind: 'attempt', status: 200 },
    ]);
  });

  test('of one that is not kept any more is nobody’s business', () => {
    const { list } = filled(2000);
    list.changes();
    list.settle(1, received(1, { status: 503 }));
    list.settle(9999, received(9999));
    expect(list.changes()).toEqual({ records: [], skipped: 0 });
  });

  test('is told of a receipt that was given itself, where its answer was outstanding', () => {
    const { list } = filled(1);
    const receipt = received(2, { status: null });
    list.add(2, asRecord(receipt), null);
    list.changes();
    receipt.status = 504;
    expect(list.answered(receipt)).toBe(true);
    expect(list.changes().records).toMatchObject([{ seq: 2, status: 504 }]);
    expect(list.changes().records).toEqual([]);
  });

  test('is told of one that was answered first and handed on afterwards', () => {
    const { list, receipts } = filled(2);
    const [, receipt] = receipts as [Receipt, Receipt];
    list.changes();
    receipt.forward = { status: 200, durationMs: 5, error: null };
    expect(list.answered(receipt)).toBe(true);
    expect(list.changes().records).toMatchObject([{ seq: 2, forward: { status: 200 } }]);
  });

  test('of one that has had its answer all along need not be told', () => {
    const { list, receipts } = filled(2);
    list.changes();
    expect(list.answered(receipts[1] as Receipt)).toBe(false);
  });

  test('of a given one that is new need not be told: it is as it is by then', () => {
    const list = new RecordList();
    const receipt = received(1, { status: null });
    list.add(1, asRecord(receipt), null);
    list.add(2, asRecord(received(2)), null);
    receipt.status = 504;
    expect(list.answered(receipt)).toBe(false);
    expect(list.changes().records).toMatchObject([{ seq: 2 }, { seq: 1, status: 504 }]);
  });

  test('of one that was replaced is told of what it has become alone', () => {
    const list = new RecordList();
    const [read, given] = [received(1, { status: null }), received(1, { status: null })];
    list.add(1, asRecord(read), null);
    list.settle(1, given);
    list.changes();
    expect(list.answered(read)).toBe(false);
    given.status = 201;
    expect(list.answered(given)).toBe(true);
    expect(list.changes().records).toMatchObject([{ seq: 1, status: 201 }]);
  });

  test('of a receipt that was never given is not its business', () => {
    const { list } = filled(2);
    list.changes();
    expect(list.answered(received(2))).toBe(false);
    expect(list.changes().records).toEqual([]);
  });
});

describe('of a flood', () => {
  test('the latest are told, and how many are left out', () => {
    const { list } = filled(5000);
    const { records, skipped } = list.changes();
    expect(records.length).toBeGreaterThan(0);
    expect(records.length).toBeLessThanOrEqual(100);
    expect(seqs(records)).toEqual(down(5000, 5001 - records.length));
    expect(skipped).toBe(5000 - records.length);
    expect(list.changes()).toEqual({ records: [], skipped: 0 });
    list.add(5001, asRecord(received(5001)), null);
    expect(list.changes()).toMatchObject({ records: [{ seq: 5001 }], skipped: 0 });
  });

  test('as many as a message tells of are all told', () => {
    const { list } = filled(100);
    expect(seqs(list.changes().records)).toEqual(down(100, 1));
  });

  test('the latest 200 are there for whoever looks next', () => {
    const { list } = filled(5000);
    expect(seqs(list.latest())).toEqual(down(5000, 4801));
  });

  test('what was not even given counts among what is left out', () => {
    const { list } = filled(10);
    list.changes();
    list.skip(3000);
    const attempt = (seq: number): LogRecord => ({
      kind: 'attempt',
      attempt: newAttempt({ id: `at_${seq}`, sentAt: AT + seq }),
      headers: null,
      body: null,
    });
    for (let seq = 3001; seq <= 3005; seq++) list.add(seq, attempt(seq), null);
    const { records, skipped } = list.changes();
    expect(seqs(records).slice(0, 5)).toEqual(down(3005, 3001));
    expect(skipped).toBeGreaterThan(0);
    // A page's list begins anew with these.
    expect(skipped + records.length).toBe(3005);
  });
});
