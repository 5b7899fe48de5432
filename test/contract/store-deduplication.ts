import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { NewReceipt, Store, StoredReceipt } from '../../src/core/store.ts';
import { AT, addInTurn, collect, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

/** An event id and a body, `id1:A`; the id may be absent, `:A`. A path that counts comes last, `id1:A:/crm`. */
type Delivery = `${string}:${string}`;
type Verdict = 'new' | 'duplicate' | 'conflict' | 'suspected_replay';

const CHAINS: [about: string, chain: [Delivery, Verdict][]][] = [
  ['one delivery', [['id1:A', 'new']]],
  [
    'the same again',
    [
      ['id1:A', 'new'],
      ['id1:A', 'duplicate'],
      ['id1:A', 'duplicate'],
    ],
  ],
  [
    'A14 the same id with another body',
    [
      ['id1:A', 'new'],
      ['id1:B', 'conflict'],
      ['id1:B', 'duplicate'],
      ['id1:A', 'duplicate'],
    ],
  ],
  [
    'A15 another id with the same body',
    [
      ['id1:A', 'new'],
      ['id2:A', 'suspected_replay'],
      ['id2:A', 'duplicate'],
      ['id1:A', 'duplicate'],
    ],
  ],
  [
    'an id and a body known apart',
    [
      ['id1:A', 'new'],
      ['id2:B', 'new'],
      ['id1:B', 'conflict'],
      ['id1:B', 'duplicate'],
      ['id2:A', 'conflict'],
      ['id2:A', 'duplicate'],
      ['id2:B', 'duplicate'],
    ],
  ],
  [
    'a replay, then a conflict of it',
    [
      ['id1:A', 'new'],
      ['id2:A', 'suspected_replay'],
      ['id2:B', 'conflict'],
      ['id3:B', 'suspected_replay'],
      ['id3:B', 'duplicate'],
      ['id1:B', 'conflict'],
      ['id1:B', 'duplicate'],
    ],
  ],
  [
    'A11 no id: known by its body',
    [
      [':A', 'new'],
      [':A', 'duplicate'],
      ['id1:A', 'suspected_replay'],
      ['id1:A', 'duplicate'],
      [':A', 'duplicate'],
      ['id1:B', 'conflict'],
      [':B', 'duplicate'],
    ],
  ],
  [
    'the same at another path, where paths count',
    [
      ['id1:A:/crm', 'new'],
      ['id1:A:/slack', 'new'],
      ['id1:A:/crm', 'duplicate'],
      ['id1:A:/slack', 'duplicate'],
      ['id1:B:/slack', 'conflict'],
      ['id1:B:/crm', 'conflict'],
      ['id1:B:/crm', 'duplicate'],
      ['id2:A:/slack', 'suspected_replay'],
      ['id2:A:/crm', 'suspected_replay'],
      ['id1:A', 'new'],
      ['id1:A', 'duplicate'],
      [':A:/x', 'new'],
      [':A:/x', 'duplicate'],
    ],
  ],
  [
    'ids that differ in case or white space',
    [
      ['id1:A', 'new'],
      ['ID1:B', 'new'],
      ['id1 :C', 'new'],
    ],
  ],
];

const receiptOf = (delivery: Delivery, index = 0) => {
  const [id, body, path = ''] = delivery.split(':') as [string, string, string?];
  const eventId = id === '' ? null : id;
  return newReceipt({ id: `rc_${index}`, eventId, body, asked: path, receivedAt: 1000 + index });
};

const verdictOf = ({ duplicate, redelivery }: StoredReceipt): string =>
  redelivery ? 'redelivery' : (duplicate ?? 'new');

export function deduplicationCases(bench: Bench): void {
  describe('deduplication', () => {
    describe.each(CHAINS)('%s', (_, chain) => {
      const receipts = chain.map(([delivery], index) => receiptOf(delivery, index));
      const expected = chain.map(([, verdict]) => verdict);

      test('in a transaction each', async () => {
        expect((await addInTurn(bench.store, receipts)).map(verdictOf)).toEqual(expected);
      });

      test('in one batch', async () => {
        const stored = await Promise.all(receipts.map((receipt) => bench.store.addReceipt(receipt)));
        expect(stored.map(verdictOf)).toEqual(expected);
      });

      test.runIf(bench.shared)('over two connections in turn', async () => {
        const stores = [bench.store, await bench.connect()] as const;
        const stored = [];
        for (const [i, receipt] of receipts.entries())
          stored.push(await (stores[i % 2] as Store).addReceipt(receipt));
        expect(stored.map(verdictOf)).toEqual(expected);
      });
    });

    test('any deliveries in batches of any size come to the same verdicts as the rule itself', async () => {
      const deliveries = fc.array(
        fc.tuple(
          fc.constantFrom('id1', 'id2', 'id3', ''),
          fc.constantFrom('A', 'B', 'C'),
          fc.constantFrom('', ':/crm', ':/slack'),
        ),
        { maxLength: 40 },
      );
      await fc.assert(
        fc.asyncProperty(deliveries, fc.integer({ min: 1, max: 40 }), async (pairs, batch) => {
          const store = await bench.another();
          const chain = pairs.map(([id, body, path]) => `${id}:${body}${path}` as Delivery);
          const receipts = chain.map(receiptOf);
          const stored: StoredReceipt[] = [];
          for (let i = 0; i < receipts.length; i += batch) {
            const some = receipts.slice(i, i + batch).map((receipt) => store.addReceipt(receipt));
            stored.push(...(await Promise.all(some)));
          }
          expect(stored.map(verdictOf)).toEqual(verdictsByTheRule(chain));
          expect((await collect(store.receipts({}))).map(({ duplicate }) => duplicate ?? 'new')).toEqual(
            stored.map(verdictOf),
          );
          await store.close();
        }),
        { numRuns: 30 },
      );
    });

    test('says which receipt is repeated, and when that came', async () => {
      const chain: Delivery[] = ['id1:A', 'id1:A', 'id2:A', 'id1:B', 'id1:B'];
      const stored = await addInTurn(bench.store, chain.map(receiptOf));
      const [first, , , conflict] = stored as [StoredReceipt, StoredReceipt, StoredReceipt, StoredReceipt];
      const original = { seq: first.seq, eventId: 'id1', receivedAt: 1000, forward: 'none' };
      expect(stored.map((one) => one.first)).toEqual([
        null,
        original,
        original,
        original,
        { seq: conflict.seq, eventId: 'id1', receivedAt: 1003, forward: 'none' },
      ]);
    });

    test('A13 of 50 identical deliveries at once exactly one is new', async () => {
      const stores = bench.shared ? [bench.store, await bench.connect()] : [bench.store];
      const adding = Array.from({ length: 50 }, (_, i) =>
        (stores[i % stores.length] as Store).addReceipt(receiptOf('id1:A', i)),
      );
      const verdicts = (await Promise.all(adding)).map(verdictOf).sort();
      expect(verdicts).toEqual([...Array(49).fill('duplicate'), 'new']);
      expect(await collect(bench.store.receipts({}))).toHaveLength(50);
    });

    test('A16 a refused delivery burns neither its id nor its body, and is never a duplicate itself', async () => {
      const forged = (id: string): NewReceipt => ({
        ...receiptOf('id1:A'),
        id,
        signature: 'mismatch',
        accepted: false,
      });
      const stored = await addInTurn(bench.store, [
        forged('rc_1'),
        forged('rc_2'),
        receiptOf('id1:A'),
        forged('rc_3'),
        receiptOf('id1:A'),
      ]);
      expect(stored.map(verdictOf)).toEqual(['new', 'new', 'new', 'new', 'duplicate']);
      expect(stored[4]?.first?.seq).toBe(stored[2]?.seq);
    });

    test.each([
      ['256 characters', `ev_${'x'.repeat(253)}`, `ev_${'x'.repeat(252)}y`],
      ['SQL', "'); DROP TABLE receipts; --", "' OR '1'='1"],
      ['names of prototypes', '__proto__', 'constructor'],
      ['U+0000 inside', 'ev\0a', 'ev\0b'],
      ['halves of surrogate pairs', 'ev\ud800', 'ev\udc00'],
      ['signs of a pattern', 'ev_%', 'ev__'],
    ])('A12 event ids with %s stay apart', async (_, one, other) => {
      const stored = await addInTurn(bench.store, [
        newReceipt({ eventId: one }),
        newReceipt({ eventId: other, body: 'b' }),
        newReceipt({ eventId: one }),
        newReceipt({ eventId: one, body: 'b' }),
        newReceipt({ eventId: one, body: 'b' }),
      ]);
      expect(stored.map(verdictOf)).toEqual(['new', 'new', 'duplicate', 'conflict', 'duplicate']);
      expect(stored[2]?.first?.eventId).toBe(one);
      expect((await collect(bench.store.receipts({}))).map(({ eventId }) => eventId)).toEqual([
        one,
        other,
        one,
        one,
        one,
      ]);
    });

    test('E14 a repetition is known as one, however long it takes to come', async () => {
      const year = 365 * 86_400_000;
      const [, late] = await addInTurn(bench.store, [newReceipt(), newReceipt({ receivedAt: AT + year })]);
      expect(late).toMatchObject({ duplicate: 'duplicate', first: { receivedAt: AT } });
    });

    test('bodies that differ in one byte, or in their last, are different', async () => {
      const bodies = [new Uint8Array(0), new Uint8Array([0]), new Uint8Array([0, 0]), new Uint8Array([255])];
      const stored = await addInTurn(
        bench.store,
        bodies.map((body) => newReceipt({ eventId: null, body })),
      );
      expect(stored.map(verdictOf)).toEqual(['new', 'new', 'new', 'new']);
    });
  });
}

/** Contract §2, word for word, over all that came before. */
function verdictsByTheRule(chain: readonly Delivery[]): Verdict[] {
  const places = new Map<string, { id: string; body: string }[]>();
  return chain.map((delivery) => {
    const [id, body, path = ''] = delivery.split(':') as [string, string, string?];
    const before = places.get(path) ?? [];
    places.set(path, before);
    const sameBody = before.some((one) => one.body === body);
    const sameId = id !== '' && before.some((one) => one.id === id);
    const same = id === '' ? sameBody : before.some((one) => one.id === id && one.body === body);
    before.push({ id, body });
    if (same) return 'duplicate';
    if (sameId) return 'conflict';
    return sameBody ? 'suspected_replay' : 'new';
  });
}
