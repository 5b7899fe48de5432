import { describe, expect, test } from 'vitest';
import { Model, recordKey } from '../../../../src/dashboard/app/model.ts';
import type { About, Changes, DeliveryRow, Snapshot } from '../../../../src/dashboard/wire.ts';
import { CALL_AT as AT, callRow as call } from '../../../helpers/call-row.ts';

const ABOUT: About = { version: '1', location: 'here', receiver: null, app: null };

function receipt(seq: number, about: Partial<DeliveryRow> = {}): DeliveryRow {
  const received_at = new Date(AT + seq).toISOString();
  return { kind: 'receipt', seq, received_at, status: 200, event_id: `ev_${seq}`, ...about } as DeliveryRow;
}

function receipts(from: number, count: number): DeliveryRow[] {
  return Array.from({ length: count }, (_, i) => receipt(from + count - 1 - i));
}

const snapshot = (about: Partial<Snapshot> = {}): Snapshot => ({
  now_ms: AT,
  calls: [],
  records: [],
  trouble: null,
  about: ABOUT,
  ...about,
});
const changes = (about: Partial<Changes> = {}): Changes => ({
  now_ms: AT,
  calls: [],
  gone: [],
  records: [],
  skipped: 0,
  behind: 0,
  trouble: null,
  ...about,
});
const keys = (model: Model) => model.records.map(recordKey);

describe('calls', () => {
  test('come with a snapshot, change, and go', () => {
    const model = new Model();
    model.reset(snapshot({ calls: [call(), call({ key: 2 })] }), AT);
    model.change(changes({ calls: [call({ status: 'Connected' })], gone: [2] }), AT);
    expect([...model.calls.values()].map(({ key, status }) => [key, status])).toEqual([[1, 'Connected']]);
    model.reset(snapshot({ calls: [call({ key: 3 })] }), AT);
    expect([...model.calls.keys()]).toEqual([3]);
  });

  test('are seen to end when they end before the page, and only then', () => {
    const model = new Model();
    model.reset(snapshot({ calls: [call(), call({ key: 2, ended: true })] }), AT);
    expect(model.calls.get(2)?.endedSeen).toBe(0);
    model.change(changes({ calls: [call({ ended: true }), call({ key: 3, ended: true })] }), AT + 5);
    expect([1, 3].map((key) => model.calls.get(key)?.endedSeen)).toEqual([AT + 5, 0]);
    model.change(changes({ calls: [call({ ended: true, warnings: 1 })] }), AT + 9);
    expect(model.calls.get(1)?.endedSeen).toBe(AT + 5);
    model.reset(snapshot({ calls: [call({ ended: true })] }), AT + 20);
    expect(model.calls.get(1)?.endedSeen).toBe(AT + 5);
  });
});

describe('records', () => {
  test('are put before those there are, and change in their place', () => {
    const model = new Model();
    model.reset(snapshot({ records: [receipt(2), receipt(1)] }), AT);
    model.change(changes({ records: [receipt(3), receipt(1, { status: 503 })] }), AT);
    expect(keys(model)).toEqual(['receipt/3', 'receipt/2', 'receipt/1']);
    expect(model.records[2]?.status).toBe(503);
    model.change(changes({ records: [receipt(1, { kind: 'attempt' } as Partial<DeliveryRow>)] }), AT);
    expect(keys(model)[0]).toBe('attempt/1');
    expect(model.records).toHaveLength(4);
  });

  test('are not cut while there are few; where they are cut or skipped the list begins anew, which is told', () => {
    const model = new Model();
    model.reset(snapshot({ records: receipts(1, 200) }), AT);
    const { cuts } = model;
    for (let seq = 201; seq <= 2000; seq += 100) model.change(changes({ records: receipts(seq, 100) }), AT);
    expect(keys(model)).toEqual(receipts(1, 2000).map(recordKey));
    expect(model.cuts).toBe(cuts);
    model.change(changes({ records: receipts(2001, 1) }), AT);
    expect(keys(model)).toEqual(receipts(1502, 500).map(recordKey));
    expect(model.cuts).toBe(cuts + 1);
    model.change(changes({ records: receipts(3000, 100), skipped: 999 }), AT);
    expect(keys(model)).toEqual(receipts(3000, 100).map(recordKey));
    expect(model.cuts).toBe(cuts + 2);
    model.reset(snapshot({ records: receipts(1, 3) }), AT);
    expect(model.cuts).toBe(cuts + 3);
  });
});

describe('what is new', () => {
  function watched() {
    const seen: [number, number][] = [];
    return { seen, model: new Model((seq, receivedMs) => seen.push([seq, receivedMs - AT])) };
  }

  test('are the events of a call that the page has not been told of', () => {
    const { seen, model } = watched();
    model.reset(snapshot({ calls: [call({ seqs: [3] })] }), AT);
    expect(seen).toEqual([[3, 0]]);
    seen.length = 0;
    const last = { event: 'call_connected', event_id: 'ev_9', received_ms: AT + 9 };
    model.change(changes({ calls: [call({ seqs: [3, 7, 9], last })] }), AT);
    expect(seen).toEqual([
      [7, 9],
      [9, 9],
    ]);
  });

  test('are receipts, but not attempts, nor such as have only got their answer', () => {
    const { seen, model } = watched();
    model.reset(snapshot({ records: [receipt(1)] }), AT);
    model.change(
      changes({
        records: [
          receipt(2),
          receipt(1, { status: 500 }),
          receipt(8, { kind: 'attempt' } as Partial<DeliveryRow>),
        ],
      }),
      AT,
    );
    expect(seen).toEqual([[2, 2]]);
  });
});

describe("the server's clock", () => {
  test('is what the snapshot says; a message that was missed at first does not put it back, a sign of life does', () => {
    const model = new Model();
    model.reset(snapshot({ now_ms: AT + 500 }), AT);
    expect(model.ahead).toBe(500);
    model.change(changes({ now_ms: AT }), AT + 60_000);
    expect(model.ahead).toBe(500);
    model.change(changes({ now_ms: AT + 60_700 }), AT + 60_000);
    expect(model.ahead).toBe(700);
    model.beat(AT + 60_100, AT + 60_000);
    expect(model.ahead).toBe(100);
    model.reset(snapshot({ now_ms: AT - 7 }), AT);
    expect(model.ahead).toBe(-7);
  });
});

test('how far the server is behind is what it said last, and nothing after a snapshot', () => {
  const model = new Model();
  model.reset(snapshot(), AT);
  model.change(changes({ behind: 700 }), AT);
  expect(model.behind).toBe(700);
  model.reset(snapshot(), AT);
  expect(model.behind).toBe(0);
});

test('listeners are told of each change, until they leave', () => {
  const model = new Model();
  let told = 0;
  const leave = model.listen(() => {
    told += 1;
  });
  model.reset(snapshot({ trouble: 'no disk' }), AT);
  expect([told, model.version, model.trouble, model.about]).toEqual([1, 1, 'no disk', ABOUT]);
  model.change(changes(), AT);
  expect([told, model.version, model.trouble]).toEqual([2, 2, null]);
  leave();
  model.change(changes(), AT);
  expect([told, model.version]).toEqual([2, 3]);
});
