import { describe, expect, test } from 'vitest';
import type { Store } from '../../src/core/store.ts';
import { AT, addInTurn, collect, newReceipt } from '../helpers/records.ts';
import type { Bench } from './store.ts';

const DAY = 86_400_000;

async function shownAt(store: Store): Promise<(number | null)[]> {
  return (await collect(store.receipts({}))).map((receipt) => receipt.shownAt);
}

/** A store with so many receipts, and their places. */
async function fill(store: Store, count: number): Promise<number[]> {
  const receipts = Array.from({ length: count }, (_, i) => newReceipt({ id: `rc_${i}`, eventId: `ev_${i}` }));
  return (await addInTurn(store, receipts)).map(({ seq }) => seq);
}

export function shownCases(bench: Bench): void {
  describe('what was on a page', () => {
    test('is noted on the receipts it came with, and on no other', async () => {
      const { store } = bench;
      const [a, , c] = (await fill(store, 3)) as [number, number, number];
      expect(await shownAt(store)).toEqual([null, null, null]);
      await store.noteShown([
        { seq: c, at: AT + 5 },
        { seq: a, at: AT + 70_000 },
      ]);
      expect(await shownAt(store)).toEqual([AT + 70_000, null, AT + 5]);
    });

    test('was first there when it was first there, whichever page says it', async () => {
      const { store } = bench;
      const [seq] = (await fill(store, 1)) as [number];
      await store.noteShown([
        { seq, at: AT + 20 },
        { seq, at: AT + 10 },
      ]);
      await (bench.shared ? await bench.connect() : store).noteShown([{ seq, at: AT + 1 }]);
      expect(await shownAt(store)).toEqual([AT + 20]);
    });

    test('was not there before it was received, whatever a clock says', async () => {
      const { store } = bench;
      const [seq] = (await fill(store, 1)) as [number];
      await store.noteShown([{ seq, at: AT - 5000 }]);
      expect(await shownAt(store)).toEqual([AT]);
    });

    test('may be nothing, or what is not on record', async () => {
      const { store } = bench;
      const [seq] = (await fill(store, 1)) as [number];
      await store.noteShown([]);
      await store.noteShown([
        { seq: 0, at: AT },
        { seq: seq + 1, at: AT },
        { seq, at: AT + 1.5 },
      ]);
      expect(await shownAt(store)).toEqual([AT + 2]);
    });

    test('is removed with its receipt, and not noted on what is left of one', async () => {
      const { store } = bench;
      const [a, b] = (await fill(store, 2)) as [number, number];
      await store.noteShown([{ seq: a, at: AT + 5 }]);
      await store.prune(AT + DAY, AT - DAY, { dryRun: false });
      await store.noteShown([{ seq: b, at: AT + 5 }]);
      expect(await shownAt(store)).toEqual([]);
      expect(await store.addReceipt(newReceipt({ eventId: 'ev_0' }))).toMatchObject({
        duplicate: 'duplicate',
        first: { seq: a },
      });
    });

    test('of a copy from another log is what it says', async () => {
      const { store } = bench;
      const { body, headers, asked, timestampMs, accepted, forwarding, ...about } = newReceipt();
      const receipt = { ...about, duplicate: null, forward: null, shownAt: AT - 7 };
      await store.addRecord({ kind: 'receipt', receipt, headers: null, body: null });
      expect(await collect(store.receipts({}))).toEqual([receipt]);
    });
  });
}
