import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Attempt } from '../../src/core/record.ts';
import type { NewReceipt } from '../../src/core/store.ts';
import { AT, collect, newAttempt, newReceipt, refusedReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

/** A receipt, and what the app made of it: `owed` where its event is to be forwarded again. */
interface Received {
  receipt: NewReceipt;
  state: 'plain' | 'refused' | 'pending' | 'owed' | 'settled';
}

export function pruneCases(bench: Bench): void {
  describe('prune', () => {
    test('E14 removes what is older, and leaves keys, what is owed and the rest', async () => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(anyReceived, { maxLength: 30 }),
          fc.array(anyAttempt, { maxLength: 15 }),
          moment,
          moment,
          async (received, attempts, before, keys) => {
            const store = await bench.another();
            const distinct = received.map((one, i) => withIds(one, i));
            for (const { receipt, state } of distinct) {
              const { seq } = await store.addReceipt(receipt);
              if (state !== 'owed' && state !== 'settled') continue;
              const forward = { status: state === 'owed' ? 500 : 200, durationMs: 1, error: null };
              await store.settleForward({ seqs: [seq], forward, status: 200, owed: state === 'owed' });
            }
            for (const attempt of attempts) await store.addAttempt(attempt, null);

            const isOwed = ({ receipt, state }: Received) =>
              state === 'pending' || (state === 'owed' && receipt.receivedAt >= keys);
            const goes = (one: Received) => one.receipt.receivedAt < before && !isOwed(one);
            const keeps = (one: Received) => one.state !== 'refused' && one.receipt.receivedAt >= keys;
            const gone = distinct.filter(goes);
            const counts = {
              attempts: attempts.filter(({ sentAt }) => sentAt < before).length,
              receipts: gone.length,
              keys: gone.filter(keeps).length,
              owed: distinct.filter((one) => one.receipt.receivedAt < before && isOwed(one)).length,
            };
            expect(await store.prune(before, keys, { dryRun: true })).toEqual(counts);
            expect(await store.count('receipt', {})).toBe(distinct.length);
            expect(await store.prune(before, keys, { dryRun: false })).toEqual(counts);

            const left = distinct.filter((one) => !goes(one));
            expect((await collect(store.receipts({}))).map(({ id }) => id)).toEqual(
              left.map(({ receipt }) => receipt.id),
            );
            expect((await collect(store.attempts({}))).map(({ sentAt }) => sentAt)).toEqual(
              attempts.map(({ sentAt }) => sentAt).filter((sentAt) => sentAt >= before),
            );
            const { received: tally } = await store.tally({});
            expect([tally.receipts, tally.refused]).toEqual([
              left.length,
              left.filter(({ state }) => state === 'refused').length,
            ]);
            for (const one of distinct.filter(({ state }) => state !== 'refused')) {
              const late = newReceipt({ ...one.receipt, id: 'late', receivedAt: AT, body: one.receipt.body });
              const { duplicate, first } = await store.addReceipt({ ...late, forwarding: false });
              const known = !goes(one) || keeps(one);
              expect([duplicate, first !== null]).toEqual([known ? 'duplicate' : null, known]);
            }
            await store.close();
          },
        ),
        { numRuns: 30 },
      );
    });

    test('E14 of more than go at once leaves nothing over', async () => {
      const { store } = bench;
      const about = (i: number) => ({ id: `rc_${i}`, eventId: `ev_${i}`, receivedAt: AT + (i % 2) });
      await Promise.all(Array.from({ length: 5000 }, (_, i) => store.addReceipt(newReceipt(about(i)))));
      await Promise.all(
        Array.from({ length: 3000 }, (_, i) => store.addAttempt(newAttempt({ sentAt: AT + (i % 2) }), null)),
      );
      const counts = { attempts: 1500, receipts: 2500, keys: 2500, owed: 0 };
      expect(await store.prune(AT + 1, AT - 1, { dryRun: false })).toEqual(counts);
      expect([await store.count('attempt', {}), await store.count('receipt', {})]).toEqual([1500, 2500]);
      const later = { attempts: 0, receipts: 0, keys: 0, owed: 0 };
      expect(await store.prune(AT + 1, AT + 1, { dryRun: false })).toEqual(later);
      const again = await Promise.all(
        Array.from({ length: 5000 }, (_, i) => store.addReceipt(newReceipt(about(i)))),
      );
      expect(again.filter(({ duplicate }) => duplicate === null)).toHaveLength(2500);
    });
  });
}

/** About as often before as after. */
const moment = fc.integer({ min: AT - 5, max: AT + 5 });

const anyReceived: fc.Arbitrary<Received> = fc
  .record({
    receivedAt: moment,
    state: fc.constantFrom('plain', 'plain', 'refused', 'pending', 'owed', 'settled' as const),
  })
  .map(({ state, receivedAt }) => {
    const forwarding = state === 'pending' || state === 'owed' || state === 'settled';
    const receipt =
      state === 'refused' ? refusedReceipt({ receivedAt }) : newReceipt({ receivedAt, forwarding });
    return { receipt, state };
  });

function withIds({ receipt, state }: Received, i: number): Received {
  const body = Buffer.from(`body ${i}`);
  return { receipt: { ...receipt, id: `rc_${i}`, eventId: `ev_${i}`, body, bodyBytes: body.length }, state };
}

const anyAttempt: fc.Arbitrary<Attempt> = moment.map((sentAt) => newAttempt({ sentAt }));
