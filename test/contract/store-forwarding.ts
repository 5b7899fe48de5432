import { describe, expect, test } from 'vitest';
import type { ForwardResult } from '../../src/core/record.ts';
import { AT, addInTurn, collect, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

const FAILED: ForwardResult = { status: 500, durationMs: 3.25, error: null };
const DONE: ForwardResult = { status: 200, durationMs: 7, error: null };
const forwarded = (id: string, about: Parameters<typeof newReceipt>[0] = {}) =>
  newReceipt({ id, forwarding: true, status: null, ...about });

export function forwardingCases(bench: Bench): void {
  describe('forwarding', () => {
    test('a duplicate that comes before the app has answered is told so', async () => {
      const { store } = bench;
      const [first, again] = await addInTurn(store, [forwarded('rc_1'), forwarded('rc_2')]);
      expect(again).toMatchObject({
        duplicate: 'duplicate',
        redelivery: false,
        first: { seq: first?.seq, forward: 'pending' },
      });
    });

    test('a duplicate of what the app has taken is just that', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1'));
      await store.settleForward({ seqs: [seq], forward: DONE, status: 200, owed: false });
      const again = await store.addReceipt(forwarded('rc_2'));
      expect(again).toMatchObject({ duplicate: 'duplicate', redelivery: false, first: { forward: 'none' } });
    });

    test('what the app has refused is forwarded again when the sender repeats it, once at a time', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1'));
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      const [retry, meanwhile] = await Promise.all([
        store.addReceipt(forwarded('rc_2')),
        store.addReceipt(forwarded('rc_3')),
      ]);
      expect(retry).toMatchObject({ duplicate: null, redelivery: true, first: { seq, forward: 'failed' } });
      expect(meanwhile).toMatchObject({
        duplicate: 'duplicate',
        redelivery: false,
        first: { seq, forward: 'pending' },
      });
      await store.settleForward({ seqs: [retry.seq, seq], forward: FAILED, status: 500, owed: true });
      const third = await store.addReceipt(forwarded('rc_4'));
      expect(third).toMatchObject({ redelivery: true, first: { seq } });
      await store.settleForward({ seqs: [third.seq, seq], forward: DONE, status: 200, owed: false });
      expect(await store.addReceipt(forwarded('rc_5'))).toMatchObject({
        duplicate: 'duplicate',
        redelivery: false,
      });
    });

    test('a settlement counts for a repetition in the same batch', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1'));
      const [, again] = await Promise.all([
        store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true }),
        store.addReceipt(forwarded('rc_2')),
      ]);
      expect(again).toMatchObject({ redelivery: true, first: { seq } });
    });

    test('a repetition that is not to be forwarded is a duplicate, whatever became of the first', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1'));
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      expect(await store.addReceipt(newReceipt())).toMatchObject({
        duplicate: 'duplicate',
        redelivery: false,
      });
    });

    test('conflicts and suspected replays owe a forward of their own', async () => {
      const { store } = bench;
      const stored = await addInTurn(store, [
        forwarded('rc_1'),
        forwarded('rc_2', { body: 'other' }),
        forwarded('rc_3', { eventId: 'ev_2', body: 'other' }),
      ]);
      expect(stored.map(({ duplicate }) => duplicate)).toEqual([null, 'conflict', 'suspected_replay']);
      const again = await addInTurn(store, [
        forwarded('rc_4', { body: 'other' }),
        forwarded('rc_5', { eventId: 'ev_2', body: 'other' }),
      ]);
      expect(again.map(({ first }) => [first?.seq, first?.forward])).toEqual([
        [stored[1]?.seq, 'pending'],
        [stored[2]?.seq, 'pending'],
      ]);
    });

    test('a settlement is noted on each of its receipts, and flags tell a redelivery', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1', { flags: ['replay'] }));
      await store.settleForward({ seqs: [seq], forward: FAILED, status: 500, owed: true });
      const again = await store.addReceipt(forwarded('rc_2', { flags: ['replay'] }));
      const error = 'connection refused \0 \ud800 "quoted"\nsecond line';
      const refused = { status: null, durationMs: 0, error };
      await store.settleForward({ seqs: [again.seq, seq], forward: refused, status: 502, owed: true });
      expect(await collect(store.receipts({}))).toMatchObject([
        { id: 'rc_1', status: 502, forward: refused, flags: ['replay'], latencyMs: 100, duplicate: null },
        {
          id: 'rc_2',
          status: 502,
          forward: refused,
          flags: ['replay', 'redelivery'],
          latencyMs: null,
          duplicate: null,
        },
      ]);
    });

    test('what the app said is read back with the bodies alone, and only where it said anything', async () => {
      const { store } = bench;
      const said = 'TypeError: half \ud800, \0, "quoted"\n  at कॉल 📞';
      const answers = [said, '', undefined, 'x'.repeat(5000), `${'x'.repeat(2047)}📞`];
      for (const [i, answer] of answers.entries()) {
        const { seq } = await store.addReceipt(forwarded(`rc_${i}`, { eventId: `ev_${i}` }));
        const settlement = { seqs: [seq], forward: FAILED, status: 500, owed: false };
        await store.settleForward(answer === undefined ? settlement : { ...settlement, answer });
      }
      const whole = await collect(store.entries('receipt', {}, { bodies: true }));
      expect(
        whole.map(({ record }) => record.kind === 'receipt' && [record.receipt.forward, record.answer]),
      ).toEqual([
        [FAILED, said],
        [FAILED, undefined],
        [FAILED, undefined],
        [FAILED, 'x'.repeat(2048)],
        [FAILED, 'x'.repeat(2047)],
      ]);
      expect(whole.filter(({ record }) => 'answer' in record)).toHaveLength(3);
      const slim = await collect(store.entries('receipt', {}));
      expect(slim.filter(({ record }) => 'answer' in record)).toEqual([]);
      expect(await store.count('receipt', { status: 'failed' })).toBe(5);

      const copy = await bench.another();
      for (const { record } of whole) await copy.addRecord(record);
      const copied = await collect(copy.entries('receipt', {}, { bodies: true }));
      expect(copied.map(({ record }) => record)).toEqual(whole.map(({ record }) => record));
    });

    test('an answer may be noted without a forward', async () => {
      const { store } = bench;
      const { seq } = await store.addReceipt(forwarded('rc_1'));
      await store.settleForward({ seqs: [seq], forward: null, status: 503, owed: false });
      expect(await collect(store.receipts({}))).toMatchObject([{ status: 503, forward: null }]);
      expect((await store.addReceipt(forwarded('rc_2'))).first?.forward).toBe('none');
    });

    test('what a sender asked for is read back with the bodies alone, and goes with them', async () => {
      const { store } = bench;
      await store.addReceipt(newReceipt({ asked: '/crm?key=S3CR3T' }));
      await store.addReceipt(newReceipt({ eventId: 'ev_2' }));
      const read = async (bodies: boolean) =>
        (await collect(store.entries('receipt', {}, { bodies }))).map(({ record }) =>
          record.kind === 'receipt' ? [record.receipt.bodyBytes, record.asked] : null,
        );
      expect(await read(true)).toEqual([
        [12, '/crm?key=S3CR3T'],
        [12, undefined],
      ]);
      expect(await read(false)).toEqual([
        [12, undefined],
        [12, undefined],
      ]);
      await store.prune(AT + 1, AT - 1, { dryRun: false });
      expect(await collect(store.entries('receipt', {}, { bodies: true }))).toEqual([]);
      expect(await store.addReceipt(newReceipt({ asked: '/crm' }))).toMatchObject({ duplicate: 'duplicate' });
    });
  });
}
