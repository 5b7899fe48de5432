import { describe, expect, test } from 'vitest';
import type { RawHeaders } from '../../src/core/headers.ts';
import type { ForwardResult, LogRecord } from '../../src/core/record.ts';
import type { ReadOptions, Store } from '../../src/core/store.ts';
import { addInTurn, collect, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

const CAME = ['X-Team', 'sales', 'Authorization', 'Bearer hunter2', 'X-Api-Key', 'hunter2'];
const MASKED = ['X-Team', 'sales', 'Authorization', '***', 'X-Api-Key', '***'];
const FAILED: ForwardResult = { status: 500, durationMs: 3, error: null };
const DONE: ForwardResult = { status: 200, durationMs: 7, error: null };

const forwarded = (about: Parameters<typeof newReceipt>[0] = {}) =>
  newReceipt({ headers: CAME, forwarding: true, status: null, ...about });

/** The headers of all receipts, in order. */
async function headersOf(store: Store, options: ReadOptions = {}): Promise<(RawHeaders | null)[]> {
  const entries = await collect(store.entries('receipt', {}, { bodies: true, ...options }));
  return entries.map(({ record }) => record.headers);
}

/** Contract §3: of what is received, credentials are kept only as long as a redelivery may need them. */
export function credentialCases(bench: Bench): void {
  describe('credentials', () => {
    test('are masked in every record, be it forwarded, refused, or from another log', async () => {
      const { store } = bench;
      const {
        headers: _,
        body: __,
        timestampMs,
        accepted,
        forwarding,
        ...about
      } = newReceipt({
        id: 'rc_9',
        eventId: 'ev_9',
      });
      const imported: LogRecord = {
        kind: 'receipt',
        receipt: {
          ...about,
          duplicate: null,
          forward: null,
          shownAt: null,
        },
        headers: CAME,
        body: Buffer.from('{}'),
      };
      await addInTurn(store, [
        newReceipt({ headers: CAME }),
        forwarded({ eventId: 'ev_2' }),
        newReceipt({ headers: CAME, eventId: 'ev_3', signature: 'mismatch', accepted: false, status: 400 }),
      ]);
      await store.addRecord(imported);
      expect(await headersOf(store)).toEqual([MASKED, MASKED, MASKED, MASKED]);
    });

    test('are there for the app for as long as it is owed the event, and gone once it has it', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded());
      expect(await headersOf(store, { credentials: true })).toEqual([CAME]);
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      expect(await headersOf(store, { credentials: true })).toEqual([CAME]);
      await store.settleForward({ seqs: [seq], forward: DONE, status: 200, owed: false });
      expect(await headersOf(store, { credentials: true })).toEqual([MASKED]);
      expect(await headersOf(store)).toEqual([MASKED]);
    });

    test.skipIf(!bench.shared)('are there for the run that takes a forward over', async () => {
      const gone = await bench.connect();
      await gone.addReceipt(forwarded());
      await gone.close();
      const { receipts } = await bench.store.takeUnforwarded();
      expect(receipts.map(({ headers }) => headers)).toEqual([CAME]);
    });

    test('of a redelivery are not kept, for the first receipt stands for what the app is owed', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded());
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      const other = ['Authorization', 'Bearer other'];
      const retry = await store.addReceipt(forwarded({ id: 'rc_2', headers: other }));
      expect(retry.redelivery).toBe(true);
      expect(await headersOf(store, { credentials: true })).toEqual([CAME, ['Authorization', '***']]);
      await store.settleForward({ seqs: [retry.seq, seq], forward: DONE, status: 200, owed: false });
      expect(await headersOf(store, { credentials: true })).toEqual([MASKED, ['Authorization', '***']]);
    });

    test('are not kept of what no app is owed: a duplicate, or a delivery that is not forwarded', async () => {
      const { store } = bench;
      await addInTurn(store, [
        forwarded(),
        forwarded({ id: 'rc_2' }),
        newReceipt({ headers: CAME, eventId: 'ev_3' }),
      ]);
      expect(await headersOf(store, { credentials: true })).toEqual([CAME, MASKED, MASKED]);
    });

    test('of many receipts in one batch stay with their own', async () => {
      const { store } = bench;
      const own = (n: number) => (n % 3 === 0 ? ['X-Team', `${n}`] : ['X-Team', `${n}`, 'X-Token', `${n}`]);
      const all = Array.from({ length: 50 }, (_, n) => own(n));
      await Promise.all(
        all.map((headers, n) => store.addReceipt(forwarded({ eventId: `ev_${n}`, headers }))),
      );
      expect(await headersOf(store, { credentials: true })).toEqual(all);
    });

    test('go with the receipt that is pruned', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded({ receivedAt: 1000 }));
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      await store.prune(2000, 2000, { dryRun: false });
      const again = await store.addReceipt(forwarded({ headers: ['X-Team', 'b'] }));
      expect(again.seq).toBe(seq);
      expect(await headersOf(store, { credentials: true })).toEqual([['X-Team', 'b']]);
    });
  });
}
