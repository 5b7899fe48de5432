import { describe, expect, test } from 'vitest';
import type { ForwardResult } from '../../src/core/record.ts';
import type { Store } from '../../src/core/store.ts';
import { collect, newReceipt } from '../helpers/records.ts';
import type { Bench, StoreOptions } from './store.ts';

const DONE: ForwardResult = { status: 200, durationMs: 7, error: null };
const MS = 10_000;

/** A receipt whose forward begins; acknowledged already, unless told otherwise. */
const forwarded = (id: string, about: Parameters<typeof newReceipt>[0] = {}) =>
  newReceipt({ id, eventId: id, forwarding: true, ...about });

async function taken(store: Store): Promise<number[]> {
  return (await store.takeUnforwarded()).receipts.map(({ seq }) => seq);
}

/** A clock that a test moves, and whether the processes that others see are there. */
function leaseOptions() {
  const world = { now: 0, alive: true };
  const options: StoreOptions = {
    lease: { ms: MS, monotonic: () => world.now, isAlive: () => world.alive },
  };
  return { world, options };
}

export function leaseCases(bench: Bench): void {
  describe('leases on forwards', () => {
    test('G20 what a run has under way itself is never handed out to it', async () => {
      const { store } = bench;
      await store.addReceipt(forwarded('rc_1'));
      expect(await taken(store)).toEqual([]);
      expect(await taken(store)).toEqual([]);
    });

    describe.skipIf(!bench.shared)('of another run', () => {
      /** A store whose only run is gone, with these in it: their places. */
      async function left(...receipts: ReturnType<typeof newReceipt>[]): Promise<number[]> {
        const run = await bench.connect();
        const seqs: number[] = [];
        for (const receipt of receipts) seqs.push((await run.addReceipt(receipt)).seq);
        await run.close();
        return seqs;
      }

      test('G20 that is there are left to it, for as long as it is', async () => {
        const first = leaseOptions();
        const second = leaseOptions();
        const [one, other] = [await bench.connect(first.options), await bench.connect(second.options)];
        const { seq } = await one.addReceipt(forwarded('rc_1'));
        for (let look = 0; look < 10; look++) {
          expect(await other.takeUnforwarded()).toEqual({ receipts: [], lookAgainMs: MS });
          second.world.now += MS - 1;
          // Whatever it begins tells that it is there.
          first.world.now += MS - 1;
          await one.addReceipt(forwarded(`rc_next_${look}`));
        }
        await one.settleForward({ seqs: [seq], forward: DONE, status: 200, owed: false });
        const [receipt] = await collect(other.receipts({}));
        expect(receipt?.forward).toEqual(DONE);
      });

      test('G20 whose lease has run out are handed out once, as they came', async () => {
        const body = Uint8Array.from({ length: 300 }, (_, i) => i);
        const headers = ['X-MO-Event-Id', 'ev_1', 'X-Empty', '', 'x-mo-event-id', 'twice: \t"ü"'];
        const asked = '/crm?key=S3CR3T&x=\n"';
        const { world, options } = leaseOptions();
        const stuck = await bench.connect();
        const { seq } = await stuck.addReceipt(forwarded('rc_1', { body, headers, asked }));
        const settled = await stuck.addReceipt(forwarded('rc_2'));
        await stuck.settleForward({ seqs: [settled.seq], forward: DONE, status: 200, owed: false });
        await stuck.addReceipt(newReceipt({ eventId: 'ev_3' }));

        const next = await bench.connect(options);
        expect(await next.takeUnforwarded()).toEqual({ receipts: [], lookAgainMs: MS });
        world.now += MS - 1;
        expect(await next.takeUnforwarded()).toEqual({ receipts: [], lookAgainMs: 1 });
        world.now += 1;
        const { receipts } = await next.takeUnforwarded();
        expect(receipts.map((one) => ({ ...one, body: [...one.body] }))).toEqual([
          { seq, status: 200, headers, asked, body: [...body] },
        ]);
        world.now += 10 * MS;
        expect(await taken(next)).toEqual([]);
        expect(await taken(await bench.connect(options))).toEqual([]);
      });

      test('G20 whose process is gone, or that was closed, are handed out at once', async () => {
        const [closed] = await left(forwarded('rc_1'));
        const { world, options } = leaseOptions();
        const gone = await bench.connect();
        const { seq } = await gone.addReceipt(forwarded('rc_2'));
        const next = await bench.connect(options);
        expect(await taken(next)).toEqual([closed]);
        world.alive = false;
        expect(await taken(next)).toEqual([seq]);
      });

      test('G20 are taken by one of several runs that look at once', async () => {
        const seqs = await left(forwarded('rc_1'), forwarded('rc_2'));
        const others = [await bench.connect(), await bench.connect(), await bench.connect()];
        const found = await Promise.all(others.map((store) => taken(store)));
        expect(found.flat()).toEqual(seqs);
        expect(found.filter((one) => one.length > 0)).toHaveLength(1);
      });

      test('G20 that were taken over are the other’s to settle', async () => {
        const { world, options } = leaseOptions();
        const paused = await bench.connect();
        const { seq } = await paused.addReceipt(forwarded('rc_1'));
        const next = await bench.connect(options);
        await taken(next);
        world.now += MS;
        expect(await taken(next)).toEqual([seq]);
        const late = { status: 500, durationMs: 1, error: null };
        await paused.settleForward({ seqs: [seq], forward: late, status: 500, owed: true });
        expect(await collect(next.receipts({}))).toMatchObject([{ status: 200, forward: null }]);
        await next.settleForward({ seqs: [seq], forward: DONE, status: 200, owed: false });
        expect(await collect(next.receipts({}))).toMatchObject([{ status: 200, forward: DONE }]);
      });

      test('that were acknowledged stay owed until they are settled, whoever takes them', async () => {
        const [seq] = (await left(forwarded('rc_1'))) as [number];
        const second = await bench.connect();
        expect(await taken(second)).toEqual([seq]);
        await second.close();
        const third = await bench.connect();
        expect(await taken(third)).toEqual([seq]);
        await third.settleForward({ seqs: [seq], forward: DONE, status: 200, owed: false });
        await third.close();
        expect(await taken(await bench.connect())).toEqual([]);
      });

      test('that were not acknowledged are the sender’s to repeat, which it may then', async () => {
        const [seq] = await left(forwarded('rc_1', { status: null }));
        const next = await bench.connect();
        const before = await next.addReceipt(forwarded('rc_2', { eventId: 'rc_1', status: null }));
        expect(before).toMatchObject({ duplicate: 'duplicate', first: { seq, forward: 'pending' } });
        expect((await next.takeUnforwarded()).receipts).toMatchObject([{ seq, status: null }]);
        const repeated = forwarded('rc_3', { eventId: 'rc_1', status: null });
        expect(await next.addReceipt(repeated)).toMatchObject({ duplicate: null, redelivery: true });
      });

      test('what comes while they are taken is not among them', async () => {
        const seqs = await left(forwarded('rc_1'));
        const next = await bench.connect();
        const [owed] = await Promise.all([taken(next), next.addReceipt(forwarded('rc_2'))]);
        expect(owed).toEqual(seqs);
        expect(await taken(await bench.connect())).toEqual([]);
      });

      test('G20 a retry that is under way belongs to the run that forwards it', async () => {
        const [seq] = await left(forwarded('rc_1', { status: null }));
        const next = await bench.connect();
        await taken(next);
        await next.addReceipt(forwarded('rc_2', { eventId: 'rc_1', status: null }));
        expect(await taken(await bench.connect())).toEqual([]);
        await next.close();
        expect((await taken(await bench.connect())).sort()).toContain(seq);
      });
    });
  });
}
