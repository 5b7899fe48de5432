import { hash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { LogRecord } from '../../src/core/record.ts';
import type { NewReceipt, RecordFilter, Store } from '../../src/core/store.ts';
import { AT, addInTurn, collect, newReceipt, refusedReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

const HOUR = 3_600_000;
const BODY = Buffer.alloc(10_000, 'abcdefg');

async function idsOf(store: Store): Promise<string[]> {
  return (await collect(store.receipts({}))).map(({ id }) => id);
}

/** What reports are made of, as far as refused deliveries count in it. */
async function figures(store: Store, filter: RecordFilter = {}) {
  const { received, from, to } = await store.tally(filter);
  const { receipts, refused, events } = received;
  return { receipts, refused, events, from, to };
}

const nth = (i: number, about: Parameters<typeof refusedReceipt>[0] = {}) =>
  refusedReceipt({ id: `rc_${i}`, receivedAt: AT + i, ...about });

export function refusedCases(bench: Bench): void {
  describe('refused deliveries', () => {
    test('G4 are kept as evidence: the beginning of the body, its length, its hash, the cause', async () => {
      const { store } = bench;
      const cause = 'it was made over "half" \ud800 of it,\nand \0 more';
      await store.addReceipt(refusedReceipt({ body: BODY, headers: ['X-A', 'b'] }, cause));
      await store.addReceipt(refusedReceipt({ id: 'rc_2', body: 'short' }));
      await store.addReceipt(newReceipt({ id: 'rc_3', body: BODY }));
      const [cut, short, good] = await collect(store.entries('receipt', {}, { bodies: true }));
      const sha256 = (body: string | Buffer) => hash('sha256', body, 'hex');
      expect(cut).toMatchObject({
        hasBody: true,
        cut: true,
        record: {
          headers: ['X-A', 'b'],
          body: BODY.subarray(0, 4096),
          receipt: { bodyBytes: 10_000, evidence: { sha256: sha256(BODY), cause } },
        },
      });
      expect(short).toMatchObject({
        cut: false,
        record: {
          body: Buffer.from('short'),
          receipt: { bodyBytes: 5, evidence: { sha256: sha256('short'), cause: null } },
        },
      });
      expect(good).toMatchObject({ cut: false, record: { body: BODY, receipt: { bodyBytes: 10_000 } } });
      expect(good?.record.kind === 'receipt' && good.record.receipt).not.toHaveProperty('evidence');
      const slim = await collect(store.entries('receipt', {}));
      expect(slim.map((entry) => entry.cut)).toEqual([true, false, false]);
    });

    test('G4 stay on record up to a number, the newest ones; good ones all stay', async () => {
      const store = await bench.another({ refused: { rows: 3 } });
      for (let i = 0; i < 10; i++) {
        await store.addReceipt(nth(i));
        await store.addReceipt(newReceipt({ id: `good_${i}`, eventId: `ev_${i}` }));
      }
      const ids = await idsOf(store);
      expect(ids.filter((id) => id.startsWith('rc_'))).toEqual(['rc_7', 'rc_8', 'rc_9']);
      expect(ids.filter((id) => id.startsWith('good_'))).toHaveLength(10);
    });

    test('G4 stay on record up to a size, headers included; the newest stays, however large', async () => {
      const store = await bench.another({ refused: { bytes: 52 * 1024 } });
      const large = { headers: ['X-Large', 'h'.repeat(15_000)] };
      for (let i = 0; i < 10; i++) await store.addReceipt(nth(i, large));
      expect(await idsOf(store)).toEqual(['rc_7', 'rc_8', 'rc_9']);
      // Of small ones there is room for many more.
      for (let i = 10; i < 40; i++) await store.addReceipt(nth(i));
      expect((await idsOf(store)).slice(-31)).toEqual(Array.from({ length: 31 }, (_, i) => `rc_${i + 9}`));
      await store.addReceipt(nth(40, { headers: ['X-Large', 'h'.repeat(200_000)] }));
      await store.addReceipt(nth(41));
      expect(await idsOf(store)).toEqual(['rc_40', 'rc_41']);
      expect((await figures(store)).refused).toBe(42);
    });

    test('G4 are bounded where many come in one batch, too', async () => {
      const store = await bench.another({ refused: { rows: 50 } });
      await Promise.all(Array.from({ length: 400 }, (_, i) => store.addReceipt(nth(i))));
      const ids = await idsOf(store);
      expect(ids).toEqual(Array.from({ length: 50 }, (_, i) => `rc_${i + 350}`));
      expect((await figures(store)).refused).toBe(400);
    });

    test('G4 their places are never given again', async () => {
      const store = await bench.another({ refused: { rows: 0 } });
      const stored = await addInTurn(
        store,
        Array.from({ length: 5 }, (_, i) => nth(i)),
      );
      expect(stored.map(({ seq }) => seq)).toEqual([1, 2, 3, 4, 5]);
      // The newest before them holds the place.
      expect(await idsOf(store)).toEqual(['rc_3', 'rc_4']);
    });

    test('G4 that are not on record any more stay in the figures of their time and type', async () => {
      const store = await bench.another({ refused: { rows: 2 } });
      const received = [
        nth(0, { receivedAt: AT + 10 }),
        nth(1, { receivedAt: AT + 20, event: 'call_missed' }),
        nth(2, { receivedAt: AT + 2 * HOUR, event: 'of my own making' }),
        nth(3, { receivedAt: AT + 2 * HOUR + 5, event: null }),
        nth(4, { receivedAt: AT + 3 * HOUR }),
        nth(5, { receivedAt: AT + 3 * HOUR }),
      ];
      for (const receipt of received) await store.addReceipt(receipt);
      expect(await idsOf(store)).toEqual(['rc_4', 'rc_5']);
      const all = { receipts: 6, refused: 6, events: 0, from: AT + 10, to: AT + 3 * HOUR };
      expect(await figures(store)).toEqual(all);
      expect(await figures(store, { since: AT + HOUR })).toMatchObject({ refused: 4, from: AT + 2 * HOUR });
      expect(await figures(store, { until: AT + HOUR })).toMatchObject({ refused: 2, to: AT + 20 });
      expect(await figures(store, { since: AT + 21, until: AT + 2 * HOUR })).toMatchObject({ refused: 0 });
      expect(await figures(store, { event: 'call_missed' })).toMatchObject({ refused: 1, from: AT + 20 });
      expect(await figures(store, { event: 'call_connected' })).toMatchObject({ refused: 3 });
      for (const filter of [{ endpoint: 'crm' }, { run: 'run_1' }, { eventId: 'ev_none' }])
        expect(await figures(store, filter)).toMatchObject({ receipts: 0, refused: 0, from: null });

      const hours = (await store.rates({}, HOUR)).map(({ at, received, refused }) => [at, received, refused]);
      expect(hours).toEqual([
        [AT, 2, 2],
        [AT + 2 * HOUR, 2, 2],
        [AT + 3 * HOUR, 2, 2],
      ]);
      expect(await store.rates({ since: AT + 3 * HOUR }, HOUR)).toHaveLength(1);
      expect(await store.rates({ endpoint: 'crm' }, HOUR)).toEqual([]);
    });

    test('G4 any number of them, in any order, comes to the figures of a store that keeps them all', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyReceipt, { maxLength: 40 }),
          fc.integer({ min: 1, max: 5 }),
          async (receipts, rows) => {
            const [bounded, whole] = [await bench.another({ refused: { rows } }), await bench.another()];
            for (const store of [bounded, whole]) {
              for (const half of [receipts.slice(0, 20), receipts.slice(20)])
                await Promise.all(half.map((receipt) => store.addReceipt(receipt)));
            }
            expect(await figures(bounded)).toEqual(await figures(whole));
            expect(await figures(bounded, { event: 'call_missed' })).toEqual(
              await figures(whole, { event: 'call_missed' }),
            );
            expect(await bounded.rates({}, HOUR)).toEqual(await whole.rates({}, HOUR));
            const good = async (store: Store) =>
              (await collect(store.receipts({}))).filter(({ signature }) => signature === 'valid').length;
            expect(await good(bounded)).toBe(await good(whole));
          },
        ),
        { numRuns: 20 },
      );
    });

    test('G4 go with a prune, on record or not, and make room then', async () => {
      const store = await bench.another({ refused: { rows: 2 } });
      for (let i = 0; i < 5; i++) await store.addReceipt(nth(i));
      await store.addReceipt(nth(5, { receivedAt: AT + 2 * HOUR }));
      expect(await store.prune(AT + HOUR, AT, { dryRun: false })).toMatchObject({ receipts: 1 });
      expect(await figures(store)).toMatchObject({ receipts: 1, refused: 1, from: AT + 2 * HOUR });
      await store.addReceipt(nth(6, { receivedAt: AT + 2 * HOUR }));
      expect(await idsOf(store)).toEqual(['rc_5', 'rc_6']);
      // Good ones get the places of those that are gone.
      await store.prune(AT + 3 * HOUR, AT, { dryRun: false });
      await addInTurn(
        store,
        Array.from({ length: 3 }, (_, i) => newReceipt({ id: `good_${i}`, eventId: `ev_${i}` })),
      );
      for (let i = 7; i < 10; i++) await store.addReceipt(nth(i));
      expect(await idsOf(store)).toEqual(['good_0', 'good_1', 'good_2', 'rc_8', 'rc_9']);
    });

    test('G4 of another log are bounded alike, and cut where they are whole', async () => {
      const store = await bench.another({ refused: { rows: 2 } });
      const imported = (id: string, about: Partial<NewReceipt>): LogRecord => {
        const { body, headers, timestampMs, accepted, forwarding, ...rest } = newReceipt();
        const receipt = { ...rest, duplicate: null, forward: null, shownAt: null };
        return {
          kind: 'receipt',
          receipt: { ...receipt, id, signature: 'mismatch', status: 400, ...about, bodyBytes: 10_000 },
          headers: ['X-A', 'b'],
          body: about.body ?? null,
        };
      };
      const known = { sha256: 'a'.repeat(64), cause: 'known' };
      await store.addRecord(imported('rc_1', {}));
      await store.addRecord(imported('rc_2', { body: BODY }));
      await store.addRecord(imported('rc_3', { body: BODY.subarray(0, 4096), evidence: known }));
      const found = await collect(store.entries('receipt', {}, { bodies: true }));
      expect(found).toMatchObject([
        { cut: true, record: { receipt: { id: 'rc_2', evidence: { sha256: hash('sha256', BODY, 'hex') } } } },
        { cut: true, record: { receipt: { id: 'rc_3', evidence: known } } },
      ]);
      for (const { record } of found) expect(record.body).toEqual(BODY.subarray(0, 4096));
      expect((await figures(store)).refused).toBe(3);
    });
  });
}

const anyReceipt: fc.Arbitrary<NewReceipt> = fc
  .record({
    id: fc.uuid(),
    receivedAt: fc.integer({ min: -3 * HOUR, max: 3 * HOUR }),
    event: fc.constantFrom(null, 'call_missed', 'call_connected', 'other'),
    refused: fc.boolean(),
  })
  .map(({ refused, ...about }) => (refused ? refusedReceipt(about) : newReceipt(about)));
