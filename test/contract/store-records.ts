import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Attempt, OUTCOMES, type Receipt } from '../../src/core/record.ts';
import type { NewReceipt, RecordFilter } from '../../src/core/store.ts';
import { AT, collect, newAttempt, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

/** Any text a payload or a network may bring, with U+0000, halves of surrogate pairs and noncharacters. */
const text = fc.oneof(
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.string({
    unit: fc.constantFrom('\0', '\ud800', '\udfff', '\ufdd0', '0', '\n', "'", '😀'),
    maxLength: 12,
  }),
  fc.constantFrom('', '__proto__', "'; DROP TABLE attempts; --", '\u202e', 'x'.repeat(5000)),
);
const orNull = <Value>(value: fc.Arbitrary<Value>) => fc.option(value, { nil: null });
const moment = fc.integer({ min: 0, max: 4_102_444_800_000 });
const status = orNull(fc.integer({ min: 100, max: 599 }));

const anyAttempt: fc.Arbitrary<Attempt> = fc.record({
  id: text,
  eventId: text,
  event: orNull(text),
  callId: orNull(text),
  endpoint: text,
  url: text,
  attempt: fc.integer({ min: 1, max: 1000 }),
  dueAt: moment,
  sentAt: moment,
  status,
  outcome: fc.constantFrom(...OUTCOMES),
  durationMs: fc.double({ min: 0, max: 1e7, noNaN: true }),
  final: fc.boolean(),
  run: text,
  replayOf: orNull(text),
  error: orNull(text),
  fault: orNull(text),
});

const anyReceipt: fc.Arbitrary<NewReceipt> = fc
  .record({
    id: text,
    eventId: orNull(text.filter((id) => id !== '')),
    event: orNull(text),
    callId: orNull(text),
    attempt: orNull(fc.integer({ min: 1, max: 1000 })),
    receivedAt: moment,
    signature: fc.constantFrom('valid', 'missing', 'malformed', 'mismatch', 'unchecked' as const),
    secret: orNull(text),
    latencyMs: orNull(fc.integer({ min: -86_400_000, max: 86_400_000 })),
    transitMs: orNull(fc.integer({ min: -1e12, max: 1e12 })),
    status,
    flags: fc.array(text, { maxLength: 3 }),
    body: fc.uint8Array({ maxLength: 300 }),
    timestampMs: orNull(fc.integer({ min: -1e13, max: 1e13 })),
  })
  .map((fields) => newReceipt({ ...fields, accepted: false }));

function asReceived({
  body,
  headers,
  asked,
  timestampMs,
  accepted,
  forwarding,
  ...rest
}: NewReceipt): Receipt {
  return { ...rest, duplicate: null, forward: null, shownAt: null };
}

export function recordCases(bench: Bench): void {
  describe('records', () => {
    test('attempts read back as they were written, whatever they say', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyAttempt, { maxLength: 20 }), async (attempts) => {
          const store = await bench.another();
          await Promise.all(
            attempts.map((attempt, i) => store.addAttempt(attempt, i % 2 ? null : Buffer.from('x'))),
          );
          expect(await collect(store.attempts({}))).toEqual(attempts);
          await store.close();
        }),
        { numRuns: 20 },
      );
    });

    test('receipts read back as they were written, whatever they say', async () => {
      await fc.assert(
        fc.asyncProperty(fc.array(anyReceipt, { maxLength: 20 }), async (receipts) => {
          const store = await bench.another();
          await Promise.all(receipts.map((receipt) => store.addReceipt(receipt)));
          expect(await collect(store.receipts({}))).toEqual(receipts.map(asReceived));
          await store.close();
        }),
        { numRuns: 20 },
      );
    });

    test('B6 any bytes of a body are kept, though they be part of a larger buffer', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.uniqueArray(fc.uint8Array({ maxLength: 64 }), { maxLength: 5, selector: String }),
          async (bodies) => {
            const store = await bench.another();
            const all = Buffer.concat(bodies);
            let from = 0;
            for (const [i, { length }] of bodies.entries()) {
              const body = all.subarray(from, from + length);
              await store.addReceipt({ ...newReceipt({ eventId: `ev_${i}` }), body });
              from += length;
            }
            const found = await collect(store.entries('receipt', {}, { bodies: true }));
            expect(found.map(({ record }) => [...(record.body as Uint8Array)])).toEqual(
              bodies.map((body) => [...body]),
            );
            await store.close();
          },
        ),
        { numRuns: 20 },
      );
    });

    test('more than a page is read in the order of writing, nothing twice, nothing left out', async () => {
      const { store } = bench;
      const ids = Array.from({ length: 1203 }, (_, i) => String(i));
      const writing = ids.flatMap((id, i) => [
        store.addReceipt(newReceipt({ id, eventId: id, receivedAt: AT - i })),
        store.addAttempt(newAttempt({ id, sentAt: AT - i }), null),
      ]);
      await Promise.all(writing);
      expect((await collect(store.receipts({}))).map(({ id }) => id)).toEqual(ids);
      expect((await collect(store.attempts({}))).map(({ id }) => id)).toEqual(ids);
      expect(await collect(store.receipts({ since: AT - 999 }))).toHaveLength(1000);
    });

    test('what is written while a page is read is read after it', async () => {
      const { store } = bench;
      const add = (i: number) => store.addReceipt(newReceipt({ id: String(i), eventId: `ev_${i}` }));
      await Promise.all(Array.from({ length: 500 }, (_, i) => add(i)));
      const seen: string[] = [];
      for await (const { id } of store.receipts({})) {
        if (seen.length === 0) await add(500);
        seen.push(id);
      }
      expect(seen).toEqual(Array.from({ length: 501 }, (_, i) => String(i)));
    });

    const ATTEMPTS = [
      newAttempt({
        id: 'a',
        sentAt: AT,
        endpoint: 'crm',
        url: 'https://crm/',
        event: 'call_missed',
        run: 'r1',
      }),
      newAttempt({ id: 'b', sentAt: AT + 1, endpoint: 'crm', url: 'https://crm/', event: null, run: 'r2' }),
      newAttempt({
        id: 'c',
        sentAt: AT + 2,
        endpoint: 'erp',
        url: 'https://erp/',
        event: 'call_missed',
        run: 'r1',
      }),
      newAttempt({ id: 'd', sentAt: AT + 3, endpoint: 'a\0b', url: 'x', event: "it's", run: '%' }),
    ];
    const RECEIPTS = [
      newReceipt({ id: 'p', eventId: '1', receivedAt: AT, event: 'call_missed' }),
      newReceipt({ id: 'q', eventId: '2', receivedAt: AT + 1, event: 'a\0b' }),
      newReceipt({ id: 'r', eventId: '3', receivedAt: AT + 2, event: 'a\0c' }),
    ];

    test.each<[string, RecordFilter, attempts: string, receipts: string]>([
      ['nothing', {}, 'abcd', 'pqr'],
      ['since, which counts', { since: AT + 1 }, 'bcd', 'qr'],
      ['until, which does not', { until: AT + 2 }, 'ab', 'pq'],
      ['since and until', { since: AT + 1, until: AT + 2 }, 'b', 'q'],
      ['an endpoint by name', { endpoint: 'crm' }, 'ab', ''],
      ['an endpoint by URL', { endpoint: 'https://erp/' }, 'c', ''],
      ['an endpoint with U+0000', { endpoint: 'a\0b' }, 'd', ''],
      ['an event', { event: 'call_missed' }, 'ac', 'p'],
      ['an event with U+0000', { event: 'a\0b' }, '', 'q'],
      ['an event with a quote', { event: "it's" }, 'd', ''],
      ['a run', { run: 'r1' }, 'ac', ''],
      ['a run that looks like a pattern', { run: '%' }, 'd', ''],
      [
        'all together',
        { since: AT, until: AT + 3, endpoint: 'erp', event: 'call_missed', run: 'r1' },
        'c',
        '',
      ],
      ['what nothing matches', { event: 'call' }, '', ''],
    ])('are filtered by %s', async (_, filter, attempts, receipts) => {
      const { store } = bench;
      for (const attempt of ATTEMPTS) await store.addAttempt(attempt, null);
      for (const receipt of RECEIPTS) await store.addReceipt(receipt);
      expect((await collect(store.attempts(filter))).map(({ id }) => id).join('')).toBe(attempts);
      expect((await collect(store.receipts(filter))).map(({ id }) => id).join('')).toBe(receipts);
    });

    test.runIf(bench.shared)('outlive the connection that wrote them', async () => {
      await Promise.all([bench.store.addReceipt(newReceipt()), bench.store.addAttempt(newAttempt(), null)]);
      await bench.store.close();
      const later = await bench.connect();
      expect(await collect(later.receipts({}))).toEqual([asReceived(newReceipt())]);
      expect(await collect(later.attempts({}))).toEqual([newAttempt()]);
    });

    test('closing waits for what was to be written', async () => {
      const store = await bench.another();
      const adding = Promise.all(
        Array.from({ length: 200 }, (_, i) => store.addReceipt(newReceipt({ eventId: `${i}` }))),
      );
      await store.close();
      expect(await adding).toHaveLength(200);
    });
  });
}
