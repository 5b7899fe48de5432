import { describe, expect, test } from 'vitest';
import { StoreError } from '../../../src/core/errors.ts';
import type { Receipt } from '../../../src/core/record.ts';
import type { Store } from '../../../src/core/store.ts';
import type { ReceiverOptions } from '../../../src/receiver/receiver.ts';
import { openStore } from '../../../src/store/open.ts';
import { delivery, EVENT, eventBody } from '../../helpers/delivery.ts';
import { collect } from '../../helpers/records.ts';
import { answeringApp, heldApp, testReceiver } from '../../helpers/test-receiver.ts';

/** A receiver, and what it has told of in turn: `stored 1`, `received`, `answered 200`. */
async function watched(options: Partial<ReceiverOptions> = {}) {
  const store = options.store ?? (await openStore('sqlite::memory:'));
  const told: string[] = [];
  const stored: { seq: number; receipt: Receipt; call: string | null; inLog: number }[] = [];
  const receiver = await testReceiver({
    ...options,
    store,
    onReceived: () => told.push('received'),
    onStored: (seq, receipt, { callId }) => {
      told.push(`stored ${seq}`);
      stored.push({ seq, receipt, call: callId, inLog: -1 });
      // Asked in the same turn, the log has it already.
      void store.last('receipt').then((last) => {
        (stored.find((one) => one.seq === seq) as { inLog: number }).inLog = last;
      });
    },
    onAnswered: ({ status }) => told.push(`answered ${status}`),
  });
  return { receiver, store, told, stored };
}

/** The places at which the log has each receipt. */
async function placesIn(store: Store): Promise<Record<string, number>> {
  const entries = await collect(store.entries('receipt', {}));
  return Object.fromEntries(
    entries.map(({ seq, record }) => [record.kind === 'receipt' ? record.receipt.id : '', seq]),
  );
}

describe('what is told once the log has a receipt', () => {
  test('of a new one: its place, before it is answered', async () => {
    const { receiver, store, told, stored } = await watched();
    await receiver.send(delivery());
    expect(told).toEqual(['stored 1', 'received', 'answered 200']);
    expect(stored).toMatchObject([
      { seq: 1, call: 'MO1', receipt: { id: 'rc_1', status: 200, duplicate: null } },
    ]);
    expect(await placesIn(store)).toEqual({ rc_1: 1 });
    expect(stored[0]?.inLog).toBe(1);
  });

  test('of a duplicate: that it is one', async () => {
    const { receiver, told, stored } = await watched();
    await receiver.send(delivery());
    await receiver.send(delivery());
    await receiver.send(delivery({ body: eventBody({ n: 1 }) }));
    await receiver.send(delivery({ id: 'ev_2' }));
    expect(stored.map(({ seq, receipt }) => [seq, receipt.duplicate, receipt.latencyMs === null])).toEqual([
      [1, null, false],
      [2, 'duplicate', true],
      [3, 'conflict', false],
      [4, 'suspected_replay', false],
    ]);
    expect(told.slice(3, 6)).toEqual(['stored 2', 'received', 'answered 200']);
  });

  test.each<[string, Parameters<typeof delivery>[0], Partial<ReceiverOptions>, number]>([
    ['forged', { secret: 'another' }, {}, 400],
    ['unsigned', { signature: null }, {}, 400],
    ['no event', { body: '[]' }, { strict: true }, 422],
    ['one to rehearse with', {}, { rehearsal: { statuses: [503], pause: async () => {} } }, 503],
  ])('of one that is %s: after its answer', async (_, options, about, status) => {
    const { receiver, store, told, stored } = await watched(about);
    await receiver.send(delivery(options));
    expect(told).toEqual(['received', `answered ${status}`]);
    await receiver.drain();
    expect(told).toEqual(['received', `answered ${status}`, 'stored 1']);
    expect(stored[0]?.receipt).toMatchObject({ status, duplicate: null });
    expect(await placesIn(store)).toEqual({ rc_1: 1 });
  });

  test('with an app: before the app is asked, and the same receipt has its answer later', async () => {
    const app = heldApp();
    const { receiver, told, stored } = await watched({ forwarder: app });
    const sent = receiver.send(delivery());
    await expect.poll(() => app.calls.length, { interval: 1 }).toBe(1);
    expect(told).toEqual(['stored 1', 'received']);
    const [{ receipt }] = stored as [(typeof stored)[0]];
    expect([receipt.status, receipt.forward]).toEqual([null, null]);
    app.calls[0]?.answer(201);
    await sent;
    expect(told).toEqual(['stored 1', 'received', 'answered 201']);
    expect(receipt).toMatchObject({ status: 201, forward: { status: 201 } });
  });

  test('of the sender’s retry after the app failed: that it is no duplicate', async () => {
    const { receiver, stored } = await watched({ forwarder: answeringApp(500, 200) });
    await receiver.send(delivery());
    await receiver.send(delivery());
    expect(stored.map(({ receipt }) => [receipt.duplicate, receipt.flags.includes('redelivery')])).toEqual([
      [null, false],
      [null, true],
    ]);
  });

  test('of many at once: each once, with its own place, in the order of the log', async () => {
    const { receiver, store, stored } = await watched();
    await Promise.all(
      Array.from({ length: 100 }, (_, i) =>
        receiver.send(
          delivery({
            id: `ev_${i % 40}`,
            body: eventBody({ call_id: `MO${i % 40}` }),
            ...(i % 7 === 0 ? { signature: null } : {}),
          }),
        ),
      ),
    );
    await receiver.drain();
    const places = await placesIn(store);
    expect(stored).toHaveLength(100);
    for (const { seq, receipt } of stored) expect(places[receipt.id]).toBe(seq);
    const seqs = stored.map(({ seq }) => seq);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    for (const { seq, inLog } of stored) expect(inLog).toBeGreaterThanOrEqual(seq);
  });

  test('of what could not be stored: nothing', async () => {
    const store = await openStore('sqlite::memory:');
    const broken = { ...store, addReceipt: () => Promise.reject(new StoreError('full', 'full')) };
    const { receiver, told } = await watched({ store: broken });
    expect((await receiver.send(delivery())).status).toBe(503);
    expect((await receiver.send(delivery({ signature: null }))).status).toBe(400);
    await receiver.drain();
    expect(told).toEqual(['received', 'answered 400']);
  });

  test('has neither headers nor body with it: they would keep the memory of the whole request', async () => {
    const { receiver, store, stored } = await watched();
    await receiver.send(delivery());
    await receiver.send(delivery({ signature: null }));
    await receiver.drain();
    for (const { receipt } of stored) {
      const kept = receipt as Receipt & { body: Uint8Array; headers: string[] };
      expect([kept.body.length, kept.headers.length]).toEqual([0, 0]);
      expect(receipt.bodyBytes).toBe(EVENT.length);
    }
    const entries = await collect(store.entries('receipt', {}, { bodies: true }));
    for (const { record } of entries) {
      expect(record.body?.toString()).toBe(EVENT);
      expect(record.headers?.length).toBeGreaterThan(0);
    }
  });
});
