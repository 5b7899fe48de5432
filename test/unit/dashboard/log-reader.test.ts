import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { RecordKind } from '../../../src/core/record.ts';
import type { LogEntry, Store } from '../../../src/core/store.ts';
import type { DeliveryFilter } from '../../../src/dashboard/delivery-filter.ts';
import { inspect, readEntry, readPage } from '../../../src/dashboard/log-reader.ts';
import type { DeliveryPage, DeliveryRow } from '../../../src/dashboard/wire.ts';
import { openStore } from '../../../src/store/open.ts';
import { eventBody } from '../../helpers/delivery.ts';
import { memoryLog } from '../../helpers/memory-log.ts';
import { AT, newAttempt, newReceipt } from '../../helpers/records.ts';

const EVERYTHING: DeliveryFilter = { kind: null, event: null, result: null, search: '' };
const placeOf = ({ kind, seq }: DeliveryRow) => `${kind}/${seq}`;
const timeOf = (row: DeliveryRow) => Date.parse(row.kind === 'attempt' ? row.sent_at : row.received_at);

function cursorOf(text: string | null): Record<RecordKind, number> {
  const [attempt = 0, receipt = 0] = (text ?? '0.0').split('.').map(Number);
  return { attempt, receipt };
}

/** Every page of the log, as one asks for them; `between` is done after each. */
async function readAll(
  store: Store,
  filter: Partial<DeliveryFilter>,
  limit: number,
  between: () => Promise<void> | void = () => {},
): Promise<DeliveryPage[]> {
  const pages: DeliveryPage[] = [];
  let cursor: string | null = null;
  do {
    const page: DeliveryPage = await readPage(store, { ...EVERYTHING, ...filter }, cursorOf(cursor), limit);
    pages.push(page);
    cursor = page.cursor;
    if (pages.length > 500) throw new Error('There is no end of pages.');
    await between();
  } while (cursor !== null);
  return pages;
}

/** A store of both kinds, at these seconds. */
async function filled(seconds: Record<RecordKind, readonly number[]>): Promise<Store> {
  const store = await openStore('sqlite::memory:');
  await Promise.all([
    ...seconds.attempt.map((s, i) =>
      store.addAttempt(newAttempt({ id: `at_${i}`, eventId: `ev_${i}`, sentAt: AT + s * 1000 }), null),
    ),
    ...seconds.receipt.map((s, i) =>
      store.addReceipt(newReceipt({ id: `rc_${i}`, eventId: `ev_${i}`, receivedAt: AT + s * 1000 })),
    ),
  ]);
  return store;
}

describe('pages of the log', () => {
  const anySeconds = fc.array(fc.nat(50), { maxLength: 12 }).map((some) => some.sort((a, b) => a - b));

  test('have every record of both kinds exactly once, the latest first', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ attempt: anySeconds, receipt: anySeconds }),
        fc.integer({ min: 1, max: 7 }),
        async (seconds, limit) => {
          const store = await filled(seconds);
          const pages = await readAll(store, {}, limit);
          const rows = pages.flatMap(({ records }) => records);
          expect(rows.map(placeOf).sort()).toEqual(
            [
              ...seconds.attempt.map((_, i) => `attempt/${i + 1}`),
              ...seconds.receipt.map((_, i) => `receipt/${i + 1}`),
            ].sort(),
          );
          expect(rows.map(timeOf)).toEqual(rows.map(timeOf).sort((a, b) => b - a));
          for (const { records } of pages.slice(0, -1)) expect(records).toHaveLength(limit);
          await store.close();
        },
      ),
      { numRuns: 40 },
    );
  });

  test('have what was there at the first of them, whatever comes meanwhile', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.record({ attempt: anySeconds, receipt: anySeconds }),
        fc.integer({ min: 1, max: 7 }),
        async (seconds, limit) => {
          const store = await filled(seconds);
          let late = 0;
          const pages = await readAll(store, {}, limit, async () => {
            late += 1;
            await Promise.all([
              store.addAttempt(newAttempt({ id: `late_${late}`, sentAt: AT + 60_000 }), null),
              store.addReceipt(
                newReceipt({ id: `late_${late}`, eventId: `late_${late}`, receivedAt: AT + 60_000 }),
              ),
            ]);
          });
          const places = pages.flatMap(({ records }) => records).map(placeOf);
          expect(places).toHaveLength(seconds.attempt.length + seconds.receipt.length);
          expect(new Set(places).size).toBe(places.length);
          await store.close();
        },
      ),
      { numRuns: 25 },
    );
  });

  test('end where the log does', async () => {
    const store = await filled({ attempt: [1, 2], receipt: [3] });
    expect(await readPage(store, EVERYTHING, cursorOf(null), 3)).toMatchObject({ cursor: null, scanned: 3 });
    expect(await readPage(store, EVERYTHING, cursorOf(null), 2)).toMatchObject({ cursor: '2.1', scanned: 2 });
    const empty = await openStore('sqlite::memory:');
    expect(await readPage(empty, EVERYTHING, cursorOf(null), 2)).toEqual({
      records: [],
      cursor: null,
      scanned: 0,
    });
  });

  test.each<[string, Partial<DeliveryFilter>, string[]]>([
    ['of one kind', { kind: 'receipt' }, ['receipt/4', 'receipt/3', 'receipt/2', 'receipt/1']],
    ['of the other', { kind: 'attempt' }, ['attempt/2', 'attempt/1']],
    ['of one type', { event: 'call_missed' }, ['attempt/2', 'receipt/3']],
    ['of one type and kind', { event: 'call_missed', kind: 'receipt' }, ['receipt/3']],
    ['with one result', { result: 'failed' }, ['attempt/2', 'receipt/4']],
    ['of duplicates', { result: 'duplicate' }, ['receipt/2']],
    ['with a text', { search: '98765' }, ['receipt/3', 'attempt/1']],
    ['of nothing', { search: 'nothing' }, []],
    ['of a type that is none', { event: "x' OR 1=1 --" }, []],
  ])('%s', async (_, filter, places) => {
    const { store, received, sent } = memoryLog();
    received({ receivedAt: AT + 1 });
    received({ receivedAt: AT + 2, duplicate: 'duplicate' });
    received({
      receivedAt: AT + 4,
      event: 'call_missed',
      body: eventBody({ caller_number: '+919876543210' }),
    });
    received({ receivedAt: AT + 6, status: 503 });
    sent({ sentAt: AT + 3, body: eventBody({ receiver_number: '+919876543210' }) });
    sent({ sentAt: AT + 7, event: 'call_missed', outcome: 'timeout', status: null });
    for (const limit of [1, 2, 100]) {
      const pages = await readAll(store, filter, limit);
      expect(pages.flatMap(({ records }) => records.map(placeOf))).toEqual(places);
    }
  });

  test('look at so many records and no more, and say where to go on', async () => {
    const { store, received, sent } = memoryLog();
    sent({ eventId: 'wanted', sentAt: AT });
    for (let i = 1; i <= 45_000; i++) received({ receivedAt: AT + i, body: null });
    const pages = await readAll(store, { search: 'wanted' }, 10);
    expect(pages.map(({ records, scanned }) => [records.length, scanned])).toEqual([
      [0, 20_000],
      [0, 20_000],
      [1, 5001],
    ]);
  });
});

/** The entry at a place, inspected. */
async function look(
  store: Store,
  kind: RecordKind,
  seq: number,
  explain: (entry: LogEntry['record']) => string | null = () => null,
) {
  return inspect(store, (await readEntry(store, kind, seq)) as LogEntry, explain);
}

const bodyOf = ({ body_base64: body }: { body_base64: string | null }) =>
  body === null ? null : Buffer.from(body, 'base64').toString();

describe('a record that is looked into', () => {
  test('is at its place, or gone', async () => {
    const store = await filled({ attempt: [1], receipt: [2, 3] });
    expect((await readEntry(store, 'receipt', 2))?.record).toMatchObject({
      kind: 'receipt',
      receipt: { id: 'rc_1' },
    });
    expect((await readEntry(store, 'attempt', 1))?.record).toMatchObject({ kind: 'attempt' });
    for (const seq of [0, 3, 999_999_999_999_999]) expect(await readEntry(store, 'receipt', seq)).toBeNull();
  });

  test('has its bytes and headers as they came, and what the app said', async () => {
    const store = await openStore('sqlite::memory:');
    const body = Buffer.from([0xff, 0xfe, 0, 0x7b, 0x0a]);
    const headers = ['X-MO-Event-Id', 'ev_1', 'x-odd', 'a', 'X-Odd', 'b'];
    const { seq } = await store.addReceipt({ ...newReceipt({ headers, forwarding: true }), body });
    await store.settleForward({
      seqs: [seq],
      forward: { status: 500, durationMs: 3, error: null },
      answer: 'no agent for +919876543210',
      status: 500,
      owed: true,
    });
    const found = await look(store, 'receipt', seq, (record) => `why ${record.kind}`);
    expect(found).toMatchObject({
      row: { seq, status: 500, forward: { status: 500 } },
      headers: [
        ['X-MO-Event-Id', 'ev_1'],
        ['x-odd', 'a'],
        ['X-Odd', 'b'],
      ],
      body_base64: body.toString('base64'),
      explanation: 'why receipt',
      answer: 'no agent for +919876543210',
      related: [{ kind: 'receipt', seq }],
      related_cut: false,
    });
  });

  test('B14 has all of a large body', async () => {
    const store = await openStore('sqlite::memory:');
    const body = eventBody({
      metadata: {
        queue: 'x'.repeat(400_000),
        ...Object.fromEntries(Array.from({ length: 100_000 }, (_, i) => [`k${i}`, i])),
      },
    });
    const { seq } = await store.addReceipt(newReceipt({ body, callId: 'y'.repeat(400_000) }));
    const found = await look(store, 'receipt', seq);
    expect(bodyOf(found)).toBe(body);
    expect(JSON.stringify({ ...found, body_base64: null }).length).toBeLessThan(3000);
  });

  test('comes with every record of its event, the oldest first', async () => {
    const { store, received, sent } = memoryLog();
    sent({ eventId: 'ev_a', sentAt: AT + 10, outcome: 'timeout' });
    received({ eventId: 'ev_b', receivedAt: AT + 15 });
    received({ eventId: 'ev_a', receivedAt: AT + 20 });
    sent({ eventId: 'ev_a', sentAt: AT + 30, attempt: 2 });
    received({ eventId: 'ev_a', receivedAt: AT + 40, duplicate: 'duplicate' });
    sent({ eventId: 'ev_c', sentAt: AT + 50 });
    const related = ['attempt/1', 'receipt/2', 'attempt/2', 'receipt/3'];
    for (const [kind, seq] of [
      ['attempt', 1],
      ['receipt', 3],
    ] as const) {
      const found = await look(store, kind, seq);
      expect(found.related.map(placeOf)).toEqual(related);
      expect(found.related_cut).toBe(false);
    }
  });

  test('without an id is alone', async () => {
    const { store, received } = memoryLog();
    received({ eventId: null });
    received({ eventId: null });
    expect((await look(store, 'receipt', 2)).related.map(placeOf)).toEqual(['receipt/2']);
  });

  test('finds the others far back, up to a point', async () => {
    const { store, received } = memoryLog();
    received({ seq: 5, eventId: 'far' });
    received({ seq: 280_000, eventId: 'far' });
    received({ seq: 290_000, eventId: 'other' });
    expect((await look(store, 'receipt', 280_000)).related.map(placeOf)).toEqual([
      'receipt/5',
      'receipt/280000',
    ]);
    received({ seq: 600_000, eventId: 'last' });
    const old = await look(store, 'receipt', 5);
    expect(old.related.map(placeOf)).toEqual(['receipt/5']);
    expect(old.related_cut).toBe(true);
  });

  test('of an event with thousands of copies comes with some of them, itself among them', async () => {
    const { store, received, sent, asked } = memoryLog();
    const body = eventBody({ metadata: { queue: 'x'.repeat(1000) } });
    for (let i = 1; i <= 6000; i++) received({ eventId: 'ev_a', receivedAt: AT + i, body });
    for (let i = 1; i <= 3; i++) sent({ eventId: 'ev_a', sentAt: AT + 3000 + i });
    asked.length = 0;
    const found = await look(store, 'receipt', 3000);
    const places = found.related.map(placeOf);
    expect(places.length).toBeLessThanOrEqual(250);
    expect(places).toEqual(expect.arrayContaining(['receipt/3000', 'attempt/1', 'attempt/2', 'attempt/3']));
    expect(new Set(places).size).toBe(places.length);
    expect(found.related.map(timeOf)).toEqual(found.related.map(timeOf).sort((a, b) => a - b));
    expect(found.related_cut).toBe(true);
  });
});

describe('whose body', () => {
  test('a retry has: that of the first attempt of its run', async () => {
    const { store, sent } = memoryLog();
    const run = (name: string, body: string | null, about: object = {}) =>
      sent({ eventId: 'ev_a', run: name, body, ...about });
    run('run_1', 'first');
    run('run_1', null, { attempt: 2 });
    run('run_2', 'retimed', { replayOf: 'at_1' });
    run('run_2', null, { attempt: 2, replayOf: 'at_1' });
    run('run_2', 'another', { replayOf: 'at_9' });
    run('run_2', null, { attempt: 2, replayOf: 'at_9' });
    run('run_3', null, { attempt: 2 });
    const bodies = [];
    for (const seq of [1, 2, 3, 4, 5, 6, 7]) bodies.push(bodyOf(await look(store, 'attempt', seq)));
    expect(bodies).toEqual(['first', 'first', 'retimed', 'retimed', 'another', 'another', null]);
  });

  test('a receipt has: its own or none, never another’s', async () => {
    const { store, received, sent } = memoryLog();
    received({ eventId: 'ev_a', body: 'one' });
    received({ eventId: 'ev_a', body: 'other', duplicate: 'conflict' });
    received({ eventId: 'ev_a', body: null });
    sent({ eventId: 'ev_a', body: 'sent' });
    const bodies = [];
    for (const seq of [1, 2, 3]) bodies.push(bodyOf(await look(store, 'receipt', seq)));
    expect(bodies).toEqual(['one', 'other', null]);
  });
});
